"""Kinds of TIFF samples: what they show comes out, whatever way it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from backend.cli import CommandError
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear
from backend.io import icc, image_files
from backend.io.rasters import ordered
from tests.imaging.color.icc_profiles import SRGB as SRGB_COLORANTS
from tests.imaging.color.icc_profiles import cmyk_profile, xyz_of_lab

from .files import SRGB, pixels, write_tiff


def read(path: Path) -> np.ndarray:
    return ordered(image_files.read(path))


@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
@pytest.mark.parametrize("channels", [1, 2])
def test_white_is_zero(depth: str, channels: int, tmp_path: Path) -> None:
    before = pixels(channels, depth)
    stored = before.copy()
    stored[..., 0] = (1 if depth == "f32" else np.iinfo(before.dtype).max) - stored[..., 0]
    found = read(write_tiff(tmp_path / "in.tif", stored, photometric="miniswhite"))
    np.testing.assert_allclose(found, before, atol=1e-6 if depth == "f32" else 0)


@pytest.mark.parametrize(("kind", "depth"), [(np.int8, "u8"), (np.int16, "u16"), (np.int32, "f32")])
def test_signed_integers_span_from_black_to_their_largest(kind: type, depth: str, tmp_path: Path) -> None:
    values = pixels(3, "f32")
    top = np.iinfo(kind).max
    stored = np.rint(values.astype(np.float64) * top).astype(kind)
    file = image_files.load(write_tiff(tmp_path / "in.tif", stored))
    assert file.raster.format.depth == depth
    found = ordered(file.raster)
    unit = found / (1 if depth == "f32" else np.iinfo(found.dtype).max)
    np.testing.assert_allclose(unit, values, atol=0.006 if kind is np.int8 else 3e-5)


def test_negative_integers_are_kept_as_floats_and_said(tmp_path: Path) -> None:
    stored = np.array([[[-32767], [0], [32767]]], np.int16)
    file = image_files.load(write_tiff(tmp_path / "in.tif", stored))
    assert ordered(file.raster).ravel().tolist() == [-1, 0, 1]
    assert "signed" in file.notes[0]


@pytest.mark.parametrize("kind", [np.uint32, np.float64])
def test_wider_samples_become_floats_and_that_is_said(kind: type, tmp_path: Path) -> None:
    values = pixels(3, "f32").astype(np.float64)
    stored = (values * (2**32 - 1) if kind is np.uint32 else values).astype(kind)
    file = image_files.load(write_tiff(tmp_path / "in.tif", stored))
    np.testing.assert_allclose(ordered(file.raster), values, atol=1e-6)
    assert "floats" in file.notes[0]


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_odd_bit_depths_span_the_whole_range(bits: int, tmp_path: Path) -> None:
    """Packed by hand: rows of whole bytes, one sample after the other, highest bit first."""
    top = 2**bits - 1
    values = np.rint(pixels(1, "f32", 64, 20)[..., 0] * top).astype(np.uint32)
    rows = ((values[..., None] >> np.arange(bits)[::-1]) & 1).astype(np.uint8).reshape(20, -1)
    path = tmp_path / "in.tif"
    strip = np.packbits(rows, axis=1).tobytes()
    entries = [(256, 64), (257, 20), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, 20), (279, len(strip))]
    start = 8 + len(strip) + len(strip) % 2
    directory = len(entries).to_bytes(2, "little") + b"".join(
        tag.to_bytes(2, "little") + (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
        for tag, value in entries
    )
    head = b"II*\0" + start.to_bytes(4, "little")
    path.write_bytes(head + strip + b"\0" * (len(strip) % 2) + directory + b"\0\0\0\0")
    found = read(path)[..., 0]
    assert found.dtype == (np.uint8 if bits < 8 else np.uint16)
    np.testing.assert_array_equal(np.rint(found / np.iinfo(found.dtype).max * top), values)


@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
@pytest.mark.parametrize("channels", [2, 4])
def test_associated_alpha_becomes_straight(depth: str, channels: int, tmp_path: Path) -> None:
    before = pixels(channels, depth)
    full = 1.0 if depth == "f32" else float(np.iinfo(before.dtype).max)
    stored = before.copy()
    multiplied = before[..., :-1].astype(np.float64) * (before[..., -1:] / full)
    stored[..., :-1] = multiplied if depth == "f32" else np.rint(multiplied)
    found = read(write_tiff(tmp_path / "in.tif", stored, extrasamples=["assocalpha"]))
    seen = before[..., -1] > full * 0.2
    assert np.abs(found[seen] - before[seen].astype(np.float64)).max() <= (1e-5 if depth == "f32" else 3)
    assert not found[before[..., -1] == 0].any()
    image_files.write(tmp_path / "out.tif", image_files.read(tmp_path / "in.tif"))
    with tifffile.TiffFile(tmp_path / "out.tif") as written:
        assert [int(kind) for kind in written.pages[0].extrasamples] == [2]


def test_a_spare_channel_is_no_transparency_and_that_is_said(tmp_path: Path) -> None:
    stored = pixels(4, "u16")
    file = image_files.load(write_tiff(tmp_path / "in.tif", stored, extrasamples=["unspecified"]))
    assert str(file.raster.format) == "RGB u16"
    assert "neither color nor transparency" in file.notes[0]


def test_palettes(tmp_path: Path) -> None:
    image = Image.fromarray(pixels(3, "u8")).quantize(32)
    image.save(tmp_path / "in.tif")
    np.testing.assert_array_equal(read(tmp_path / "in.tif"), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
def test_cmyk_without_a_profile_is_the_inks_over_white(depth: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inks = rng.uniform(0, 1, (20, 30, 4))
    kind = np.dtype({"u8": "u1", "u16": "u2", "f32": "f4"}[depth])
    full = 1 if depth == "f32" else np.iinfo(kind).max
    stored = (inks * full).astype(kind)
    file = image_files.load(write_tiff(tmp_path / "in.tif", stored, photometric="separated", extrasamples=None))
    assert str(file.raster.format) == f"RGB {depth}"
    assert not file.raster.profile
    expected = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    np.testing.assert_allclose(ordered(file.raster) / full, expected, atol=0.01)
    assert "CMYK" in file.notes[0]


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_lab_is_converted_as_littlecms_does(depth: str, tmp_path: Path) -> None:
    image = Image.fromarray(pixels(3, "u8"))
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    stored = np.asarray(lab)  # L 0..255, a and b signed
    if depth == "u16":
        wide = np.empty(stored.shape, np.uint16)
        wide[..., 0] = stored[..., 0].astype(np.uint16) * 257
        wide[..., 1:] = (stored[..., 1:].view(np.int8).astype(np.int16) * 256).view(np.uint16)
        stored = wide
    found = read(write_tiff(tmp_path / "in.tif", stored, photometric="cielab"))
    assert found.dtype == stored.dtype
    shown = found.astype(float) / (257 if depth == "u16" else 1)
    assert np.abs(shown - np.asarray(image)).mean() < 2


def test_a_profile_goes_along_only_where_it_fits(tmp_path: Path) -> None:
    file = image_files.load(write_tiff(tmp_path / "rgb.tif", pixels(3, "u16"), iccprofile=SRGB))
    assert file.raster.profile == SRGB
    gray = icc.gray_gamma(1.8)
    assert image_files.read(write_tiff(tmp_path / "gray.tif", pixels(1, "u16"), iccprofile=gray)).profile == gray
    for name, channels, profile in (("a", 1, SRGB), ("b", 3, gray), ("c", 3, b"no profile"), ("d", 3, SRGB[:90])):
        path = write_tiff(tmp_path / f"{name}.tif", pixels(channels, "u16"), iccprofile=profile)
        assert not image_files.read(path).profile


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([(50706, 1, 4, (1, 4, 0, 0), True)], "raw"),
        ([(332, 3, 1, 2, True)], "inks"),
    ],
)
def test_kinds_that_are_not_read_are_named_and_not_called_damaged(
    tags: list[tuple[object, ...]], message: str, tmp_path: Path
) -> None:
    options = {"photometric": "separated", "extrasamples": None} if message == "inks" else {}
    path = write_tiff(tmp_path / "in.tif", pixels(4, "u8"), extratags=tags, **options)
    with pytest.raises(CommandError, match=message) as raised:
        image_files.read(path)
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
@pytest.mark.parametrize("options", [{}, {"planarconfig": "separate"}, {"tile": (16, 16)}])
def test_cmyk_goes_through_its_profile_to_srgb(depth: str, options: dict[str, object], tmp_path: Path) -> None:
    """The profile's inks are as dark as light is bright, so that its colors are known."""
    rng = np.random.default_rng(0)
    inks = rng.uniform(0, 1, (20, 30, 4))
    kind = np.dtype({"u8": "u1", "u16": "u2", "f32": "f4"}[depth])
    full = 1 if depth == "f32" else np.iinfo(kind).max
    path = write_tiff(
        tmp_path / "in.tif", (inks * full).astype(kind), photometric="separated", extrasamples=None,
        iccprofile=cmyk_profile(), **options,
    )  # fmt: skip
    file = image_files.load(path)
    assert str(file.raster.format) == f"RGB {depth}"
    assert not file.raster.profile
    assert "CMYK" in file.notes[0]
    light = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    found = srgb_to_linear((ordered(file.raster) / full).astype(np.float32))
    assert np.abs(found - light).mean() < 0.02
    assert np.percentile(np.abs(found - light), 98) < 0.08
    plainly = np.abs(srgb_to_linear(light.astype(np.float32)) - light).mean()  # as without a profile
    assert plainly > 0.05


def test_a_jpeg_of_inks_goes_through_its_profile_too(tmp_path: Path) -> None:
    light = pixels(3, "f32").astype(np.float32)
    inks = np.dstack([1 - light, np.zeros((44, 60), np.float32)])
    image = Image.frombytes("CMYK", (60, 44), np.rint(inks * 255).astype(np.uint8).tobytes())
    image.save(tmp_path / "in.jpg", quality=100, icc_profile=cmyk_profile())
    file = image_files.load(tmp_path / "in.jpg")
    assert not file.raster.profile
    found = srgb_to_linear(ordered(file.raster).astype(np.float32) / 255)
    assert np.abs(found - light).mean() < 0.03


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("depth", "photometric"), [("u8", "cielab"), ("u16", "cielab"), ("f32", "cielab"),
                                                    ("u8", "icclab"), ("u16", "icclab")])  # fmt: skip
def test_lab_of_every_kind_with_and_without_alpha(depth: str, alpha: bool, photometric: str, tmp_path: Path) -> None:
    """Grays and a few colors, known by CIE's formula."""
    light, a, b = np.array([[0, 0, 0], [50, 0, 0], [100, 0, 0], [54, 60, 40], [60, -30, 20], [40, 10, -50]]).T
    linear = xyz_of_lab(np.stack([light, a, b], axis=-1)) @ np.linalg.inv(np.array(SRGB_COLORANTS))
    expected = linear_to_srgb(np.clip(linear, 0, 1).astype(np.float32))
    if depth == "f32":
        stored = np.stack([light, a, b], axis=-1).astype(np.float32)
    else:
        bits, kind = (8, np.uint8) if depth == "u8" else (16, np.uint16)
        step = 1 if bits == 8 else 256
        top = 255 if bits == 8 else (65535 if photometric == "cielab" else 65280)
        chroma = np.stack([a, b], axis=-1) * step
        if photometric == "cielab":
            chroma = np.rint(chroma).astype(f"i{bits // 8}").view(kind)
        else:
            chroma = np.rint(chroma + 128 * step).astype(kind)
        stored = np.column_stack([np.rint(light / 100 * top).astype(kind), chroma]).astype(kind)
    stored = stored[None]
    options: dict[str, object] = {"photometric": photometric, "extrasamples": None}
    if alpha:
        full = 1 if depth == "f32" else np.iinfo(stored.dtype).max
        stored = np.concatenate([stored, np.full((1, 6, 1), full // 2 if depth != "f32" else 0.5, stored.dtype)], 2)
        options |= {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
    file = image_files.load(write_tiff(tmp_path / "in.tif", stored, **options))
    assert str(file.raster.format) == f"{'RGBA' if alpha else 'RGB'} {depth}"
    found = ordered(file.raster)
    unit = found / (1 if depth == "f32" else np.iinfo(found.dtype).max)
    assert np.abs(unit[0, :, :3] - expected).max() < (0.03 if depth == "u8" else 0.015)
    if alpha:
        assert unit[..., 3] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("compression", "photometric"), [("jpeg", "rgb"), ("jpeg", "ycbcr"), ("jpeg", "minisblack"),
                                                          ("webp", "rgb"), ("jpeg2000", "rgb")])  # fmt: skip
def test_compressions_of_images_are_read(compression: str, photometric: str, tmp_path: Path) -> None:
    before = pixels(1 if photometric == "minisblack" else 3, "u8")
    options: dict[str, object] = {"compression": compression, "photometric": photometric, "tile": (32, 32)}
    if photometric == "ycbcr":
        options |= {"photometric": "rgb", "subsampling": (2, 2)}
    file = image_files.load(write_tiff(tmp_path / "in.tif", before, **options))
    found = ordered(file.raster).astype(int)
    assert found.shape == before.shape
    assert np.abs(found - before).mean() < 6
    assert file.notes == ()
