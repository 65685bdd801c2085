"""Rasters of every pixel format to arrays and back; arrays put in place."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit
from backend.io.rasters import (
    as_depth,
    colors,
    converted,
    coverage,
    from_array,
    mask_values,
    ordered,
    placed,
    raster,
    rgb,
    samples,
)
from plugin.client.image import CHANNELS, DEPTHS, Box, PixelFormat, Raster

FORMATS = [PixelFormat(*parts) for parts in itertools.product(CHANNELS, DEPTHS, (False, True))]


def image(pixel_format: PixelFormat, width: int = 61, height: int = 47) -> Raster:
    """Every sample value that 8 bits have, and a spread of the others."""
    rng = np.random.default_rng(1)
    count = width * height * CHANNELS[pixel_format.channels]
    if pixel_format.depth == "u8":
        data = np.resize(np.arange(256, dtype="u1"), count)
    elif pixel_format.depth == "u16":
        data = rng.integers(0, 65536, count).astype("<u2")
    else:
        data = rng.uniform(-0.2, 4.0, count).astype("<" + pixel_format.depth.replace("16", "2").replace("32", "4"))
    return Raster(pixel_format, width, height, data.tobytes(), x=3, y=-5, profile=b"icc")


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_samples_and_exactly_back(pixel_format: PixelFormat) -> None:
    before = image(pixel_format)
    array = samples(before)
    assert array.shape == (47, 61, CHANNELS[pixel_format.channels])
    after = raster(array, pixel_format, before.x, before.y, before.profile)
    assert (after.format, after.box, after.profile) == (before.format, before.box, before.profile)
    assert bytes(after.data) == before.data


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_colors_are_rgb_floats_within_0_and_1_and_writing_to_them_leaves_the_raster(pixel_format: PixelFormat) -> None:
    before = image(pixel_format)
    kept = bytes(before.data)
    found = colors(before)
    assert (found.shape, found.dtype) == ((47, 61, 3), np.float32)
    assert found.min() >= 0
    assert found.max() <= 1
    found[:] = 0
    assert bytes(before.data) == kept


@pytest.mark.parametrize("source", FORMATS, ids=str)
def test_every_format_converts_to_every_other_and_back(source: PixelFormat) -> None:
    """A mid gray (channels alike, so that gray formats lose nothing) keeps its color within the coarser depth."""
    level = np.full((2, 3, CHANNELS[source.channels]), 0.5, np.float32)
    before = raster(as_depth(srgb_to_linear(level) if source.linear else level, source.depth), source)
    for wanted in FORMATS:
        channels = wanted.channels.removesuffix("A")
        there = converted(before, wanted)
        assert there.shape == (2, 3, CHANNELS[channels])
        back = colors(raster(there, PixelFormat(channels, wanted.depth, wanted.linear)))
        assert np.abs(back - 0.5).max() < (0.004 if "u8" in (source.depth, wanted.depth) else 0.001), str(wanted)


def test_channels_are_told_apart() -> None:
    pixel = bytes([10, 20, 30, 40])
    bgra = Raster(PixelFormat("BGRA", "u8"), 1, 1, pixel)
    assert ordered(bgra).ravel().tolist() == [30, 20, 10, 40]
    assert ordered(Raster(PixelFormat("BGR", "u8"), 1, 1, pixel[:3])).ravel().tolist() == [30, 20, 10]
    assert rgb(bgra).ravel().tolist() == [30, 20, 10]
    assert rgb(Raster(PixelFormat("YA", "u8"), 1, 1, pixel[:2])).ravel().tolist() == [10, 10, 10]
    assert coverage(bgra) == pytest.approx(40 / 255)
    assert converted(bgra, PixelFormat("RGB", "u16")).ravel().tolist() == [30 * 257, 20 * 257, 10 * 257]
    assert converted(bgra, PixelFormat("Y", "u8")).item() == round(0.2126 * 30 + 0.7152 * 20 + 0.0722 * 10)


def test_an_image_without_alpha_is_opaque_and_a_mask_is_its_gray() -> None:
    gray = Raster(PixelFormat("Y", "u8"), 2, 1, bytes([0, 51]))
    assert coverage(gray).tolist() == [[1, 1]]
    np.testing.assert_allclose(mask_values(gray), [[0, 0.2]])


def test_linear_light_is_encoded_and_alpha_is_not() -> None:
    half = Raster(PixelFormat("YA", "f32", linear=True), 1, 1, np.float32([0.5, 0.5]).tobytes())
    assert colors(half).ravel() == pytest.approx([0.735357] * 3, abs=1e-6)  # IEC 61966-2-1
    assert coverage(half) == 0.5


def test_srgb_curve_is_its_own_inverse_far_beyond_0_and_1() -> None:
    values = np.linspace(-4, 16, 4001, dtype=np.float32)
    np.testing.assert_allclose(srgb_to_linear(linear_to_srgb(values)), values, rtol=3e-6, atol=1e-7)
    assert np.all(np.diff(linear_to_srgb(values)) > 0)


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_every_integer_survives_being_a_float(depth: str) -> None:
    values = np.arange(256 ** DEPTHS[depth]).astype(f"<u{DEPTHS[depth]}")
    np.testing.assert_array_equal(as_depth(to_unit(values), depth), values)
    encoded = linear_to_srgb(to_unit(values))
    np.testing.assert_array_equal(as_depth(srgb_to_linear(encoded), depth), values)
    if depth == "u8":
        np.testing.assert_array_equal(as_depth(as_depth(values, "u16"), "u8"), values)


def test_values_out_of_range_are_clipped_for_integers_and_kept_for_floats() -> None:
    values = np.float32([[-0.5, 1.5, np.nan]])
    assert as_depth(values, "u8").tolist() == [[0, 255, 0]]
    np.testing.assert_array_equal(as_depth(values, "f16"), values)
    assert values[0, 0] == -0.5


@pytest.mark.parametrize(
    ("shape", "kind", "name"),
    [((2, 3), "u1", "Y u8"), ((2, 3, 2), "u2", "YA u16"), ((2, 3, 3), "f2", "RGB f16"), ((2, 3, 4), "f4", "RGBA f32")],
)
def test_the_format_of_an_array_follows_from_its_shape_and_type(shape: tuple[int, ...], kind: str, name: str) -> None:
    made = from_array(np.ones(shape, kind), b"icc", 5, 7)
    assert (str(made.format), made.box, made.profile) == (name, (5, 7, 3, 2), b"icc")


def test_array_of_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="RGBA"):
        raster(np.zeros((2, 2, 3), np.uint8), PixelFormat("RGBA", "u8"))


def test_what_lies_in_the_box_is_placed_and_the_rest_filled() -> None:
    array = np.arange(1, 7).reshape(2, 3)
    assert placed(array, 4, 5, Box(4, 5, 3, 2)) is array
    assert placed(array, 4, 5, Box(3, 6, 3, 2), fill=9).tolist() == [[9, 4, 5], [9, 9, 9]]
    assert not placed(array, 4, 5, Box(-3, -3, 2, 2)).any()
