"""A small job of every action, on images made by code."""

from __future__ import annotations

import numpy as np

from backend.io.rasters import from_array
from plugin.client.actions import ACTIONS, BY_NAME, Source, Value
from plugin.client.image import Raster
from plugin.client.messages import Job

WITHOUT_IMAGES = ("style.train", "style.training", "style.customs", "diagnose.identity")
WITHOUT_SIDE_EFFECTS = [a.name for a in ACTIONS if a.name not in WITHOUT_IMAGES]
"""All actions but those that train, need a trained style, or do nothing."""

QUICK: dict[str, dict[str, Value]] = {"style.gatys": {"steps": 1, "size": 64}}


def scene(width: int, height: int) -> np.ndarray:
    """A bright thing with an edge before a slope of color, H x W x 3 u8."""
    y, x = np.mgrid[:height, :width] / np.maximum([[[height]], [[width]]], 1)
    pixels = np.dstack([60 + 80 * x, 90 + 60 * y, 140 - 60 * x])
    pixels[(np.hypot(x - 0.5, y - 0.5) < 0.28)] = (230, 180, 60)
    return pixels.astype(np.uint8)


def box_selection(width: int, height: int) -> Raster:
    """The middle third, as a selection."""
    mask = np.zeros((height, width, 1), np.uint8)
    mask[height // 3 : height - height // 3, width // 3 : width - width // 3] = 255
    return from_array(mask)


def job_of(action: str, image: Raster, other: Raster | None = None, **settings: Value) -> Job:
    """The action on an image; a second layer is `other`, or a piece of the image."""
    inputs: dict[str, Raster] = {}
    for wanted in BY_NAME[action].inputs:
        if wanted.source is Source.SELECTION:
            inputs[wanted.name] = box_selection(image.width, image.height).at(image.x, image.y)
        elif wanted.required:
            inputs[wanted.name] = image if wanted.source in (Source.LAYER, Source.VISIBLE) or other is None else other
    return Job(action, BY_NAME[action].check(QUICK.get(action, {}) | settings), inputs)
