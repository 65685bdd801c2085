"""The network on a rgb_image: what the context asks of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage import data

from backend.io.rasters import from_array
from backend.operations import Context
from backend.operations.networks import precision
from backend.operations.selection import perception
from backend.operations.selection.perception import Perception, cached_rgb_image, rgb_image


@pytest.mark.parametrize("photograph", [data.astronaut, data.chelsea, data.coffee])
def test_the_precision_of_this_machine_sees_the_same(
    photograph: Callable[[], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = from_array(photograph())
    own = Perception(layer, rgb_image(layer), Context())
    found = own.subject()
    assert own.embedding().features[-1].dtype == precision("cpu")
    monkeypatch.setattr(perception, "precision", lambda device: torch.float32)
    whole = Perception(layer, rgb_image(layer), Context()).subject()
    assert np.abs(found - whole).mean() < 0.005
    assert ((found > 0.5) != (whole > 0.5)).mean() < 0.005


def test_half_precision_halves_the_features_and_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perception, "precision", lambda device: torch.float32)
    layer = from_array(data.astronaut())
    full, half = (Perception(layer, rgb_image(layer), Context(half=half)) for half in (False, True))
    whole, found = full.subject(), half.subject()
    assert full.embedding().features[-1].dtype == torch.float32
    assert half.embedding().features[-1].dtype == torch.float16
    assert found.dtype == np.float32
    assert np.abs(found - whole).mean() < 0.005
    assert ((found > 0.5) != (whole > 0.5)).mean() < 0.005


def test_colors_stay_for_the_next_prompt_on_the_same_layer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = from_array(np.dstack([data.chelsea()] * 2)[..., :4]), from_array(data.astronaut())
    context = Context()
    pixels = cached_rgb_image(first, context)
    assert cached_rgb_image(first.at(5, 7), context) is pixels  # wherever it lies
    assert np.array_equal(cached_rgb_image(second, context), data.astronaut())
    assert cached_rgb_image(first, context) is not pixels
    monkeypatch.setattr(perception, "KEPT_BYTES", 1000)
    assert cached_rgb_image(second, context) is not cached_rgb_image(second, context)  # too large
