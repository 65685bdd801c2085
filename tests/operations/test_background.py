"""Backgrounds out of focus or without colour: what changes, what does not, and no rim between."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import backend
from backend.commands import pictures
from backend.operations import Context, background
from backend.pixels import as_depth, colours, raster, samples
from plugin.client.actions import BY_NAME, Value
from plugin.client.jobs import Job
from plugin.client.raster import PixelFormat, Raster

GREY = PixelFormat("Y", "u8")
MIDDLE, CORNER = np.s_[50:70, 70:90], np.s_[:20, :30]


def scene(form: PixelFormat | None = None) -> tuple[Raster, Raster]:
    """A red disc before noisy green, and the disc as a selection with a soft edge."""
    form = form or PixelFormat("RGB", "u8")
    y, x = np.mgrid[:120, :160].astype(np.float32)
    alpha = np.clip((40 - np.hypot(x - 80, y - 60)) / 4 + 0.5, 0, 1)[..., None]
    ground = np.array([0.1, 0.6, 0.2], np.float32) + np.random.default_rng(0).uniform(-0.1, 0.1, (120, 160, 1))
    picture = (alpha * np.array([0.8, 0.1, 0.1]) + (1 - alpha) * ground).astype(np.float32)
    if form.has_alpha:
        picture = np.dstack([picture, np.full((120, 160), 0.5, np.float32)])
    selection = raster(as_depth(alpha[..., 0].astype(np.float32), "u8"), GREY, 5, -9)
    return raster(as_depth(picture, form.depth), form, 5, -9, b"p"), selection


def run(name: str, image: Raster, selection: Raster | None, **settings: Value) -> Raster:
    inputs = {"image": image} | ({"selection": selection} if selection else {})
    operation = {"background.blur": background.blur, "background.grey": background.grey}[name]
    (output,) = operation(Job(name, BY_NAME[name].check(dict(settings)), inputs), Context())
    assert (output.raster.format, output.raster.box, output.raster.profile) == (image.format, image.box, image.profile)
    return output.raster


def test_the_background_blurs_and_the_subject_does_not() -> None:
    image, selection = scene()
    result, before = samples(run("background.blur", image, selection, strength=100)), samples(image)
    assert np.array_equal(result[MIDDLE], before[MIDDLE])
    assert result[CORNER].std(axis=(0, 1)).max() < before[CORNER].std(axis=(0, 1)).max() / 3
    assert np.array_equal(samples(run("background.blur", image, selection, strength=0)), before)


def test_no_red_bleeds_into_the_blurred_background() -> None:
    image, selection = scene()
    result = colours(run("background.blur", image, selection, strength=100))
    alpha = samples(selection)[..., 0]
    near = (alpha == 0) & (cv2.dilate(alpha, np.ones((9, 9), np.uint8)) > 0)
    assert result[near][:, 0].max() < 0.2  # 0.1 and the noise


def test_grey_is_grey_and_the_edge_has_no_green_rim() -> None:
    image, selection = scene()
    result, alpha = colours(run("background.grey", image, selection)), samples(selection)[..., 0]
    assert np.ptp(result[alpha == 0], axis=1).max() < 0.02
    assert np.array_equal(result[alpha == 255], colours(image)[alpha == 255])
    edge = result[(alpha > 30) & (alpha < 225)]
    assert (edge[:, 1] - edge[:, 0]).max() < 0.03  # never greener than red


def test_light_and_colour_of_either_part() -> None:
    image, selection = scene()
    before = colours(image)
    dark, grey = (colours(run("background.grey", image, selection, background_light=stops)) for stops in (-2.0, 0.0))
    assert dark[CORNER].mean() < grey[CORNER].mean() / 1.5
    neutral = {"background_colour": 0.0}
    assert np.array_equal(samples(run("background.grey", image, selection, **neutral)), samples(image))
    bright = colours(run("background.grey", image, selection, subject_light=0.5, **neutral))
    assert bright[MIDDLE].mean() > before[MIDDLE].mean()
    assert np.array_equal(bright[CORNER], before[CORNER])
    warm = colours(run("background.blur", image, selection, background_warmth=100.0))
    cool = colours(run("background.blur", image, selection, background_warmth=-100.0))
    assert (warm - cool)[CORNER][..., 0].mean() > 0.01 > (warm - cool)[CORNER][..., 2].mean()


@pytest.mark.parametrize("form", [PixelFormat("BGRA", "u8"), PixelFormat("RGBA", "u16"), PixelFormat("RGBA", "f16")])
def test_formats_survive(form: PixelFormat) -> None:
    image, selection = scene(form)
    result = run("background.grey", image, selection)
    assert np.array_equal(samples(result)[..., 3], samples(image)[..., 3])
    assert np.array_equal(samples(result)[MIDDLE], samples(image)[MIDDLE])


def test_the_astronaut_before_a_grey_background() -> None:
    """The subject is found where nothing is selected."""
    photo = pictures.read(Path(backend.__file__).parent / "demo" / "astronaut.jpg")
    result, before = samples(run("background.grey", photo, None)), samples(photo)
    assert np.array_equal(result[100:160, 190:250], before[100:160, 190:250])
    assert np.ptp(result[30:200, 10:90].astype(int), axis=2).max() < 12
