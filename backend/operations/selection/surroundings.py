"""Boxes of a layer that are looked at from closer by, and maps of the whole layer seen in them."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from plugin.client.image import Box

from .perception import Perception

ROOM = 0.2  # what is looked at around an object with a prompt, of its box's longer side
CUT = 0.01  # what reaches the border of a box along more than this share of a side goes on beyond it
CLOSER = 0.75  # an object whose surroundings take up less than this share of the layer is looked at more closely


def on_layer(box: Box, perception: Perception) -> Box:
    """Where a box of a map of the whole layer lies on the layer."""
    x, y = perception.whole.width / perception.side, perception.whole.height / perception.side
    left, top = int(box.x * x), int(box.y * y)
    right, bottom = int(np.ceil((box.x + box.width) * x)), int(np.ceil((box.y + box.height) * y))
    return Box(left, top, right - left, bottom - top)


def surroundings(box: Box, whole: Box, room: float = ROOM, closer: float = CLOSER) -> Box:
    """What to look at for an object: its neighborhood, or all where that is nearly all.

    Args:
        box: of the object, in pixels.
        whole: of the layer.
        room: around the object, as a share of its longer side.
        closer: share of the layer's area above which the neighborhood is not worth a look of its own.

    Returns:
        The neighborhood, cut at the layer's border, or `whole`.
    """
    near = box.padded(round(room * max(box.width, box.height)), (whole.height, whole.width))
    return near if near.width * near.height < closer * whole.width * whole.height else whole


def cut_off(probability: FloatArray, box: Box, whole: Box) -> bool:
    """Whether what a map of a box shows goes on beyond the box, on sides where the layer does."""
    inner = {
        "left": (box.x > 0, probability[:, 0]),
        "right": (box.x + box.width < whole.width, probability[:, -1]),
        "top": (box.y > 0, probability[0]),
        "bottom": (box.y + box.height < whole.height, probability[-1]),
    }
    return any(goes_on and np.count_nonzero(side > 0.5) > CUT * side.size for goes_on, side in inner.values())


def enlarged(whole: AnyArray, box: Box, perception: Perception) -> FloatArray:
    """What a map of the whole layer shows of a box of it, S x S as the map is."""
    scale = np.array([box.width / perception.whole.width, box.height / perception.whole.height])
    start = np.array([box.x / perception.whole.width, box.y / perception.whole.height]) * perception.side
    matrix = np.column_stack([np.diag(scale), start + scale / 2 - 0.5])  # pixel centers onto pixel centers
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (perception.side, perception.side)
    shown = cv2.warpAffine(whole.astype(np.float32), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.float32)


def on_grid(probability: FloatArray, box: Box, whole: Box, size: tuple[int, int]) -> FloatArray:
    """A map of a box of the layer on a grid over the whole layer, 0 beside the box.

    Args:
        probability: h x w over the box.
        box: in layer pixels.
        whole: the layer's.
        size: width and height of the grid.
    """
    x, y = size[0] / whole.width, size[1] / whole.height
    left, top = min(int(box.x * x), size[0] - 1), min(int(box.y * y), size[1] - 1)
    right = min(size[0], max(left + 1, int(np.ceil((box.x + box.width) * x))))
    bottom = min(size[1], max(top + 1, int(np.ceil((box.y + box.height) * y))))
    shown = np.zeros((size[1], size[0]), np.float32)
    shown[top:bottom, left:right] = cv2.resize(probability, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return shown
