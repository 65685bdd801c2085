"""A job for every action in the table, on images that have what the action looks for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import skimage

import backend
from backend.io.rasters import from_array, raster, samples
from backend.operations import Context
from backend.operations.networks import CUSTOM, STYLES, cache_key, load_network
from plugin.client.actions import ACTIONS, BY_NAME, Action, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

_NOT_COMPUTING = ("diagnose.", "style.train", "style.customs")  # what the user has trained is not in the tests
COMPUTING = tuple(action.name for action in ACTIONS if not action.name.startswith(_NOT_COMPUTING))
"""The actions that compute something from an image."""

CUT_OUT = ("paste.harmonize", "paste.apply", "paste.clone")
"""Actions whose pasted layer shows a thing and nothing around it."""

ON_A_STREET = (
    "select.other_people",
    "select.dust",
    "fill.dust",
    "fill.other_people",
    "fill.objects",
    "fill.objects_found",
)
"""Actions that look for other people, small objects or dust."""

DEMO = Path(backend.__file__).parent / "demo"
_QUICK: dict[str, Value] = {"steps": 2, "photos": "", "name": "mine"}


def photograph(name: str, width: int) -> Raster:
    """One of the demo's photographs, so many pixels wide."""
    image = cv2.imread(str(next(DEMO.glob(f"{name}.*"))))[..., ::-1]
    size = width, round(image.shape[0] * width / image.shape[1])
    way = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC
    return from_array(np.ascontiguousarray(cv2.resize(image, size, interpolation=way)))


def example(name: str, width: int = 96) -> Job:
    """A job of the action `name`: a cat, with its head selected; what is pasted or copied is another photograph's.

    What is looked for beside the subject is beside a person: a smaller one, and dust on the wall; a sky is behind a man
    on a meadow.
    """
    action = BY_NAME[name]
    cat = photograph("chelsea", width)
    if name in ON_A_STREET:
        cat = from_array(street(max(width, 480))[0])  # smaller people are not told apart
    if name in ("select.sky", "paste.sky"):
        cat = from_array(np.repeat(skimage.data.camera()[..., None], 3, 2))
    inputs: dict[str, Raster] = {}
    for item in action.inputs:
        if item.name == "selection" and item.required:
            inputs[item.name] = _selection(cat)
        elif item.name in ("image", "target"):
            inputs[item.name] = cat
        elif item.name == "strokes":
            inputs[item.name] = _strokes(cat)
        elif item.required and item.name == "source":
            inputs[item.name] = _cut_out(width // 2) if name in CUT_OUT else _person(width)
        elif item.required:
            inputs[item.name] = from_array(sky_of_evening()) if item.name == "sky" else photograph("coffee", width)
    return Job(name, action.check(_settings(action)), inputs)


def keep_custom_style(context: Context) -> None:
    """Have the style network stand in for the custom style that `example` names."""
    from dataclasses import replace

    found = load_network(STYLES, context)
    net = found.net
    net.config = replace(net.config, styles=("mine", *net.config.styles[1:]))
    del context.cache[cache_key(STYLES, context.device)]
    context.cache[cache_key(CUSTOM + "mine", context.device)] = found


def _settings(action: Action) -> dict[str, Value]:
    return {item.name: _QUICK[item.name] for item in action.parameters if item.name in _QUICK}


def _selection(layer: Raster) -> Raster:
    mask = np.zeros((layer.height, layer.width), np.uint8)
    cv2.ellipse(mask, (layer.width // 2, layer.height // 2), (layer.width // 6, layer.height // 6), 0, 0, 360, 255, -1)
    return raster(mask, PixelFormat("Y", "u8"))


def _strokes(layer: Raster) -> Raster:
    """A green stroke in the middle and a red one in the upper right corner."""
    painted = np.zeros((layer.height, layer.width, 4), np.uint8)
    middle, corner = (layer.width // 2, layer.height // 2), (layer.width * 9 // 10, layer.height // 10)
    cv2.circle(painted, middle, layer.width // 20, (0, 255, 0, 255), -1)
    cv2.circle(painted, corner, layer.width // 20, (255, 0, 0, 255), -1)
    return raster(painted, PixelFormat("RGBA", "u8"))


def two_people(width: int) -> np.ndarray:
    """The astronaut, and beside her on the right the same photograph smaller before its own wall; H x W x 3."""
    large, small = (samples(photograph("astronaut", size)) for size in (width * 5 // 8, width * 3 // 10))
    wall = np.full((large.shape[0], width - large.shape[1], 3), 200, np.uint8)
    rows, columns = small.shape[:2]
    left = (wall.shape[1] - columns) // 2
    wall[-rows:, left : left + columns] = small
    return np.hstack([large, wall])


def street(width: int) -> tuple[np.ndarray, dict[str, tuple[int, int]]]:
    """Two people, and dark dust on the wall between them; H x W x 3, and x and y of what can be removed."""
    pixels = two_people(width)
    x, y, diameter = width * 41 // 64, width // 16, max(3, width // 160)
    places = {"dust": (x, y), "other": (width * 13 // 16, pixels.shape[0] - width // 16)}
    for step in range(4):
        cv2.circle(pixels, (x, y + step * width // 16), diameter // 2, (60, 50, 40), -1)
    return pixels, places


def sky_of_evening(height: int = 400, width: int = 700) -> np.ndarray:
    """From dark blue at the top to orange at the horizon, with bands of cloud; H x W x 3."""
    rows, columns = np.mgrid[:height, :width] / height
    low = rows**1.5 + 0.08 * np.sin(9 * rows + 2 * np.sin(3 * columns)) * np.sin(4 * columns + 1)
    low = np.clip(low, 0, 1)[..., None]
    return (np.array([140, 70, 90]) * (1 - low) + np.array([255, 150, 60]) * low).astype(np.uint8)


def _person(width: int) -> Raster:
    return photograph("astronaut", 2 * width)


def _cut_out(width: int) -> Raster:
    """A layer with an oval of the astronaut in it, the rest of it transparent."""
    person = photograph("astronaut", width)
    pixels = np.frombuffer(person.data, np.uint8).reshape(person.height, person.width, -1)
    alpha = np.zeros((person.height, person.width, 1), np.uint8)
    middle, axes = (person.width // 2, person.height // 2), (person.width // 3, person.height // 3)
    cv2.ellipse(alpha, middle, axes, 0, 0, 360, 255, -1)
    return raster(np.concatenate([pixels, alpha], 2), PixelFormat("RGBA", "u8"), x=width // 2, y=width // 3)
