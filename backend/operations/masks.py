"""Selections and masks that come with a job: weights, 0..255, where the layer lies; and what looks wrong about them."""

from __future__ import annotations

import numpy as np

from backend.imaging.arrays import UInt8Array
from backend.io.rasters import as_depth, mask_values, placed, samples
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job

from . import Context, OperationError

SELECTION = PixelFormat("Y", "u8")  # what a selection is sent as
NEARLY_ALL = 0.9  # a selection of more than this share of the layer may be meant the other way round
NOTHING_SELECTED = "Nothing is selected here."
SELECT = "Select what is meant, then try again."
LABELS = (
    "The mask holds only the values 0 and 1, which is as good as black. If it is a mask of labels, write it with 255 "
    "in place of 1."
)
INVERTED = "{share:.0%} of the image is selected. If the mask is meant the other way round, invert it."


def nothing_found(what: str) -> OperationError:
    """There is no subject, object or class: `what` names it, "subject" for example."""
    return OperationError(
        ErrorCode.NOTHING_FOUND,
        f"No {what} was found.",
        "Mark it with a box or a loose outline around it, or with a mask, and try again.",
    )


def selected(selection: Raster, layer: Raster) -> UInt8Array:
    """The selection where the layer lies, H x W u8: how far each pixel is selected."""
    plain = selection.format == SELECTION
    values: UInt8Array = samples(selection)[..., 0] if plain else as_depth(mask_values(selection), "u8")
    return placed(values, selection.x, selection.y, layer.box)


def selected_weights(job: Job, context: Context, remedy: str = SELECT) -> UInt8Array:
    """The job's selection where its layer lies, H x W u8; a note is made of what looks like a mistake.

    Raises OperationError when nothing of the layer is selected, or there is no selection.
    """
    layer, selection = job.inputs["image"], job.inputs.get("selection")
    weights = np.zeros((layer.height, layer.width), np.uint8) if selection is None else selected(selection, layer)
    if not weights.any():
        raise OperationError(ErrorCode.BAD_INPUT, NOTHING_SELECTED, remedy)
    note_mistakes(weights, context)
    return weights


def note_mistakes(weights: UInt8Array, context: Context) -> None:
    """A note on a selection, H x W, of nearly everything. Raises OperationError for one of labels, 0 and 1."""
    if weights.max() == 1:
        raise OperationError(ErrorCode.BAD_INPUT, NOTHING_SELECTED, LABELS)
    share = float(np.count_nonzero(weights > 127)) / weights.size
    if NEARLY_ALL < share < 1:
        context.notes.append(INVERTED.format(share=share))
