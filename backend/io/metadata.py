"""What a file says beside its pixels: EXIF, XMP and resolution, and how they go on to a result."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .safe_write import SOFTWARE

ORIENTATION, RESOLUTION, UNIT, SOFTWARE_TAG = 0x0112, (0x011A, 0x011B), 0x0128, 0x0131
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
MEASURES = {0xA002, 0xA003}
"""Width and height, which EXIF says once more."""

KEPT = {
    0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298, 0x83BB,
    0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,
}  # fmt: skip
"""What is kept of the first directory: name, description, camera, date, artist, host, rating, copyright, IPTC. All
else there speaks of how the pixels lay in the old file."""

DESCRIPTION = 0x010E
STRUCTURE = ('{"shape"', "ImageJ=", "<?xml", "<OME")
"""How descriptions begin that programs use for the layout of the old file."""

CM_PER_INCH = 2.54


@dataclass(frozen=True, slots=True)
class Metadata:
    """What goes on from an image to its result.

    Attributes:
        exif: an EXIF block without orientation (the pixels are upright) and thumbnail, from its TIFF header on.
        xmp: an XMP packet, its orientation reset.
        resolution: pixels per inch, across and down.
        cicp: code points of an HDR signal (PNG's cICP chunk), for as long as the image has no other profile.
    """

    exif: bytes = b""
    xmp: bytes = b""
    resolution: tuple[float, float] | None = None
    cicp: bytes = b""


def kept_exif(exif: Image.Exif) -> bytes:
    """The block to keep of what Pillow has read; empty when there is nothing, or it cannot be written again."""
    kept = Image.Exif()
    try:
        for tag in KEPT & set(exif):
            if not (tag == DESCRIPTION and str(exif[tag]).lstrip().startswith(STRUCTURE)):
                kept[tag] = exif[tag]
        for directory in (EXIF_IFD, GPS_IFD):
            entries: dict[int, Any] = {t: v for t, v in exif.get_ifd(directory).items() if t not in MEASURES}
            if INTEROP_IFD in entries:
                entries[INTEROP_IFD] = exif.get_ifd(INTEROP_IFD)
            if entries:
                kept[directory] = entries
        return kept.tobytes()[6:] if len(kept) else b""
    except Exception:  # damaged metadata is no reason to refuse an image
        return b""


def parsed_exif(block: bytes) -> Image.Exif:
    """EXIF from its TIFF header on, or a whole TIFF, as Pillow has it; empty when it cannot be read."""
    exif = Image.Exif()
    with contextlib.suppress(Exception):
        exif.load(b"Exif\0\0" + block)
    return exif


def exif_to_write(block: bytes) -> Image.Exif:
    """The block with the mark of what wrote the file."""
    exif = parsed_exif(block)
    exif[SOFTWARE_TAG] = SOFTWARE
    try:
        exif.tobytes()
    except Exception:
        exif = Image.Exif()
        exif[SOFTWARE_TAG] = SOFTWARE
    return exif


def upright_xmp(packet: bytes | str) -> bytes:
    """An XMP packet that says that the image is upright."""
    data = packet.encode() if isinstance(packet, str) else bytes(packet)
    data = re.sub(rb"(tiff:Orientation\s*=\s*[\"'])[2-8]", rb"\g<1>1", data)
    return re.sub(rb"(<tiff:Orientation>\s*)[2-8]", rb"\g<1>1", data)


def orientation_of(exif: Image.Exif) -> int:
    """1 to 8; 1, upright, when it says nothing or nonsense."""
    try:
        value = exif.get(ORIENTATION, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def resolution_of(exif: Image.Exif) -> tuple[float, float] | None:
    """Pixels per inch."""
    try:
        per_unit = {2: 1.0, 3: CM_PER_INCH}.get(exif.get(UNIT, 2))
        across, down = (float(exif[tag]) for tag in RESOLUTION)
    except Exception:
        return None
    return checked_resolution((across * per_unit, down * per_unit)) if per_unit else None


def checked_resolution(found: object) -> tuple[float, float] | None:
    """A pair of sensible numbers of pixels per inch, or None."""
    if not (isinstance(found, tuple) and len(found) == 2):
        return None
    try:
        across, down = float(found[0]), float(found[1])
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0.5 < across < 1e6 and 0.5 < down < 1e6 else None


def directory_at(entries: dict[int, Any], offset: int) -> bytes:
    """One of EXIF's own directories as bytes for a little-endian TIFF, where they lie at `offset`."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    directory = ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    for tag, value in entries.items():
        directory[tag] = value
    return bytes(directory.tobytes(offset))


def from_pillow(image: Image.Image) -> tuple[Metadata, int]:
    """Of an open file: what is kept, and its orientation."""
    try:
        exif = image.getexif()
    except Exception:
        exif = Image.Exif()
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    stored = checked_resolution(image.info.get("dpi")) if image.info.get("jfif_unit", 1) else None
    found = Metadata(kept_exif(exif), upright_xmp(packet), stored or resolution_of(exif))
    return found, orientation_of(exif)


def of_block(block: bytes) -> tuple[Metadata, int]:
    """Of an EXIF block, from its TIFF header on: what is kept, and the orientation."""
    exif = parsed_exif(block)
    return Metadata(kept_exif(exif), b"", resolution_of(exif)), orientation_of(exif)


def as_stream(content: bytes) -> io.BytesIO:
    """A file in memory, for libraries that want one."""
    return io.BytesIO(content)
