"""EXIF, XMP, resolution and profile go from an image to its result, in every format that holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from backend.io import image_files
from backend.io.rasters import from_array, ordered

from .files import SWAPPED, camera_exif, encoded, pixels, png_with, with_metadata, write_tiff

FORMATS = [".png", ".jpg", ".tif", ".webp"]


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_metadata_goes_along(source: str, target: str, tmp_path: Path) -> None:
    file = image_files.load(with_metadata(tmp_path / f"in{source}"))
    out = tmp_path / f"out{target}"
    image_files.write(out, file.raster, file.metadata)
    with Image.open(out) as image:
        exif = image.getexif()
        assert exif.get(0x0112, 1) == 1  # upright, as the pixels are
        assert exif[0x0132] == "2020:01:02 03:04:05"
        assert (exif[0x010F], exif[0x8298]) == ("Maker", "The photographer")
        assert exif.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
        assert float(exif.get_ifd(0x8769)[0x829A]) == pytest.approx(1 / 250)
        assert tuple(map(float, exif.get_ifd(0x8825)[2])) == (48, 30, 0)
        assert image.info["icc_profile"] == SWAPPED
        if target != ".webp":  # which has no place for it but EXIF's own
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or exif.get(700) or image.tag_v2[700]
        packet = packet.encode() if isinstance(packet, str) else bytes(packet)
        assert b'tiff:Orientation="1"' in packet
        assert b'tiff:Make="Maker"' in packet
    with Image.open(tmp_path / f"in{source}") as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(ordered(file.raster), upright)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float16, np.float32])
def test_deep_tiffs_keep_it_too(kind: type, tmp_path: Path) -> None:
    file = image_files.load(with_metadata(tmp_path / "in.jpg"))
    deep = from_array(
        (ordered(file.raster) / 255 * (1 if np.dtype(kind).kind == "f" else np.iinfo(kind).max)).astype(kind)
    )
    image_files.write(tmp_path / "out.tif", deep, file.metadata)
    again = image_files.load(tmp_path / "out.tif")
    np.testing.assert_array_equal(ordered(again.raster), ordered(deep))
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + again.metadata.exif)
    assert exif.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert again.metadata.resolution == pytest.approx((300, 300))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("damage", range(6, 60, 9))
def test_damaged_exif_is_no_reason_to_refuse_an_image(form: str, damage: int, tmp_path: Path) -> None:
    block = bytearray(camera_exif().tobytes())
    block[damage : damage + 4] = b"\xff\xff\xff\xff"
    image = Image.fromarray(pixels(3, "u8"))
    path, out = tmp_path / "in", tmp_path / "out.tif"
    if form == "TIFF":
        write_tiff(path, pixels(3, "u8"), extratags=[(34665, 4, 1, 0xFFFFFFF0, True), (306, 2, 0, "x" * damage, True)])
    elif form == "PNG":
        path.write_bytes(png_with(encoded(image, "PNG"), [(b"eXIf", bytes(block[6:]))]))
    else:
        path.write_bytes(encoded(image, form, exif=bytes(block)))
    file = image_files.load(path)
    assert (file.raster.width, file.raster.height) == (60, 44)
    image_files.write(out, file.raster, file.metadata)
    np.testing.assert_array_equal(ordered(image_files.read(out)), ordered(file.raster))


def test_more_exif_than_a_jpeg_holds_is_left_out_of_it(tmp_path: Path) -> None:
    exif = camera_exif()
    exif[0x8769] = {0x927C: b"\1" * 70000}
    (tmp_path / "in.tif").write_bytes(encoded(Image.fromarray(pixels(3, "u8")), "TIFF", exif=exif.tobytes()))
    file = image_files.load(tmp_path / "in.tif")
    image_files.write(tmp_path / "out.jpg", file.raster, file.metadata)
    assert image_files.read(tmp_path / "out.jpg").width == 60


@pytest.mark.parametrize("description", ['{"shape": [3, 100, 150]}', "ImageJ=1.54f\nimages=2", "A cat"])
def test_a_description_of_the_old_files_layout_does_not_go_along(description: str, tmp_path: Path) -> None:
    write_tiff(tmp_path / "in.tif", pixels(3, "u8"), description=description)
    file = image_files.load(tmp_path / "in.tif")
    image_files.write(tmp_path / "out.tif", file.raster, file.metadata)
    with Image.open(tmp_path / "out.tif") as image:
        assert image.tag_v2.get(270) == (description if description == "A cat" else None)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".tif", {"save_all": True}), (".gif", {"save_all": True}), (".webp", {"save_all": True, "lossless": True}),
        (".png", {"save_all": True}), (".mpo", {"save_all": True}),
    ],
)  # fmt: skip
def test_of_several_images_the_first_is_read_and_that_is_said(
    suffix: str, options: dict[str, bool], tmp_path: Path
) -> None:
    first = Image.fromarray(pixels(3, "u8"))
    path = tmp_path / f"in{suffix}"
    first.save(path, append_images=[Image.fromarray(255 - pixels(3, "u8")), first.rotate(180)], **options)
    file = image_files.load(path)
    assert file.frames == 3
    assert file.notes[0] == "It holds 3 images; only the first is worked on."
    assert np.abs(ordered(file.raster)[..., :3].astype(int) - pixels(3, "u8")).mean() < 12


def test_a_thumbnail_in_a_tiff_is_no_second_image(tmp_path: Path) -> None:
    import tifffile

    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        writer.write(pixels(3, "u8", 12, 9), photometric="rgb", subfiletype=1)
        writer.write(pixels(3, "u8"), photometric="rgb")
    file = image_files.load(tmp_path / "in.tif")
    assert (file.raster.width, file.frames, file.notes) == (60, 1, ())
