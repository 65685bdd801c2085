"""PNG (third edition) at 8 and 16 bits: pixels through libpng, the chunks beside them kept or interpreted."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from . import icc
from .decoded import Decoded
from .metadata import SOFTWARE_TAG, Metadata, checked_resolution, exif_to_write, of_block, upright_xmp
from .safe_write import SOFTWARE, marked

if TYPE_CHECKING:
    from pathlib import Path

    from backend.imaging.arrays import AnyArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
METERS_PER_INCH = 0.0254
XMP = b"XML:com.adobe.xmp"
LEVEL = 2  # a quarter of the default's time, for files of nearly the same size
INFLATED_MOST = 1 << 25
"""Bytes that a compressed profile or text may become."""

SRGB_GAMMA = 0.45455


def read(content: bytes, path: Path) -> Decoded:
    """The image of a PNG; of an animated one the first frame.

    Raises:
        CommandError: for one that does not fit into memory.
        Exception: of whatever kind, when it is damaged.
    """
    import imagecodecs
    import numpy as np

    from .sources import check_size

    width, height, bits, color = struct.unpack_from(">IIBB", content, 16)
    check_size(path, width, height, (1, 1, 3, 3, 2, 1, 4, 1)[color & 7] * (2 if bits == 16 else 1))
    found: dict[bytes, bytes] = {}
    for name, body in chunks(content):
        if name == b"iTXt" and not body.startswith(XMP + b"\0"):
            continue
        found.setdefault(name, body)
    pixels = imagecodecs.png_decode(content)
    pixels = np.atleast_3d(pixels)
    notes: list[str] = []
    profile, cicp = _profile(found, pixels.shape[2], notes)
    metadata, orientation = of_block(found.get(b"eXIf", b""))
    if b"pHYs" in found and len(found[b"pHYs"]) == 9:
        across, down, unit = struct.unpack(">IIB", found[b"pHYs"])
        stored = checked_resolution((across * METERS_PER_INCH, down * METERS_PER_INCH)) if unit == 1 else None
        metadata = replace(metadata, resolution=stored or metadata.resolution)
    metadata = replace(metadata, xmp=_xmp(found.get(b"iTXt", b"")), cicp=cicp)
    frames = struct.unpack_from(">I", found[b"acTL"])[0] if len(found.get(b"acTL", b"")) == 8 else 1
    return Decoded(pixels, profile, orientation, metadata, max(1, frames), notes)


def encode(pixels: AnyArray, profile: bytes, metadata: Metadata) -> bytes:
    """A PNG of H x W x C bytes or 16-bit samples."""
    import imagecodecs
    import numpy as np

    squeezed = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    plain = bytes(imagecodecs.png_encode(np.ascontiguousarray(squeezed), level=LEVEL))
    header = len(SIGNATURE) + 25  # signature and IHDR
    extra = b""
    if metadata.cicp and not profile:
        extra += chunk(b"cICP", metadata.cicp)
    if profile:
        extra += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    if metadata.resolution:
        across, down = (round(value / METERS_PER_INCH) for value in metadata.resolution)
        extra += chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif:
        exif = exif_to_write(metadata.exif)
        del exif[SOFTWARE_TAG]
        extra += chunk(b"eXIf", exif.tobytes()[6:]) if len(exif) else b""
    if metadata.xmp:
        extra += chunk(b"iTXt", XMP + b"\0\0\0\0\0" + metadata.xmp)
    end = chunk(b"IEND", b"")
    text = b"Software\0" + SOFTWARE.encode("latin-1")
    body = plain[:header] + extra + plain[header : -len(end)]
    whole = marked(body + chunk(b"tEXt", text) + end, len(body))
    return body + chunk(b"tEXt", whole[len(body) + 8 : -len(end) - 4]) + end


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies of a PNG's chunks but for the pixels', in order; ends where they do not go on."""
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        if size > len(content) - at - 12:
            return
        if name not in (b"IDAT", b"fdAT"):
            yield name, content[at + 8 : at + 8 + size]
        at += 12 + size


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _profile(found: dict[bytes, bytes], channels: int, notes: list[str]) -> tuple[bytes, bytes]:
    """Profile and HDR code points, by the specification's order: cICP, iCCP, sRGB, gAMA with cHRM (13.15)."""
    cicp = found.get(b"cICP", b"")
    if len(cicp) == 4 and channels >= 3:
        signal = icc.of_signal(cicp[0], cicp[1], notes)
        if signal is not None:
            return signal
    if b"iCCP" in found:
        profile = icc.fitting(_inflated(found[b"iCCP"].partition(b"\0")[2][1:]), channels)
        if profile:
            return profile, b""
    elif b"sRGB" not in found and len(found.get(b"gAMA", b"")) == 4:
        gamma = struct.unpack(">I", found[b"gAMA"])[0] / 1e5
        return _of_gamma(gamma, found.get(b"cHRM", b""), channels), b""
    return b"", b""


def _of_gamma(gamma: float, chromaticities: bytes, channels: int) -> bytes:
    points = [value / 1e5 for value in struct.unpack(">8I", chromaticities)] if len(chromaticities) == 32 else []
    ordinary = [*icc.WHITE_D65, *icc.PRIMARIES[1]]
    like_srgb = not points or max(abs(a - b) for a, b in zip(points, ordinary, strict=True)) < 0.002
    if not 0.05 <= gamma <= 5 or (abs(gamma - SRGB_GAMMA) < 0.005 and (like_srgb or channels < 3)):
        return b""
    if channels < 3:
        return icc.gray_gamma(1 / gamma)
    points = points or ordinary
    try:
        return icc.from_chromaticities(points[:2], points[2:], 1 / gamma)
    except Exception:  # points that are no colors
        return b""


def _xmp(body: bytes) -> bytes:
    """The packet in an international text chunk: keyword, compression flag and method, language, translation, text."""
    if not body:
        return b""
    compressed, rest = body[len(XMP) + 1 : len(XMP) + 2] == b"\1", body[len(XMP) + 3 :]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    return upright_xmp(_inflated(text) if compressed else text)


def _inflated(data: bytes) -> bytes:
    """What was compressed; empty when it is damaged or becomes too large."""
    expander = zlib.decompressobj()
    try:
        result = expander.decompress(data, INFLATED_MOST)
    except zlib.error:
        return b""
    return b"" if expander.unconsumed_tail else result
