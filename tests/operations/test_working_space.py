"""One rule for color and one for alpha, over every operation."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
from PIL import ImageCms

from backend.imaging.color.profiles import transform
from backend.imaging.color.spaces import srgb_to_linear, to_unit
from backend.io.rasters import as_depth, coverage, from_array, raster, samples
from backend.operations import Context, OperationError, find
from plugin.client.actions import ResultKind
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Output
from tests.imaging.color.icc_profiles import GAMMA_18, LINEAR, TABLES, WIDE, profile

from .jobs import WITHOUT_SIDE_EFFECTS, job_of, scene

CONTEXT = Context()  # one for all: networks are read once, as in a worker
SIDE = 96


def outcome(action: str, image: Raster, other: Raster | None = None) -> list[Output] | str:
    """The outputs, or what was said instead."""
    try:
        return find(action)(job_of(action, image, other), CONTEXT)
    except OperationError as error:
        return error.message


def with_hidden(color: tuple[int, int, int]) -> Raster:
    """A scene whose right quarter and a spot in the middle are transparent, with a color below."""
    pixels = np.dstack([scene(SIDE, SIDE), np.full((SIDE, SIDE), 255, np.uint8)])
    pixels[:, 3 * SIDE // 4 :] = pixels[44:50, 30:36] = (*color, 0)
    return from_array(pixels)


def encoded(found: Raster) -> np.ndarray:
    """H x W x C as sRGB, 0..1, with what is transparent black."""
    pixels = samples(found)
    if found.format.channels[0] == "B":
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    color, alpha = to_unit(pixels), None
    if found.format.has_alpha:
        color, alpha = color[..., :-1], color[..., -1:]
    way = transform(bytes(found.profile), found.format.linear, found.format.channels[0] == "Y")
    if way is not None:
        color = way.to_srgb(color)
    return color if alpha is None else np.dstack([color * (alpha > 0), alpha])


@pytest.mark.parametrize("action", WITHOUT_SIDE_EFFECTS)
def test_what_is_hidden_below_alpha_0_changes_nothing_that_can_be_seen(action: str) -> None:
    results = [outcome(action, with_hidden(color)) for color in ((255, 0, 255), (0, 0, 0), (0, 255, 0))]
    if isinstance(results[0], str):
        assert len(set(map(str, results))) == 1
        return
    for one, *others in zip(*results, strict=True):
        for other in others:
            assert other.raster.box == one.raster.box
            assert np.array_equal(encoded(other.raster), encoded(one.raster))


@cache
def plain(action: str) -> list[Output] | str:
    return outcome(action, from_array(scene(SIDE, SIDE)))


@pytest.mark.parametrize("name", ["linear", "wide", "gamma", "tables"])
@pytest.mark.parametrize("action", WITHOUT_SIDE_EFFECTS)
def test_every_operation_gives_the_same_colors_in_every_profile(action: str, name: str) -> None:
    """As shown; 16 bits hold what the conversion rounds."""
    data = {"linear": LINEAR, "wide": WIDE, "gamma": GAMMA_18, "tables": TABLES}[name]
    way = transform(data, False, False)
    assert way is not None
    image = from_array(as_depth(way.from_srgb(to_unit(scene(SIDE, SIDE))), "u16"), data)
    wanted, found = plain(action), outcome(action, image)
    if isinstance(wanted, str):
        assert found == wanted
        return
    assert not isinstance(found, str)
    for before, after in zip(wanted, found, strict=True):
        assert (after.kind, after.raster.box) == (before.kind, before.raster.box)
        if before.kind is ResultKind.LAYER and after.raster.profile:
            assert after.raster.profile == data
            assert after.raster.format.depth == "u16"
        difference = np.abs(encoded(after.raster) - encoded(before.raster))
        searched = action.startswith(("fill.", "paste."))  # a search may find another patch that is as good
        assert difference.mean() < (0.04 if searched else 0.006)
        assert searched or np.percentile(difference, 99) < 0.04


@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
@pytest.mark.parametrize("name", ["linear", "wide", "tables"])
def test_pixels_that_an_operation_leaves_alone_come_back_bit_identical(name: str, depth: str) -> None:
    data = {"linear": LINEAR, "wide": WIDE, "tables": TABLES}[name]
    rng = np.random.default_rng(0)
    pixels = as_depth(rng.random((SIDE, SIDE, 4), np.float32), depth)
    pixels[:8, :8, 3] = 0
    image = raster(pixels, PixelFormat("BGRA", depth), 5, -7, data)
    (output,) = find("background.gray")(job_of("background.gray", image), CONTEXT)
    middle = np.s_[SIDE // 3 : SIDE - SIDE // 3, SIDE // 3 : SIDE - SIDE // 3]
    assert output.raster.format == image.format
    assert output.raster.box == image.box
    assert np.array_equal(samples(output.raster)[middle], pixels[middle])
    assert np.array_equal(samples(output.raster)[..., 3], pixels[..., 3])
    (same,) = find("background.gray")(job_of("background.gray", image, background_color=0.0), CONTEXT)
    assert same.raster is image


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("action", [name for name in WITHOUT_SIDE_EFFECTS if not name.startswith("select.")])
def test_values_above_1_survive(action: str, linear: bool) -> None:
    """A scene six times as bright gives what is about six times as bright, and selections of the same."""
    unit, form = to_unit(scene(SIDE, SIDE)), PixelFormat("RGB", "f32", linear)
    wanted, found = outcome(action, raster(unit, form)), outcome(action, raster(unit * np.float32(6), form))
    if isinstance(wanted, str):
        assert found == wanted
        return
    assert not isinstance(found, str)
    for before, after in zip(wanted, found, strict=True):
        assert after.kind == before.kind
        if before.kind is not ResultKind.LAYER or before.raster.format.depth == "u8":
            continue  # selections, which have tests of their own, and thumbnails
        bright, plain = (samples(output.raster)[..., :3][coverage(output.raster) > 0.5] for output in (after, before))
        if not plain.size:
            continue  # a shadow
        assert np.median(bright) > 3 * np.median(plain)
        assert bright.max() > 1.5


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("action", WITHOUT_SIDE_EFFECTS)
def test_samples_that_are_no_numbers_spoil_nothing_but_themselves(action: str, value: float) -> None:
    pixels = to_unit(scene(SIDE, SIDE)).copy()
    pixels[10:14, 20:24, 1] = pixels[48, 50, 0] = value
    found, wanted = outcome(action, raster(pixels, PixelFormat("RGB", "f32"))), plain(action)
    if isinstance(found, str):
        assert found == wanted
        return
    for output in found:
        values = samples(output.raster)
        bad = ~np.isfinite(values)
        assert bad.sum() <= 17  # where nothing was done


def test_a_damaged_profile_is_taken_as_srgb_and_that_is_said() -> None:
    context = Context()
    image = from_array(scene(SIDE, SIDE), b"no profile at all")
    (output,) = find("background.gray")(job_of("background.gray", image), context)
    assert output.raster.profile == b"no profile at all"
    assert any("profile" in note and "sRGB" in note for note in context.notes)


def test_srgb_by_another_name_is_not_converted() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert transform(srgb, False, False) is None
    assert transform(b"", False, True) is None


def test_conversions_agree_with_littlecms() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    from PIL import Image

    for data in (LINEAR, GAMMA_18, WIDE):
        way = transform(data, False, False)
        assert way is not None
        theirs = ImageCms.profileToProfile(
            Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(data)), ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )  # fmt: skip
        ours = as_depth(way.to_srgb(pixels), "u8").astype(int)
        assert np.abs(ours - np.asarray(theirs).astype(int)).max() <= 2
        assert np.abs(as_depth(way.from_srgb(way.to_srgb(pixels)), "u8").astype(int) - pixels).max() == 0


def test_linear_light_is_linear_whatever_the_profiles_curve() -> None:
    way = transform(GAMMA_18, True, False)
    assert way is not None
    unit = np.random.default_rng(0).random((4, 5, 3), np.float32)
    assert np.allclose(srgb_to_linear(way.to_srgb(unit)), unit, atol=1e-5)


def test_what_is_brighter_than_white_and_out_of_gamut_goes_there_and_back() -> None:
    unit = np.random.default_rng(0).uniform(0, 9, (40, 40, 3)).astype(np.float32)
    for data in (LINEAR, WIDE, GAMMA_18, profile(table=True)):
        way = transform(data, False, False)
        assert way is not None
        assert np.allclose(way.from_srgb(way.to_srgb(unit)), unit, rtol=2e-3, atol=5e-3)
