"""TIFF's YCbCr (TIFF 6.0, section 21) where no JPEG holds it: samples with or without subsampled chroma, as RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .decoded import UnreadableError

if TYPE_CHECKING:
    from backend.imaging.arrays import AnyArray

COEFFICIENTS, SUBSAMPLING, REFERENCE, PREDICTOR = 529, 530, 532, 317
BT601 = (0.299, 0.587, 0.114)
FULL_RANGE = (0, 255, 128, 255, 128, 255)
"""Codes of black and white of Y, Cb and Cr where a file does not say them."""

JPEGS = (6, 7)
"""Compressions whose decoder makes RGB of it itself."""

OF_BYTES = (1, 5, 8, 32773, 32946, 34925, 50000)
"""Compressions that know nothing of pixels: none, LZW, Deflate, PackBits, LZMA, Zstandard."""


def is_raw(page: Any) -> bool:
    """Whether a page holds YCbCr that is still to be converted."""
    return int(page.photometric) == 6 and int(page.compression) not in JPEGS


def samples(page: Any) -> AnyArray:
    """Y, Cb, Cr and what else there is, H x W x C, chroma repeated where it is subsampled.

    Raises:
        UnreadableError: for other depths than 8 bits, and layouts that no program writes.
        Exception: of whatever kind, when it is damaged.
    """
    import numpy as np

    if page.bitspersample != 8 or int(page.compression) not in OF_BYTES:
        raise UnreadableError("its YCbCr samples are of a kind that is not read: save it as RGB")
    across, down = _subsampling(page)
    if (across, down) == (1, 1):
        data: AnyArray = page.asarray(maxworkers=1)
        planar = int(page.planarconfig) == 2
        return np.moveaxis(data, 0, -1) if planar else data.reshape(page.imagelength, page.imagewidth, -1)
    if page.samplesperpixel != 3 or int(page.planarconfig) != 1 or page.tags.valueof(PREDICTOR, 1) != 1:
        raise UnreadableError("its YCbCr samples lie in a way that is not read: save it as RGB")
    if page.is_tiled:
        wide, high = page.tilewidth, page.tilelength
    else:
        wide, high = page.imagewidth, min(page.rowsperstrip, page.imagelength)
    columns = -(-page.imagewidth // wide)
    found: AnyArray = np.zeros((page.imagelength, page.imagewidth, 3), np.uint8)
    for number, content in enumerate(_segments(page)):
        top, left = number // columns * high, number % columns * wide
        rows = high if page.is_tiled else min(high, page.imagelength - top)
        part = _unpacked(content, wide, rows, across, down)
        space = found[top : top + rows, left : left + wide]
        space[:] = part[: space.shape[0], : space.shape[1]]
    return found


def to_rgb(page: Any, colors: AnyArray) -> AnyArray:
    """RGB bytes of H x W x 3, by the coefficients and reference codes that the file says."""
    import numpy as np

    red, green, blue = _numbers(page, COEFFICIENTS, BT601)
    codes = _numbers(page, REFERENCE, FULL_RANGE)
    y, cb, cr = (
        (colors[..., i].astype(np.float32) - np.float32(black)) * np.float32((255 if i == 0 else 127) / (white - black))
        for i, (black, white) in enumerate(zip(codes[::2], codes[1::2], strict=True))
    )
    r, b = y + (2 - 2 * red) * cr, y + (2 - 2 * blue) * cb
    rgb = np.stack([r, (y - red * r - blue * b) / green, b], axis=2)
    found: AnyArray = np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)
    return found


def _subsampling(page: Any) -> tuple[int, int]:
    across, down = page.tags.valueof(SUBSAMPLING) or (2, 2)
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise ValueError(f"chroma subsampled {across} x {down}")
    return across, down


def _segments(page: Any) -> list[bytes]:
    """The strips or tiles of a page in their order, as they were before they were compressed."""
    from tifffile import TIFF

    expand: Any = TIFF.DECOMPRESSORS[page.compression]
    read = page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts, sort=False, flat=True)
    found = dict.fromkeys(range(len(page.dataoffsets)), b"")
    found |= {index: bytes(expand(data) if expand else data) for data, index in read if data}
    return list(found.values())


def _unpacked(content: bytes, width: int, height: int, across: int, down: int) -> AnyArray:
    """The data units of a strip or tile: `across` x `down` of Y, row by row, then one Cb and one Cr each."""
    import numpy as np

    units = -(-height // down), -(-width // across)
    size = across * down + 2
    data = np.frombuffer(content, np.uint8, units[0] * units[1] * size).reshape(*units, size)
    y = data[..., :-2].reshape(*units, down, across).swapaxes(1, 2).reshape(units[0] * down, units[1] * across)
    chroma = data[..., -2:].repeat(down, 0).repeat(across, 1)
    return np.dstack([y, chroma])[:height, :width]


def _numbers(page: Any, tag: int, usual: tuple[float, ...]) -> tuple[float, ...]:
    """A tag of fractions; the usual values where it is missing or makes no sense."""
    found = page.tags.valueof(tag)
    if not isinstance(found, tuple) or len(found) not in (len(usual), 2 * len(usual)):
        return usual
    if len(found) == 2 * len(usual):
        if not all(found[1::2]):
            return usual
        found = tuple(a / b for a, b in zip(found[::2], found[1::2], strict=True))
    sound = found[1] > 0 if tag == COEFFICIENTS else all(w > b for b, w in zip(found[::2], found[1::2], strict=True))
    return found if sound else usual
