"""What the harmonizer says of a paste: the parameters of a color transform, on a grid over the paste's box.

The network sees the paste in its surroundings, the box and some of its longer side around it, squashed to its input
size, and the colors on both sides of its outline at full size; twice with more and less around it, and both mirrored.
The mean of the four answers counts, drawn somewhat back to the identity: a smaller change is the safer answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.color.parametric import resample_grid, row_strips, transform_rows
from backend.imaging.downsample import reduced
from plugin.client.image import Box

from .. import Context
from ..networks import Network, find_network
from .encoded import Encoded, Surroundings

NAME = "harmonizer"  # of the card
AROUND = (0.4, 0.7)  # what is seen around the paste, of its longer side
CELLS = 16  # a side of the grid over the paste's box, on which the answers meet
DETAIL = 4  # pixels read for each that the network sees, a side
IDENTITY = np.array([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], np.float32)
SHARE = 0.8  # of the change that is applied


def network(context: Context) -> Network | None:
    """The harmonizer; None where its weights are missing."""
    return find_network(NAME, context)


def predict_parameters(
    network: Network, content: Encoded, below: Surroundings, alpha: FloatArray, box: Box, context: Context
) -> FloatArray:
    """The parameters of the color transform over the box of what is pasted.

    Args:
        network: the harmonizer, and its card.
        content: H x W, valid where alpha is not 0.
        below: what it is pasted onto.
        alpha: H x W, 0..1.
        box: where alpha is not 0.
        context: of the job.

    Returns:
        CELLS x CELLS x 15.
    """
    import torch

    from models.networks.harmonizer import GRID
    from models.networks.outline import outline_moments

    grids = []
    side = network.card.input_size
    outline = _across_outline(content, below, alpha, box)
    wanted = (box.x + below.x, box.y + below.y, box.width, box.height)
    for share in AROUND:
        seen = below.around(box, round(share * max(box.width, box.height)))
        composite, inside = _squashed(content, below, alpha, seen, side)
        places = (outline.places - (seen.y, seen.x)) / (seen.height, seen.width)
        moments = outline_moments(outline.within, outline.without, places.astype(np.float32), GRID)
        x = torch.from_numpy(composite).permute(2, 0, 1)[None].to(context.device)
        m = torch.from_numpy(inside)[None, None].to(context.device)
        o = torch.from_numpy(moments)[None].to(context.device)
        with torch.inference_mode():
            answer = network.net(*(torch.cat([part, part.flip(3)]) for part in (x, m, o)))
        grid = ((answer[0] + answer[1].flip(2)) / 2).permute(1, 2, 0).cpu().numpy()
        grids.append(resample_grid(grid, (seen.x, seen.y, seen.width, seen.height), wanted, CELLS))
    mean: FloatArray = np.mean(grids, axis=0)
    return IDENTITY + np.float32(SHARE) * (mean - IDENTITY)


def apply_parameters(
    grid: FloatArray, content: Encoded, result: Encoded, mask: BoolArray, box: Box, strength: float, context: Context
) -> None:
    """Write the transformed content into the result, inside the mask.

    Args:
        grid: of parameters, over the box.
        content: H x W, what is pasted.
        result: H x W, changed in place.
        mask: H x W, what is written.
        box: what the grid lies over.
        strength: 0 leaves the content as it is, 1 is all of the transform.
        context: of the job.
    """
    for rows in row_strips(box.height):
        window = slice(box.y + rows.start, box.y + rows.stop), slice(box.x, box.x + box.width)
        before = content.at(window)
        after = transform_rows(grid, (box.width, box.height), rows, before)
        if strength != 1:
            after = before + np.float32(strength) * (after - before)
        result.put(window, after, mask[window])
        context.progress(0.3 + 0.6 * rows.stop / box.height, "Adapting light and color", None)


class _Outline(NamedTuple):
    """Colors N x 3 on both sides of the outline, and their places in the image below, N x 2, down and across."""

    within: FloatArray
    without: FloatArray
    places: FloatArray


def _across_outline(content: Encoded, below: Surroundings, alpha: FloatArray, box: Box) -> _Outline:
    from models.networks.outline import REACH, outline_pairs

    near = box.padded(REACH, alpha.shape)
    pairs = outline_pairs(np.ascontiguousarray(alpha[near.window]))
    (rows, columns), (out_rows, out_columns) = ((y + near.y, x + near.x) for y, x in (pairs.within, pairs.without))
    within = content.at((rows[:, None], columns[:, None]))[:, 0]
    without = below.image.at((out_rows[:, None] + below.y, out_columns[:, None] + below.x))[:, 0]
    return _Outline(within, without, np.column_stack([rows + 0.5 + below.y, columns + 0.5 + below.x]))


def _squashed(
    content: Encoded, below: Surroundings, alpha: FloatArray, seen: Box, side: int
) -> tuple[FloatArray, FloatArray]:
    """Composite, side x side x 3, and mask, side x side, of a box; of a large box not every pixel is read."""
    steps = [max(1, length // (DETAIL * side)) for length in (seen.height, seen.width)]
    (down, own_down), (across, own_across) = (
        _aligned(start, length, step, place, own)
        for start, length, step, place, own in zip(
            (seen.y, seen.x), (seen.height, seen.width), steps, (below.y, below.x), alpha.shape, strict=True
        )
    )
    composite = below.image.at(np.s_[seen.y : seen.y + seen.height : steps[0], seen.x : seen.x + seen.width : steps[1]])
    opacity = np.zeros(composite.shape[:2], np.float32)
    opacity[down, across] = alpha[own_down, own_across]
    part = composite[down, across]
    part += opacity[down, across, None] * (content.at((own_down, own_across)) - part)
    return _resized(np.clip(composite, 0, 1), side), _resized(opacity, side)


def _aligned(start: int, length: int, step: int, place: int, own: int) -> tuple[slice, slice]:
    """Of `length` places from `start` on each `step`-th is read: which of those that are read lie within the `own`
    places from `place` on, and where there."""
    first = max(0, -(-(place - start) // step))
    last = min(-(-length // step), -(-(place + own - start) // step))
    begin = start + first * step - place
    return slice(first, last), slice(begin, begin + (last - first) * step, step)


def _resized(image: FloatArray, side: int) -> FloatArray:
    import cv2

    height, width = image.shape[:2]
    if min(height, width) >= side:
        return reduced(image, (side, side))
    resized: FloatArray = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return resized
