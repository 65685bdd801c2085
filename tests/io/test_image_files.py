"""Images survive being read and written: depth, alpha, orientation, color profile."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from backend.cli import CommandError, Exit
from backend.io import image_files
from backend.io.rasters import from_array, mask_values, ordered

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pattern(channels: int, kind: type, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind is np.float32:
        return rng.random((23, 31, channels), dtype=np.float32)
    return rng.integers(0, np.iinfo(kind).max, (23, 31, channels), endpoint=True, dtype=kind)


@pytest.mark.parametrize(
    ("suffix", "channels", "kind"),
    [(".png", c, k) for c in (1, 3, 4) for k in (np.uint8, np.uint16)]
    + [(".png", 2, k) for k in (np.uint8, np.uint16)]
    + [(".tif", c, k) for c in (1, 2, 3, 4) for k in (np.uint8, np.uint16, np.float32)],
)
def test_written_images_come_back_exactly(tmp_path: Path, suffix: str, channels: int, kind: type) -> None:
    pixels = pattern(channels, kind)
    path = tmp_path / f"image{suffix}"
    image_files.write(path, from_array(pixels))
    again = ordered(image_files.read(path))
    assert again.dtype == pixels.dtype
    assert np.array_equal(again, pixels)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_color_profile_is_kept_in_png(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "p.png"
    image_files.write(path, from_array(pattern(3, kind), SRGB))
    assert image_files.read(path).profile == SRGB
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is not None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honored_at_both_depths(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    eight = Image.fromarray(pattern(3, np.uint8))
    eight.save(tmp_path / "8.png", exif=exif)
    Image.fromarray(pattern(1, np.uint16)[..., 0]).save(tmp_path / "16.tif", exif=exif)
    Image.fromarray(pattern(1, np.uint16)[..., 0]).save(tmp_path / "16.png", exif=exif)
    with Image.open(tmp_path / "8.png") as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(ordered(image_files.read(tmp_path / "8.png")), upright)
    with Image.open(tmp_path / "16.png") as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(ordered(image_files.read(tmp_path / "16.tif"))[..., 0], upright)
    assert np.array_equal(ordered(image_files.read(tmp_path / "16.png"))[..., 0], upright)


def test_palettes_and_bitmaps_are_read_as_what_they_show(tmp_path: Path) -> None:
    color = Image.fromarray(pattern(3, np.uint8)).quantize(16)
    color.save(tmp_path / "palette.png")
    assert np.array_equal(ordered(image_files.read(tmp_path / "palette.png")), np.asarray(color.convert("RGB")))
    color.info["transparency"] = 3
    color.save(tmp_path / "clear.png", transparency=3)
    assert image_files.read(tmp_path / "clear.png").format.channels == "RGBA"
    bitmap = Image.fromarray(pattern(1, np.uint8)[..., 0]).convert("1")
    bitmap.save(tmp_path / "bitmap.png")
    assert np.array_equal(ordered(image_files.read(tmp_path / "bitmap.png"))[..., 0], bitmap.convert("L"))


def test_formats_without_alpha_or_depth_get_what_they_can_hold(tmp_path: Path) -> None:
    deep = pattern(4, np.uint16)
    with pytest.raises(CommandError, match="no transparency") as raised:
        image_files.write(tmp_path / "p.jpg", from_array(deep))
    assert raised.value.code == Exit.USAGE
    assert not (tmp_path / "p.jpg").exists()
    deep[..., 3] = 65535
    image_files.write(tmp_path / "p.jpg", from_array(deep))
    raster = image_files.read(tmp_path / "p.jpg")
    assert str(raster.format) == "RGB u8"
    image_files.write(tmp_path / "p.png", from_array(pattern(3, np.float32)))
    assert str(image_files.read(tmp_path / "p.png").format) == "RGB u16"


@pytest.mark.parametrize("content", [None, b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"II*\0junk"])
def test_unreadable_files_are_named_and_are_bad_input(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=r"broken\.png") as raised:
        image_files.read(path)
    assert raised.value.code == Exit.BAD_INPUT


def test_a_truncated_photograph_is_refused(tmp_path: Path) -> None:
    Image.fromarray(pattern(3, np.uint8)).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match=r"half\.png"):
        image_files.read(tmp_path / "half.png")


def test_an_unknown_suffix_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"\.png") as raised:
        image_files.write(tmp_path / "p.xyz", from_array(pattern(3, np.uint8)))
    assert raised.value.code == Exit.USAGE


def test_a_mask_is_brightness_times_alpha() -> None:
    pixels = np.zeros((1, 4, 4), np.uint8)
    pixels[0, 1] = (255, 255, 255, 255)
    pixels[0, 2] = (255, 255, 255, 51)
    pixels[0, 3] = (0, 0, 0, 255)
    assert np.allclose(mask_values(from_array(pixels)), [[0, 1, 0.2, 0]])


@pytest.mark.parametrize("color", [0, 90, 255])
def test_a_mask_painted_in_one_color_on_transparency_is_its_alpha(color: int) -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, 1] = (color, color, color, 255)
    pixels[0, 2] = (color, color, color, 51)
    assert np.allclose(mask_values(from_array(pixels)), [[0, 1, 0.2]])
