"""Every action on every small size: a result of the right size, or a refusal in words."""

from __future__ import annotations

import numpy as np
import pytest

from backend.io.rasters import from_array
from backend.operations import Context, OperationError, find
from plugin.client.actions import BY_NAME, ResultKind

from .jobs import WITHOUT_SIDE_EFFECTS, job_of, scene

CONTEXT = Context()
LAST = ["style.previews", "style.gatys"]
ALL = [name for name in WITHOUT_SIDE_EFFECTS if name not in LAST] + LAST
PAINTING = from_array(scene(64, 48))
LONG = [
    "select.subject", "select.object", "select.class", "select.background", "select.refine", "select.colors",
    "cutout.background", "cutout.subject", "fill.selection", "fill.subject", "style.preset", "background.blur",
    "background.gray",
]  # fmt: skip
FIXED = [(1, 1), (1, 64), (64, 1), (2, 3)]


def sizes(action: str) -> list[tuple[int, int]]:
    """The extremes, and some of 1 to 64 by 1 to 64 by chance, others for every action."""
    rng = np.random.default_rng(ALL.index(action))
    return FIXED + [(int(w), int(h)) for w, h in rng.integers(1, 65, (4, 2))]


@pytest.mark.parametrize("action", ALL)
def test_every_size_from_1_to_64(action: str) -> None:
    for number, (width, height) in enumerate(sizes(action)):
        pixels = scene(width, height)
        if number % 2:
            pixels = np.dstack([pixels, np.full((height, width), 255, np.uint8)])
        image = from_array(pixels, x=-3, y=5)
        try:
            outputs = find(action)(job_of(action, image, PAINTING if action == "style.gatys" else None), CONTEXT)
        except OperationError as error:
            assert error.message and error.remedy, (width, height)
            continue
        for output in outputs:
            assert output.raster.width and output.raster.height
            whole = BY_NAME[action].result is ResultKind.SELECTION or action.startswith(("style.", "background."))
            if whole and not BY_NAME[action].hidden:
                assert output.raster.box == image.box, (width, height)


@pytest.mark.parametrize("size", [(30000, 20), (20, 30000)])
@pytest.mark.parametrize("action", LONG)
def test_very_long_images(action: str, size: tuple[int, int]) -> None:
    image = from_array(scene(*size))
    try:
        outputs = find(action)(job_of(action, image), CONTEXT)
    except OperationError as error:
        assert error.message and error.remedy
        return
    assert all(output.raster.width <= size[0] and output.raster.height <= size[1] for output in outputs)


@pytest.mark.parametrize("offset", [2**31 - 70, -(2**31), 2**40])
@pytest.mark.parametrize("action", ["select.refine", "fill.selection", "style.preset"])
def test_offsets_of_any_size_are_taken(action: str, offset: int) -> None:
    image = from_array(scene(48, 40), x=offset, y=-offset)
    (output,) = find(action)(job_of(action, image), CONTEXT)
    assert offset <= output.raster.x <= offset + 48
