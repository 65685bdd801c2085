"""Backgrounds out of focus or without color: what changes, what does not, and no rim between."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import backend
from backend.io import image_files
from backend.io.rasters import as_depth, colors, raster, samples
from backend.operations import Context
from backend.operations.background import effects
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

GRAY = PixelFormat("Y", "u8")
MIDDLE, CORNER = np.s_[50:70, 70:90], np.s_[:20, :30]


def scene(form: PixelFormat | None = None) -> tuple[Raster, Raster]:
    """A red disc before noisy green, and the disc as a selection with a soft edge."""
    form = form or PixelFormat("RGB", "u8")
    y, x = np.mgrid[:120, :160].astype(np.float32)
    alpha = np.clip((40 - np.hypot(x - 80, y - 60)) / 4 + 0.5, 0, 1)[..., None]
    ground = np.array([0.1, 0.6, 0.2], np.float32) + np.random.default_rng(0).uniform(-0.1, 0.1, (120, 160, 1))
    image = (alpha * np.array([0.8, 0.1, 0.1]) + (1 - alpha) * ground).astype(np.float32)
    if form.has_alpha:
        image = np.dstack([image, np.full((120, 160), 0.5, np.float32)])
    selection = raster(as_depth(alpha[..., 0].astype(np.float32), "u8"), GRAY, 5, -9)
    return raster(as_depth(image, form.depth), form, 5, -9, b"p"), selection


def run(name: str, image: Raster, selection: Raster | None, **settings: Value) -> Raster:
    inputs = {"image": image} | ({"selection": selection} if selection else {})
    operation = {"background.blur": effects.blur, "background.gray": effects.gray}[name]
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
    result = colors(run("background.blur", image, selection, strength=100))
    alpha = samples(selection)[..., 0]
    near = (alpha == 0) & (cv2.dilate(alpha, np.ones((9, 9), np.uint8)) > 0)
    assert result[near][:, 0].max() < 0.2  # 0.1 and the noise


def test_gray_is_gray_and_the_edge_has_no_green_rim() -> None:
    image, selection = scene()
    result, alpha = colors(run("background.gray", image, selection)), samples(selection)[..., 0]
    assert np.ptp(result[alpha == 0], axis=1).max() < 0.02
    assert np.array_equal(result[alpha == 255], colors(image)[alpha == 255])
    edge = result[(alpha > 30) & (alpha < 225)]
    assert (edge[:, 1] - edge[:, 0]).max() < 0.03  # never greener than red


def test_light_and_color_of_either_part() -> None:
    image, selection = scene()
    before = colors(image)
    dark, gray = (colors(run("background.gray", image, selection, background_exposure=ev)) for ev in (-2.0, 0.0))
    assert dark[CORNER].mean() < gray[CORNER].mean() / 1.5
    neutral = {"background_saturation": 0.0}
    assert np.array_equal(samples(run("background.gray", image, selection, **neutral)), samples(image))
    bright = colors(run("background.gray", image, selection, subject_exposure=0.5, **neutral))
    assert bright[MIDDLE].mean() > before[MIDDLE].mean()
    assert np.array_equal(bright[CORNER], before[CORNER])
    warm = colors(run("background.blur", image, selection, background_temperature=100.0))
    cool = colors(run("background.blur", image, selection, background_temperature=-100.0))
    assert (warm - cool)[CORNER][..., 0].mean() > 0.01 > (warm - cool)[CORNER][..., 2].mean()


@pytest.mark.parametrize("form", [PixelFormat("BGRA", "u8"), PixelFormat("RGBA", "u16"), PixelFormat("RGBA", "f16")])
def test_formats_survive(form: PixelFormat) -> None:
    image, selection = scene(form)
    result = run("background.gray", image, selection)
    assert np.array_equal(samples(result)[..., 3], samples(image)[..., 3])
    assert np.array_equal(samples(result)[MIDDLE], samples(image)[MIDDLE])


def test_the_astronaut_before_a_gray_background() -> None:
    """The subject is found where nothing is selected."""
    photo = image_files.read(Path(backend.__file__).parent / "demo" / "astronaut.jpg")
    result, before = samples(run("background.gray", photo, None)), samples(photo)
    assert np.array_equal(result[100:160, 190:250], before[100:160, 190:250])
    assert np.ptp(result[30:200, 10:90].astype(int), axis=2).max() < 12
