"""Formats x depths x alpha x layout: read, sent through the identity action, written, compared by another reader."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from backend.cli.runner import InProcess
from backend.io import icc, image_files
from backend.io.rasters import ordered

from .files import encoded, pixels, write_tiff

LAYOUTS: dict[str, dict[str, object]] = {
    "plain": {},
    "planar": {"planarconfig": "separate"},
    "big-endian": {"byteorder": ">"},
    "tiled": {"tile": (16, 32)},
    "bigtiff": {"bigtiff": True},
    "deflate": {"compression": "zlib", "predictor": True},
    "lzw": {"compression": "lzw"},
    "zstd": {"compression": "zstd"},
    "strips": {"rowsperstrip": 5},
    "packbits": {"compression": "packbits"},
    "lzma": {"compression": "lzma"},
    "planar tiles, zstd": {"planarconfig": "separate", "tile": (16, 32), "compression": "zstd"},
    "big-endian deflate": {"byteorder": ">", "compression": "zlib", "predictor": True},
}


@pytest.fixture(scope="module")
def identity() -> InProcess:
    return InProcess()


def there_and_back(source: Path, target: Path, identity: InProcess) -> image_files.ImageFile:
    """A file through reading, an action that changes nothing, and writing."""
    file = image_files.load(source)
    result = identity.run("diagnose.identity", {}, {"image": file.raster}, lambda fraction, message: None)
    image_files.write(target, result.outputs[0].raster, file.metadata)
    return file


def by_another_reader(path: Path, channels: int, depth: str) -> np.ndarray:
    """H x W x C by OpenCV, or, where it cannot, by tifffile or Pillow."""
    if channels == 2:
        if path.suffix == ".png":
            found = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
            return found[..., [0, 3]] if found.ndim == 3 else found[..., None]
        return tifffile.imread(path)
    if depth == "f16":  # which OpenCV does not read
        return np.atleast_3d(tifffile.imread(path))
    if channels == 4 and depth == "u8" and path.suffix == ".tif":  # OpenCV multiplies these by their alpha
        return np.asarray(Image.open(path))
    found = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    found = np.atleast_3d(found)
    return found[..., [2, 1, 0, 3][: found.shape[2]]] if found.shape[2] > 1 else found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
def test_a_tiff_comes_back_exactly(layout: str, channels: int, depth: str, tmp_path: Path, identity: InProcess) -> None:
    options = dict(LAYOUTS[layout])
    if depth == "f16":  # whose predictor tifffile does not write
        options.pop("predictor", None)
    before = pixels(channels, depth)
    source = write_tiff(tmp_path / "in.tif", before, **options)
    target = tmp_path / "out.tif"
    file = there_and_back(source, target, identity)
    assert file.raster.format.depth == depth
    assert file.notes == ()
    after = by_another_reader(target, channels, depth)
    assert after.dtype == before.dtype
    np.testing.assert_array_equal(after, before)
    with tifffile.TiffFile(target) as written:
        page = written.pages[0]
        assert [int(kind) for kind in page.extrasamples] == ([2] if channels in (2, 4) else [])
        assert int(page.photometric) == (2 if channels >= 3 else 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_a_png_comes_back_exactly(channels: int, depth: str, tmp_path: Path, identity: InProcess) -> None:
    before = pixels(channels, depth)
    image_files.write(tmp_path / "in.png", image_files.load(write_tiff(tmp_path / "in.tif", before)).raster)
    there_and_back(tmp_path / "in.png", tmp_path / "out.png", identity)
    after = by_another_reader(tmp_path / "out.png", channels, depth)
    assert after.dtype == before.dtype
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("suffix", "form"), [(".bmp", "BMP"), (".gif", "GIF"), (".tga", "TGA"), (".ppm", "PPM"),
                                              (".pgm", "PPM"), (".jp2", "JPEG2000"), (".webp", "WEBP")])  # fmt: skip
def test_other_lossless_formats_are_read_exactly(suffix: str, form: str, tmp_path: Path, identity: InProcess) -> None:
    image = Image.fromarray(pixels(3, "u8"))
    if suffix == ".pgm":
        image = image.convert("L")
    if suffix == ".gif":
        image = image.quantize(64)
    options: dict[str, object] = {".webp": {"lossless": True}, ".jp2": {"irreversible": False}}.get(suffix, {})
    (tmp_path / f"in{suffix}").write_bytes(encoded(image, form, **options))
    there_and_back(tmp_path / f"in{suffix}", tmp_path / "out.png", identity)
    shown = image if image.mode == "L" else image.convert("RGB")
    with Image.open(tmp_path / "out.png") as after:
        assert after.mode == shown.mode
        np.testing.assert_array_equal(np.asarray(after), np.asarray(shown))


@pytest.mark.parametrize(("suffix", "form"), [(".jpg", "JPEG"), (".avif", "AVIF"), (".heic", "HEIF")])
def test_lossy_formats_are_read_as_other_readers_read_them(suffix: str, form: str, tmp_path: Path) -> None:
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    elif form == "AVIF":
        from PIL import features

        if not features.check("avif"):
            pytest.skip("this Pillow was built without AVIF")
    (tmp_path / f"in{suffix}").write_bytes(encoded(Image.fromarray(pixels(3, "u8")), form))
    with Image.open(tmp_path / f"in{suffix}") as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(ordered(image_files.read(tmp_path / f"in{suffix}")), expected)
    assert np.abs(expected.astype(int) - pixels(3, "u8")).mean() < 8


@pytest.mark.parametrize(("top", "kind"), [(1023, "P6"), (65535, "P6"), (4095, "P5")])
def test_deep_pnm_keeps_its_depth(top: int, kind: str, tmp_path: Path) -> None:
    channels = 3 if kind == "P6" else 1
    values = np.rint(pixels(channels, "f32") * top).astype(">u2")
    (tmp_path / "in.ppm").write_bytes(f"{kind}\n# a comment\n60 44\n{top}\n".encode() + values.tobytes())
    found = ordered(image_files.read(tmp_path / "in.ppm"))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(np.rint(found / 65535 * top), values)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_jpeg_2000_keeps_its_depth(bits: int, tmp_path: Path) -> None:
    import imagecodecs

    values = np.rint(pixels(3, "f32") * (2**bits - 1)).astype(np.uint16)
    content = imagecodecs.jpeg2k_encode(values, level=0, bitspersample=bits, reversible=True)
    (tmp_path / "in.jp2").write_bytes(content)
    found = ordered(image_files.read(tmp_path / "in.jp2"))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(np.rint(found / 65535 * (2**bits - 1)), values)


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_deep_avif_keeps_its_depth(channels: int, bits: int, tmp_path: Path) -> None:
    import imagecodecs

    values = np.rint(pixels(channels, "f32") * (2**bits - 1)).astype(np.uint16)
    (tmp_path / "in.avif").write_bytes(imagecodecs.avif_encode(values.squeeze(), level=100, bitspersample=bits))
    found = ordered(image_files.read(tmp_path / "in.avif"))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(np.rint(found / 65535 * (2**bits - 1)), values)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif_is_turned_upright(orientation: int, tmp_path: Path) -> None:
    import imagecodecs

    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(pixels(3, "u8")), "AVIF", exif=exif)
    (tmp_path / "in.avif").write_bytes(content)
    with Image.open(tmp_path / "in.avif") as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(ordered(image_files.read(tmp_path / "in.avif")), upright)
    assert imagecodecs.avif_decode(content).shape == (44, 60, 3)  # the decoder of deep ones does not turn either


@pytest.mark.parametrize(("points", "space", "note"), [((1, 13), "", ""), ((12, 13), "rgb", ""), ((9, 16), "", "HDR"),
                                                       ((2, 2), "", "")])  # fmt: skip
@pytest.mark.parametrize("bits", [8, 10])
def test_code_points_of_avif_are_heeded(
    points: tuple[int, int], space: str, note: str, bits: int, tmp_path: Path
) -> None:
    import imagecodecs

    values = np.rint(pixels(3, "f32") * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    (tmp_path / "in.avif").write_bytes(
        imagecodecs.avif_encode(values, bitspersample=bits, primaries=points[0], transfer=points[1])
    )
    file = image_files.load(tmp_path / "in.avif")
    assert icc.space(file.raster.profile) == space
    assert file.metadata.cicp == (bytes([*points, 0, 1]) if note else b"")
    assert [note in text for text in file.notes] == ([True] if note else [])
