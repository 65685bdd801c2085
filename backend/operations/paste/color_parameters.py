"""What the harmonizer says of a paste: the parameters of a color transform, on a grid over the paste's box.

The network sees the paste in its surroundings, the box and some of its longer side around it, squashed to its input
size; twice with more and less around it, and both mirrored. The mean of the four answers counts, drawn somewhat back to
the identity: a smaller change is the safer answer.
"""

from __future__ import annotations

import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.color.parametric import resample_grid, row_strips, transform_rows
from backend.imaging.downsample import reduced
from plugin.client.image import Box

from .. import Context
from ..networks import Network, find_network
from .encoded import Encoded

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
    network: Network, content: Encoded, image: Encoded, alpha: FloatArray, box: Box, context: Context
) -> FloatArray:
    """The parameters of the color transform over the box of what is pasted.

    Args:
        network: the harmonizer, and its card.
        content: H x W, valid where alpha is not 0.
        image: H x W, what it is pasted onto.
        alpha: H x W, 0..1.
        box: where alpha is not 0.
        context: of the job.

    Returns:
        CELLS x CELLS x 15.
    """
    import torch

    grids = []
    side = network.card.input_size
    wanted = (box.x, box.y, box.width, box.height)
    for share in AROUND:
        seen = box.padded(round(share * max(box.width, box.height)), alpha.shape)
        composite, inside = _squashed(content, image, alpha, seen, side)
        x = torch.from_numpy(composite).permute(2, 0, 1)[None].to(context.device)
        m = torch.from_numpy(inside)[None, None].to(context.device)
        with torch.inference_mode():
            answer = network.net(torch.cat([x, x.flip(3)]), torch.cat([m, m.flip(3)]))
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


def _squashed(
    content: Encoded, image: Encoded, alpha: FloatArray, seen: Box, side: int
) -> tuple[FloatArray, FloatArray]:
    """Composite, side x side x 3, and mask, side x side, of a box; of a large box not every pixel is read."""
    down, across = (max(1, length // (DETAIL * side)) for length in (seen.height, seen.width))
    window = np.s_[seen.y : seen.y + seen.height : down, seen.x : seen.x + seen.width : across]
    opacity = np.ascontiguousarray(alpha[window])
    composite = image.at(window)
    composite += opacity[..., None] * (content.at(window) - composite)
    return _resized(np.clip(composite, 0, 1), side), _resized(opacity, side)


def _resized(image: FloatArray, side: int) -> FloatArray:
    import cv2

    height, width = image.shape[:2]
    if min(height, width) >= side:
        return reduced(image, (side, side))
    resized: FloatArray = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return resized
