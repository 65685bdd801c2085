"""Profiles of lookup tables: as littleCMS shows them, and back."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from backend.imaging.color.lookup import LookupTransform
from backend.imaging.color.profiles import ProfileError, transform
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear
from backend.io.rasters import as_depth

from .icc_profiles import DISPLAY_P3, SRGB, lookup_profile

WIDE = {back: lookup_profile(DISPLAY_P3, 1.8, back) for back in (True, False)}


def way_of(profile: bytes) -> LookupTransform:
    way = transform(profile, False, False)
    assert isinstance(way, LookupTransform)
    return way


@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
def test_colors_are_those_that_littlecms_shows(depth: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    exactly = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE
    theirs = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(WIDE[True])), ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=exactly,
    )  # fmt: skip
    ours = as_depth(way_of(WIDE[True]).to_srgb(as_depth(pixels, depth)), "u8").astype(int)
    assert np.abs(ours - np.asarray(theirs)).max() <= 2


@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("brightest", [1.0, 9.0])
def test_colors_come_back_also_without_a_table_for_it(back: bool, brightest: float) -> None:
    way = way_of(WIDE[back])
    unit = np.random.default_rng(0).uniform(0, brightest, (40, 40, 3)).astype(np.float32)
    shown = way.to_srgb(unit)
    assert shown.min() < -0.05  # greens that sRGB does not have
    difference = np.abs(way.from_srgb(shown) - unit)
    assert difference.mean() < 0.002
    assert np.percentile(difference, 99) < 0.03


def test_a_color_that_the_profile_does_not_have_becomes_one_near_it() -> None:
    way = way_of(lookup_profile(SRGB, 2.2))
    found = way.from_srgb(np.array([[[-0.5, 0.8, -0.3]]], np.float32))[0, 0]
    assert found.min() >= 0
    assert found[1] == pytest.approx(0.8, abs=0.1)
    assert max(found[0], found[2]) < 0.25


def test_tables_that_change_nothing_are_left_aside() -> None:
    assert transform(lookup_profile(SRGB, (linear_to_srgb, srgb_to_linear)), False, False) is None


@pytest.mark.parametrize("damage", ["cut", "kind", "empty", "grid"])
def test_damaged_tables_are_called_damaged(damage: str) -> None:
    data = bytearray(WIDE[True])
    at = data.index(b"mft2")
    if damage == "cut":
        data = data[: len(data) // 3]
    elif damage == "kind":
        data[at : at + 4] = b"mft9"
    elif damage == "empty":
        data[at + 8 : at + 11] = bytes(3)
    else:
        data[at + 10] = 200
    with pytest.raises(ProfileError, match="damaged"):
        transform(bytes(data), False, False)
