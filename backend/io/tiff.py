"""TIFF (6.0 and its supplements) at every depth, through tifffile and imagecodecs."""

from __future__ import annotations

import contextlib
import logging
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import icc, ycbcr
from .decoded import Decoded, UnreadableError, scaled, straight
from .metadata import (
    EXIF_IFD,
    GPS_IFD,
    KEPT,
    SOFTWARE_TAG,
    Metadata,
    checked_resolution,
    directory_at,
    of_block,
    parsed_exif,
    upright_xmp,
)
from .safe_write import SOFTWARE

if TYPE_CHECKING:
    from pathlib import Path

    from backend.imaging.arrays import AnyArray

logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # its remarks on odd files are not for the user

PROFILE, XMP, PHOTOSHOP_LAYERS, DNG_VERSION, INK_SET = 34675, 700, 37724, 50706, 332
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
OTHERS = {4: "a transparency mask", 10: "ITU Lab", 32803: "a camera's raw file", 32844: "LogL", 32845: "LogLuv",
          34892: "a camera's raw file"}  # fmt: skip
COLORS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}
ASSOCIATED, UNASSOCIATED = 1, 2
PAGES_SEEN = 64  # of a file, to tell images from thumbnails


def read(content: bytes, path: Path) -> Decoded:
    """The first image of a TIFF.

    Raises:
        UnreadableError: for kinds of TIFF that are not read.
        CommandError: for one that does not fit into memory.
        Exception: of whatever kind, when it is damaged.
    """
    import tifffile

    from .metadata import as_stream

    with tifffile.TiffFile(as_stream(content)) as file:
        page: Any = next((p for p in _pages(file) if not p.subfiletype & 1), file.pages[0])
        _check(page, path)
        notes: list[str] = []
        if PHOTOSHOP_LAYERS in page.tags:
            notes.append("Its layers are not read: the image is what they show together.")
        pixels, profile = _colors(page, notes)
        frames = sum(1 for p in _pages(file) if not p.subfiletype & 1) + max(0, len(file.pages) - PAGES_SEEN)
        metadata, orientation = of_block(content)
        packet = page.tags.valueof(XMP)
        metadata = replace(
            metadata,
            xmp=upright_xmp(packet) if isinstance(packet, bytes | str) else b"",
            resolution=_resolution(page),
        )
        frames = max(1, frames) + (PHOTOSHOP_LAYERS in page.tags)
        return Decoded(pixels, profile, orientation, metadata, frames, notes)


def encode(pixels: AnyArray, profile: bytes, metadata: Metadata) -> bytes:
    """A TIFF of H x W x C in any depth of a raster; alpha is marked as such and straight."""
    import numpy as np
    import tifffile

    from .metadata import as_stream

    channels = pixels.shape[2]
    exif = parsed_exif(metadata.exif)
    tags = _tags(exif, metadata.xmp)
    directories: dict[int, dict[int, Any]] = {}
    for tag in (EXIF_IFD, GPS_IFD):
        with contextlib.suppress(Exception):
            if entries := exif.get_ifd(tag):
                directories[tag] = dict(entries)
                tags.append((tag - 1, 4, 1, 0, True))
    stream = as_stream(b"")
    with tifffile.TiffWriter(stream, byteorder="<") as writer:
        writer.write(
            np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels),
            photometric="rgb" if channels >= 3 else "minisblack",
            planarconfig="contig" if channels > 1 else None,
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            compression="zlib",
            predictor=pixels.dtype.kind == "u",
            iccprofile=profile or None,
            resolution=metadata.resolution,
            resolutionunit="INCH" if metadata.resolution else None,
            software=SOFTWARE,
            metadata=None,
            extratags=tags,
        )
    for tag, entries in directories.items():
        _append(stream, tag, entries)
    return stream.getvalue()


def _pages(file: Any) -> list[Any]:
    return [file.pages[i] for i in range(min(len(file.pages), PAGES_SEEN))]


def _check(page: Any, path: Path) -> None:
    """Refuse what is not read, and what does not fit into memory."""
    from .sources import check_size

    photometric = int(page.photometric)
    if DNG_VERSION in page.tags or photometric in (32803, 34892):
        raise UnreadableError("it is a camera's raw file: develop it with a raw converter and save a TIFF")
    if photometric not in COLORS:
        kind = OTHERS.get(photometric, f"color kind {photometric}")
        raise UnreadableError(f"this kind of TIFF ({kind}) is not read: save it as RGB or gray")
    if page.imagedepth != 1:
        raise UnreadableError("it is a volume: save one slice of it")
    if photometric == CMYK and page.tags.valueof(INK_SET, 1) != 1:
        raise UnreadableError("its inks are not those of CMYK: save it as RGB")
    check_size(path, page.imagewidth, page.imagelength, page.samplesperpixel * max(1, page.bitspersample // 8))
    if page.is_tiled:
        check_size(path, page.tilewidth, page.tilelength, page.samplesperpixel * max(1, page.bitspersample // 8))


def _colors(page: Any, notes: list[str]) -> tuple[AnyArray, bytes]:
    """Pixels as gray or RGB with or without alpha, and the profile that goes with them."""
    import numpy as np

    photometric = int(page.photometric)
    data = _samples(page)
    profile = page.tags.valueof(PROFILE) or b""
    profile = bytes(profile) if isinstance(profile, bytes | tuple | list) else b""
    count = COLORS[photometric]
    colors, alpha, premultiplied = _divided(page, data, count, notes)
    if photometric == PALETTE:
        colors = _through_palette(page, colors[..., 0])
    elif photometric in (CIELAB, ICCLAB):
        colors, profile = _from_lab(colors, photometric == CIELAB), b""
    else:
        bits = page.bitspersample
        colors = scaled(colors, bits, notes)
        if photometric == WHITE_IS_ZERO:
            colors = (1 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max) - colors
        if photometric == CMYK:
            colors, profile = _from_cmyk(colors, profile, notes), b""
        if ycbcr.is_raw(page):
            colors = ycbcr.to_rgb(page, colors)
    pixels: AnyArray = colors
    if alpha is not None:
        from backend.io.rasters import as_depth, depth_of

        alpha = as_depth(scaled(alpha, page.bitspersample, []), depth_of(colors))
        pixels = np.concatenate([colors, alpha], axis=2)
        if premultiplied:
            pixels = straight(pixels)
    return np.ascontiguousarray(pixels), icc.fitting(profile, pixels.shape[2])


def _samples(page: Any) -> AnyArray:
    """H x W x C as they are stored."""
    import numpy as np

    if ycbcr.is_raw(page):
        return ycbcr.samples(page)
    data = page.asarray(maxworkers=1)
    if int(page.planarconfig) == 2 and page.samplesperpixel > 1:
        data = np.moveaxis(data, 0, -1)
    found: AnyArray = data.reshape(page.imagelength, page.imagewidth, -1)
    return found


def _divided(page: Any, data: AnyArray, count: int, notes: list[str]) -> tuple[AnyArray, AnyArray | None, bool]:
    """Color samples, alpha H x W x 1 if there is one, and whether the color is multiplied by it."""
    extra = data.shape[2] - count
    if extra < 0:
        raise ValueError(f"{data.shape[2]} samples a pixel where its kind has {count}")
    kinds = [int(kind) for kind in page.extrasamples]
    if extra == 1 and not kinds:
        kinds = [UNASSOCIATED]  # nothing says what it is: as other programs have it, alpha
    found = next((i for i, kind in enumerate(kinds[:extra]) if kind in (ASSOCIATED, UNASSOCIATED)), None)
    if extra > (found is not None):
        notes.append(f"{extra - (found is not None)} of its channels is neither color nor transparency; left out.")
    colors = data[..., :count]
    if found is None:
        return colors, None, False
    return colors, data[..., count + found : count + found + 1], kinds[found] == ASSOCIATED


def _through_palette(page: Any, indices: AnyArray) -> AnyArray:
    import numpy as np

    table = np.asarray(page.colormap)  # 3 x 2^bits of 16 bits
    high, low = table >> 8, table & 255
    if (low == 0).all() or (low == high).all():  # eight bits, written as either 256 or 257 times their value
        table = high.astype(np.uint8)
    elif not high.any():  # written by programs that took eight bits for the whole range
        table = table.astype(np.uint8)
    found: AnyArray = np.moveaxis(table[:, indices], 0, -1)
    return found


def _from_cmyk(colors: AnyArray, profile: bytes, notes: list[str]) -> AnyArray:
    """RGB in sRGB, in the inks' own depth."""
    import numpy as np

    from backend.imaging.color.spaces import to_unit
    from backend.io.rasters import as_depth, depth_of

    notes.append("Its CMYK colors are converted to sRGB.")
    if icc.space(profile) == "cmyk":
        scale = np.float32(100) if colors.dtype.kind == "f" else 1
        return as_depth(icc.transformed(colors * scale, profile, icc.srgb()), depth_of(colors))
    inks = to_unit(colors)
    return as_depth((1 - inks[..., :3]) * (1 - inks[..., 3:]), depth_of(colors))


def _from_lab(colors: AnyArray, signed: bool) -> AnyArray:
    """RGB in sRGB of L*a*b* (TIFF 6.0, section 23, and its technical note 4), in the samples' own depth."""
    import numpy as np

    from backend.io.rasters import as_depth

    kind = colors.dtype
    if kind.kind == "f":
        values = colors.astype(np.float32)
    elif kind.itemsize in (1, 2):
        full, step = (255.0, 1.0) if kind.itemsize == 1 else (65535.0 if signed else 65280.0, 256.0)
        raw = colors.astype(f"u{kind.itemsize}")
        chroma = raw[..., 1:].astype(f"i{kind.itemsize}") if signed else raw[..., 1:].astype(np.float32) - 128 * step
        values = np.concatenate([raw[..., :1] * (100 / full), chroma / step], axis=2).astype(np.float32)
    else:
        raise UnreadableError("its Lab samples are of a depth that is not read: save it as 8 or 16 bits")
    changed = icc.transformed(values, icc.lab(), icc.srgb())
    found: AnyArray = as_depth(changed, "u8" if kind.itemsize == 1 else "u16" if kind.kind != "f" else "f32")
    return found


def _resolution(page: Any) -> tuple[float, float] | None:
    """Pixels per inch."""
    per_unit = {2: 1.0, 3: 2.54}.get(int(page.tags.valueof(296, 2)))
    if per_unit is None:
        return None
    found = []
    for tag in (282, 283):
        value = page.tags.valueof(tag)
        if not (isinstance(value, tuple) and len(value) == 2 and value[1]):
            return None
        found.append(value[0] / value[1] * per_unit)
    return checked_resolution(tuple(found))


def _tags(exif: Any, xmp: bytes) -> list[tuple[int, int, int, Any, bool]]:
    """The first directory's own entries, as tifffile wants them: tag, type, count, value, in this page alone."""
    tags: list[tuple[int, int, int, Any, bool]] = []
    for tag in sorted((KEPT & set(exif)) - {SOFTWARE_TAG}):
        value = exif[tag]
        if isinstance(value, str):
            tags.append((tag, 2, 0, value.encode("ascii", "replace").decode(), True))
        elif isinstance(value, bytes):
            tags.append((tag, 1, len(value), value, True))
        elif isinstance(value, int) and 0 <= value < 65536:
            tags.append((tag, 3, 1, value, True))
    if xmp:
        tags.append((XMP, 1, len(xmp), xmp, True))
    return tags


def _append(stream: Any, tag: int, entries: dict[int, Any]) -> None:
    """Put one of EXIF's directories at the end and make its tag point there; an empty one when it cannot be written.

    tifffile writes no such tags: one with the number before keeps the place.
    """
    import tifffile

    end = stream.seek(0, 2)
    try:
        body = directory_at(entries, end + end % 2)
    except Exception:
        body = b"\0\0" + b"\0\0\0\0"  # a directory without entries
    stream.write(b"\0" * (end % 2) + body)
    stream.seek(0)
    with tifffile.TiffFile(stream, mode="r+") as file:
        page: Any = file.pages[0]
        place = page.tags[tag - 1]
        place.overwrite(end + end % 2, dtype=4)
    stream.seek(place.offset)
    stream.write(struct.pack("<H", tag))
