"""TIFFs of YCbCr without JPEG: compared with what libtiff shows, through OpenCV."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import CommandError
from backend.io import image_files
from backend.io.rasters import ordered

from .files import photograph

Entry = tuple[int, int, int, bytes]  # tag, type, count, value


def write(
    path: Path, across: int, down: int, tile: int = 0, *, compression: int = 1, width: int = 61, height: int = 43,
    bits: int = 8, extra: tuple[Entry, ...] = (),
) -> np.ndarray:  # fmt: skip
    """A TIFF by hand: strips of 16 rows, or tiles; the image in it, as bytes."""
    image = np.rint(photograph(width, height) * 255).astype(np.uint8)
    y, cr, cb = np.moveaxis(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), 2, 0)
    wide, high = (tile, tile) if tile else (width, 16)
    strips = []
    for top in range(0, height, high):
        for left in range(0, width, wide):
            rows = high if tile else min(high, height - top)
            box = np.s_[top : top + rows, left : left + wide]
            strips.append(packed([plane[box] for plane in (y, cb, cr)], wide, rows, across, down))
    if compression == 8:
        strips = [zlib.compress(strip) for strip in strips]
    data = b"".join(strips)
    starts = np.cumsum([8, *map(len, strips)])[:-1]

    def numbers(tag: int, *values: int) -> Entry:
        return tag, 4, len(values), struct.pack(f"<{len(values)}I", *values)

    entries = [
        numbers(256, width), numbers(257, height), (258, 3, 3, struct.pack("<3H", *[bits] * 3)),
        numbers(259, compression),
        numbers(262, 6), numbers(277, 3), (530, 3, 2, struct.pack("<2H", across, down)), *extra,
    ]  # fmt: skip
    sizes = [len(strip) for strip in strips]
    if tile:
        entries += [numbers(322, tile), numbers(323, tile), numbers(324, *starts), numbers(325, *sizes)]
    else:
        entries += [numbers(273, *starts), numbers(278, high), numbers(279, *sizes)]
    data += b"\0" * (len(data) % 2)
    directory, rest = struct.pack("<H", len(entries)), b""
    after = 8 + len(data) + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in sorted(entries):
        if len(value) > 4:
            field, rest = struct.pack("<I", after + len(rest)), rest + value
        else:
            field = value.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, kind, count) + field
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + b"\0\0\0\0" + rest)
    return image


def packed(planes: list[np.ndarray], wide: int, high: int, across: int, down: int) -> bytes:
    """The data units of a strip or a tile, filled up at its ends."""
    size = -(-high // down) * down, -(-wide // across) * across
    y, cb, cr = (np.pad(p, ((0, size[0] - p.shape[0]), (0, size[1] - p.shape[1])), mode="edge") for p in planes)
    units = y.reshape(size[0] // down, down, size[1] // across, across).swapaxes(1, 2)
    units = units.reshape(size[0] // down, size[1] // across, -1)
    small = (cv2.resize(p, units.shape[1::-1], interpolation=cv2.INTER_AREA) for p in (cb, cr))
    return np.dstack([units, *small]).tobytes()


def fractions(tag: int, *values: float) -> Entry:
    return tag, 5, len(values), b"".join(struct.pack("<II", round(1000 * value), 1000) for value in values)


@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4)])
def test_subsampled_chroma_is_read_as_libtiff_reads_it(
    across: int, down: int, compression: int, tile: int, tmp_path: Path
) -> None:
    before = write(tmp_path / "in.tif", across, down, tile, compression=compression)
    file = image_files.load(tmp_path / "in.tif")
    found = ordered(file.raster).astype(int)
    assert (str(file.raster.format), file.notes) == ("RGB u8", ())
    theirs = cv2.imread(str(tmp_path / "in.tif"))[..., ::-1]
    assert np.abs(found - theirs).max() <= 1
    assert np.abs(found - before).mean() < 4


@pytest.mark.parametrize("extra", [
    fractions(529, 0.2126, 0.7152, 0.0722), fractions(532, 16, 235, 128, 240, 128, 240), fractions(529, 0, 0, 0),
])  # fmt: skip
def test_coefficients_and_reference_codes_are_heeded(extra: Entry, tmp_path: Path) -> None:
    write(tmp_path / "plain.tif", 1, 1)
    write(tmp_path / "in.tif", 1, 1, extra=(extra,))
    found, plain = (ordered(image_files.read(tmp_path / name)).astype(int) for name in ("in.tif", "plain.tif"))
    if struct.unpack("<I", extra[3][8:12])[0]:
        theirs = cv2.imread(str(tmp_path / "in.tif"))[..., ::-1]
        assert np.abs(found - theirs).max() <= 3  # it rounds in between
        assert np.abs(found - plain).max() > 5
    else:
        assert np.array_equal(found, plain)  # no green at all makes no sense


@pytest.mark.parametrize("kind", ["deep", "planes of their own"])
def test_kinds_that_no_program_writes_are_named(kind: str, tmp_path: Path) -> None:
    if kind == "deep":
        write(tmp_path / "in.tif", 1, 1, bits=16)
    else:
        write(tmp_path / "in.tif", 2, 2, extra=((284, 3, 1, struct.pack("<H", 2)),))
    with pytest.raises(CommandError, match="YCbCr") as raised:
        image_files.load(tmp_path / "in.tif")
    assert "damaged" not in str(raised.value)


def test_a_strip_that_ends_early_is_called_damaged(tmp_path: Path) -> None:
    write(tmp_path / "in.tif", 2, 2)
    content = (tmp_path / "in.tif").read_bytes()
    at = content.rindex(struct.pack("<HH", 279, 4))
    where = struct.unpack_from("<I", content, at + 8)[0]
    (tmp_path / "in.tif").write_bytes(content[:where] + struct.pack("<I", 5) + content[where + 4 :])
    with pytest.raises(CommandError, match="damaged"):
        image_files.load(tmp_path / "in.tif")
