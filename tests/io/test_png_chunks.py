"""What the chunks of a PNG say of its colors: transparency, gamma, chromaticities, code points, profiles."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from backend.io import icc, image_files
from backend.io.png import chunks
from backend.io.rasters import ordered

from .files import SRGB, SWAPPED, encoded, pixels, png_chunk, png_with


def plain(channels: int = 3) -> bytes:
    array = pixels(channels, "u8")
    return encoded(Image.fromarray(array[..., 0] if channels == 1 else array), "PNG")


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 1e5))


def chrm(*points: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(p * 1e5) for p in points))


def shown(path: Path) -> np.ndarray:
    """As a color-managed program shows it: brought into sRGB by the profile that was read."""
    raster = image_files.read(path)
    if not raster.profile:
        return ordered(raster)
    image = Image.fromarray(ordered(raster).squeeze())
    profile = ImageCms.ImageCmsProfile(io.BytesIO(raster.profile))
    return np.asarray(ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"))


@pytest.mark.parametrize(
    ("mode", "deep"), [("L", False), ("RGB", False), ("P", False), ("1", False), ("L", True), ("RGB", True)]
)
def test_a_transparent_color_becomes_alpha(mode: str, deep: bool, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    if deep:
        from backend.io.rasters import from_array

        image_files.write(path, from_array(pixels(1 if mode == "L" else 3, "u16")))
        before = ordered(image_files.read(path))
        key = before[3, 4]
        path.write_bytes(png_with(path.read_bytes(), [(b"tRNS", key.astype(">u2").tobytes())]))
    else:
        image = Image.fromarray(pixels(3, "u8")).convert(mode)
        value = image.getpixel((4, 3))
        path.write_bytes(encoded(image, "PNG", transparency=(value > 0) if mode == "1" else value))
        before = np.atleast_3d(np.asarray(image.convert("RGB" if mode == "P" else "L" if mode == "1" else mode)))
        key = before[3, 4]
    found = ordered(image_files.read(path))
    np.testing.assert_array_equal(found[..., :-1], before)
    np.testing.assert_array_equal(found[..., -1] == 0, (before == key).all(2))


def test_gamma_is_heeded_and_the_usual_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(png_with(plain(), [gama(0.45455)]))
    assert not image_files.read(path).profile
    path.write_bytes(png_with(plain(), [gama(1.0)]))
    values = pixels(3, "u8").astype(float)
    expected = 255 * np.where(values / 255 <= 0.0031308, values / 255 * 12.92,
                              1.055 * (values / 255) ** (1 / 2.4) - 0.055)  # fmt: skip
    assert np.abs(shown(path) - expected).max() <= 3
    path.write_bytes(png_with(plain(1), [gama(1.0)]))
    assert icc.space(image_files.read(path).profile) == "gray"


def test_chromaticities_are_heeded(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(png_with(plain(), [gama(0.45455), chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)]))
    assert not image_files.read(path).profile
    swapped = chrm(0.3127, 0.329, 0.3, 0.6, 0.64, 0.33, 0.15, 0.06)
    path.write_bytes(png_with(plain(), [gama(0.45455), swapped]))
    assert np.abs(shown(path).astype(int) - pixels(3, "u8")[..., [1, 0, 2]]).max() < 12


@pytest.mark.parametrize(("points", "profile"), [((1, 13), False), ((12, 13), True), ((9, 14), True), ((1, 8), True)])
def test_code_points_become_a_profile(points: tuple[int, int], profile: bool, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(png_with(plain(), [(b"cICP", bytes([*points, 0, 1])), gama(1.0)]))
    found = image_files.read(path).profile
    assert (icc.space(found) == "rgb") == profile
    if points == (12, 13):  # what is seen is more colorful than the same numbers in sRGB
        plainly, seen = pixels(3, "u8").astype(int), shown(path).astype(int)
        assert np.ptp(seen, axis=2).mean() > np.ptp(plainly, axis=2).mean() + 3


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_code_points_go_to_the_result(transfer: int, tmp_path: Path) -> None:
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    path.write_bytes(png_with(plain(), [(b"cICP", bytes([9, transfer, 0, 1]))]))
    file = image_files.load(path)
    assert "HDR" in file.notes[0]
    image_files.write(out, file.raster, file.metadata)
    assert dict(chunks(out.read_bytes()))[b"cICP"] == bytes([9, transfer, 0, 1])


def test_the_chunks_take_precedence_in_the_specifications_order(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    profile = (b"iCCP", b"name\0\0" + zlib.compress(SWAPPED))
    path.write_bytes(png_with(plain(), [profile, gama(1.0)]))
    assert image_files.read(path).profile == SWAPPED
    path.write_bytes(png_with(plain(), [(b"sRGB", b"\0"), gama(1.0)]))
    assert not image_files.read(path).profile
    path.write_bytes(png_with(plain(), [(b"cICP", bytes([1, 13, 0, 1])), profile]))
    assert not image_files.read(path).profile


@pytest.mark.parametrize("body", [b"name\0\0junk", b"no end", b"name\0\0" + zlib.compress(b"\0" * (1 << 26)),
                                  b"name\0\0" + zlib.compress(SRGB[:50])])  # fmt: skip
def test_a_damaged_or_endless_profile_is_left_out(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(png_with(plain(), [(b"iCCP", body)]))
    raster = image_files.read(path)
    assert not raster.profile
    np.testing.assert_array_equal(ordered(raster), pixels(3, "u8"))


def test_what_is_written_is_a_png_to_the_letter(tmp_path: Path) -> None:
    """Chunks with right checksums, each once, pixels between, the end at the end."""
    from backend.io.metadata import Metadata
    from backend.io.rasters import from_array

    path = tmp_path / "out.png"
    image_files.write(path, from_array(pixels(4, "u16"), SRGB), Metadata(xmp=b"<x/>", resolution=(300.0, 300.0)))
    content = path.read_bytes()
    names = [name for name, _ in chunks(content)]
    assert names == [b"IHDR", b"iCCP", b"pHYs", b"iTXt", b"tEXt", b"IEND"]
    assert content.endswith(png_chunk(b"IEND", b""))
    for name, body in chunks(content):
        assert png_chunk(name, body) in content
    with Image.open(path) as image:
        image.verify()


def by_hand(values: np.ndarray, bits: int, color: int, interlaced: bool, more: bytes = b"") -> bytes:
    """A PNG of H x W x C samples of so many bits; interlaced by Adam7. more: chunks after the header."""
    height, width = values.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    lines = b""
    for x, y, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        part = values[y::down, x::across]
        if part.size:
            rows = ((part.reshape(len(part), -1, 1) >> np.arange(bits)[::-1]) & 1).astype(np.uint8)
            lines += b"".join(b"\0" + np.packbits(row.ravel()).tobytes() for row in rows)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced))
    pixels = png_chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + header + more + pixels + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("bits", "color"),
    [(bits, 0) for bits in (1, 2, 4, 8, 16)] + [(bits, 3) for bits in (1, 2, 4, 8)]
    + [(bits, color) for color in (2, 4, 6) for bits in (8, 16)],
)  # fmt: skip
def test_every_kind_of_png_is_read_exactly(bits: int, color: int, interlaced: bool, tmp_path: Path) -> None:
    """Gray, palette, RGB, gray with alpha, RGBA in every depth of the specification (11.2.2, table 12)."""
    channels, top = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color], 2**bits - 1
    values = np.rint(pixels(channels, "f32", 31, 23).astype(np.float64) * top).astype(np.uint32)
    palette = np.random.default_rng(0).integers(0, 256, (2**bits, 3)).astype(np.uint8) if color == 3 else None
    more = b"" if palette is None else png_chunk(b"PLTE", palette.tobytes())
    path = tmp_path / "in.png"
    path.write_bytes(by_hand(values, bits, color, interlaced, more))
    found = ordered(image_files.read(path))
    if palette is not None:
        np.testing.assert_array_equal(found, palette[values[..., 0]])
    else:
        full = np.iinfo(found.dtype).max
        assert full == (65535 if bits == 16 else 255)
        np.testing.assert_array_equal(found, values * (full // top))
