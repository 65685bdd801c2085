"""Every pixel format to floats and exactly back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.pixels import (
    decode_srgb,
    encode_srgb,
    from_array,
    from_native,
    from_tensor,
    like,
    to_array,
    to_native,
    to_tensor,
)
from plugin.client.raster import CHANNELS, DEPTHS, PixelFormat, Raster

FORMATS = [PixelFormat(*parts) for parts in itertools.product(CHANNELS, DEPTHS, (False, True))]


def picture(pixel_format: PixelFormat, width: int = 61, height: int = 47) -> Raster:
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
def test_floats_and_exactly_back(pixel_format: PixelFormat) -> None:
    raster = picture(pixel_format)
    array = to_array(raster)
    assert array.shape == (47, 61, CHANNELS[pixel_format.channels])
    assert array.dtype == np.float32
    back = like(raster, array)
    assert (back.format, back.box, back.profile) == (raster.format, raster.box, raster.profile)
    if pixel_format.linear and pixel_format.depth.startswith("f"):
        np.testing.assert_allclose(to_native(back).astype("f4"), to_native(raster).astype("f4"), rtol=2e-3, atol=1e-6)
    else:
        assert bytes(back.data) == raster.data


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_native_samples_and_exactly_back(pixel_format: PixelFormat) -> None:
    raster = picture(pixel_format)
    back = from_native(to_native(raster), pixel_format, raster.x, raster.y, raster.profile)
    assert bytes(back.data) == raster.data


def test_all_16_bit_values_survive_linear_and_encoded() -> None:
    data = np.arange(65536, dtype="<u2").tobytes()
    for linear in (False, True):
        raster = Raster(PixelFormat("Y", "u16", linear), 256, 256, data)
        assert bytes(like(raster, to_array(raster)).data) == data


def test_channels_are_told_apart() -> None:
    pixel = bytes([10, 20, 30, 40])
    assert to_native(Raster(PixelFormat("BGRA", "u8"), 1, 1, pixel)).ravel().tolist() == [30, 20, 10, 40]
    assert to_native(Raster(PixelFormat("BGR", "u8"), 1, 1, pixel[:3])).ravel().tolist() == [30, 20, 10]
    assert bytes(from_array(np.float32([[[1, 0, 0, 0.2]]]), PixelFormat("BGRA", "u8")).data) == bytes([0, 0, 255, 51])


def test_linear_light_is_encoded_and_alpha_is_not() -> None:
    half = np.float32([0.5, 0.5]).tobytes()
    grey, alpha = to_array(Raster(PixelFormat("YA", "f32", linear=True), 1, 1, half)).ravel()
    assert grey == pytest.approx(0.735357, abs=1e-6)  # IEC 61966-2-1
    assert alpha == 0.5


def test_srgb_curve_is_its_own_inverse_far_beyond_0_and_1() -> None:
    values = np.linspace(-4, 16, 4001, dtype=np.float32)
    np.testing.assert_allclose(decode_srgb(encode_srgb(values)), values, rtol=3e-6, atol=1e-7)
    assert np.all(np.diff(encode_srgb(values)) > 0)


def test_values_out_of_range_are_clipped_for_integers_and_kept_for_floats() -> None:
    values = np.float32([[-0.5, 1.5, np.nan]])
    assert list(bytes(from_array(values, PixelFormat("Y", "u8")).data)) == [0, 255, 0]
    np.testing.assert_array_equal(to_array(from_array(values, PixelFormat("Y", "f32")))[..., 0], values)


def test_like_follows_an_added_or_dropped_alpha() -> None:
    raster = picture(PixelFormat("BGR", "u16"))
    opaque = np.dstack([to_array(raster), np.ones((47, 61), np.float32)])
    assert str(like(raster, opaque).format) == "BGRA u16"
    assert str(like(raster, opaque[..., 3]).format) == "Y u16"


def test_array_of_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="RGBA"):
        from_array(np.zeros((2, 2, 3), np.float32), PixelFormat("RGBA", "u8"))


def test_tensor_is_the_array_with_channels_first() -> None:
    raster = picture(PixelFormat("RGBA", "u16"))
    tensor = to_tensor(raster)
    assert tensor.shape == (1, 4, 47, 61)
    np.testing.assert_array_equal(tensor[0, 2].numpy(), to_array(raster)[..., 2])
    assert bytes(from_tensor(tensor, raster.format).data) == raster.data
