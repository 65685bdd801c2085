"""Color profiles: conversion at every depth, and profiles in files that hold more than eight bits."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from backend.cli import CommandError
from backend.io import icc, image_files
from backend.io.rasters import DTYPES, from_array, ordered

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SWAPPED = SRGB.replace(b"rXYZ", b"....", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"....", b"gXYZ", 1)
"""A profile whose red is sRGB's green and the other way round."""


@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
def test_colors_are_brought_into_the_other_profile(depth: str) -> None:
    full = {"u8": 255, "u16": 65535}.get(depth, 1)
    unit = np.random.default_rng(0).uniform(0, 1, (8, 9, 4))
    pixels = (unit * full).astype(DTYPES[depth])
    result = icc.converted(from_array(pixels, SWAPPED, 3, 4), SRGB)
    assert (result.x, result.y, result.profile) == (3, 4, SRGB)
    assert result.format.depth == depth
    after = ordered(result) / full
    np.testing.assert_allclose(after[..., [1, 0, 2]], unit[..., :3], atol=0.012)
    assert np.array_equal(ordered(result)[..., 3], pixels[..., 3])


def test_no_profile_is_srgb_and_equal_ones_change_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (8, 9, 3), np.uint8)
    same = from_array(pixels, SWAPPED)
    assert icc.converted(same, SWAPPED) is same
    assert np.abs(ordered(icc.converted(from_array(pixels), SRGB)).astype(int) - pixels).max() <= 1
    gray = from_array(pixels[..., :1], SWAPPED)
    assert icc.converted(gray, SRGB) is gray


def test_a_damaged_profile_is_named() -> None:
    with pytest.raises(CommandError, match="color profiles"):
        icc.converted(from_array(np.zeros((2, 2, 3), np.uint8), b"junk"), SRGB)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_profile_goes_through_files(tmp_path: Path, suffix: str, kind: type[np.unsignedinteger]) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (7, 5, 3)).astype(kind)
    path = tmp_path / f"p{suffix}"
    image_files.write(path, from_array(pixels, SWAPPED))
    again = image_files.read(path)
    assert again.profile == SWAPPED
    assert np.array_equal(ordered(again), pixels)
    with Image.open(path) as image:  # other programs find it, too
        assert image.info["icc_profile"] == SWAPPED
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1], pixels)
