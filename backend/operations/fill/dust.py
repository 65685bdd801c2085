"""Heal Dust and Scratches: what is found is filled from what is right beside it, and nothing else changes."""

from __future__ import annotations

import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.inpainting.diffusion import diffused
from backend.imaging.masks.regions import bounding_box
from backend.io.rasters import coverage, cropped, rgb
from plugin.client.messages import Job, Output

from .. import Context
from ..selection.blemishes import dust_of
from .result import Fill, as_copy, as_layer

MARGIN = 8  # pixels around what is filled


def heal_dust(job: Job, context: Context) -> list[Output]:
    """Dust and scratches found and filled: a layer to lie over the image, or a copy of it.

    Raises OperationError where there are none.
    """
    layer, settings = job.inputs["image"], job.parameters
    found = dust_of(job, context)
    context.progress(0.6, "Filling", None)
    inner = bounding_box(found)
    assert inner is not None  # or it would have been refused
    box = inner.padded(MARGIN, found.shape)
    part, hole = cropped(layer, box), found[box.window]
    image: FloatArray = to_unit(rgb(part))
    fill = Fill(diffused(image, hole, context.cancelled), hole, hole.astype(np.float32), coverage(part))
    return [(as_copy if settings["as"] == "copy" else as_layer)(fill, "Healed", part, layer)]
