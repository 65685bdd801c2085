"""The network on a picture: what the context asks of it."""

from __future__ import annotations

import numpy as np
import torch
from skimage import data

from backend.operations import Context
from backend.operations.perception import Perception, picture
from backend.pixels import from_array


def test_half_precision_halves_the_features_and_sees_the_same() -> None:
    layer = from_array(data.astronaut())
    full, half = (Perception(layer, picture(layer), Context(half=half)) for half in (False, True))
    whole, found = full.subject(), half.subject()
    assert full.view().features[-1].dtype == torch.float32
    assert half.view().features[-1].dtype == torch.float16
    assert found.dtype == np.float32
    assert np.abs(found - whole).mean() < 0.005
    assert ((found > 0.5) != (whole > 0.5)).mean() < 0.005
