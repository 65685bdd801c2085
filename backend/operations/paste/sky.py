"""Replace Sky: another sky behind what stands before it, horizon on horizon, and light and color drawn towards it."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging import stop_if
from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear, to_unit
from backend.imaging.masks.regions import bounding_box
from backend.imaging.matting.foreground import estimate_foreground
from backend.io.rasters import as_depth, depth_of, rgb
from plugin.client.actions import ResultKind
from plugin.client.image import Box, Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..region import BLOCK, applied, selected_alpha
from ..selection.perception import rgb_image
from ..selection.sky import no_sky, sky_alpha, sky_probability
from . import color_parameters
from .composite import cropped
from .encoded import Encoded, Surroundings

HORIZON = 0.99  # share of the sky's area that lies above the horizon; what is below are gaps and reflections
ROW, ABOVE = 0.9, 0.97  # share of sky in the lowest row that is taken of the other image, and in all rows down to it
LEAST_ROWS = 0.12  # of its height: with fewer such rows the largest rectangle of sky is taken
LEAST_PART = 0.02  # of its area: with a smaller rectangle all of the other image is taken for sky
AMBIENT = 0.5  # share of the light that comes from the sky
GAINS = (0.35, 1.8)  # of that light, at least and at most
ALL_SKY = "No sky was found in the other layer: all of it was taken for sky."


def replace_sky(job: Job, context: Context) -> list[Output]:
    """The layer with the sky of another one behind it, on a new layer; the selection is the sky where there is one.

    Raises OperationError where the layer has no sky.
    """
    layer, image = job.inputs["image"], rgb(job.inputs["image"])
    alpha = selected_alpha(job, context) if "selection" in job.inputs else sky_alpha(layer, job, context)
    if alpha.max() < 0.5:
        raise no_sky()
    context.progress(0.5, "Cleaning the edge", None)
    front = estimate_foreground(image, 1 - alpha, cancelled=context.cancelled)
    rows = horizon_row(alpha) + round(float(job.parameters["horizon"]) / 100 * layer.height)
    source = as_depth(sky_rows(job.inputs["sky"], context), depth_of(image))
    sky = fitted(source, (layer.height, layer.width), rows, bool(job.parameters["mirror"]))
    strength = float(job.parameters["strength"]) / 100
    if strength > 0 and alpha.min() < 0.5:
        front = relit(front, image, sky, alpha, strength)
        front = _harmonized(front, sky, alpha, strength, context)
    context.progress(0.9, "Putting the parts together", None)
    for top in range(0, layer.height, BLOCK):
        stop_if(context.cancelled)
        part = np.s_[top : top + BLOCK]
        share = alpha[part][..., None]
        mixed = (1 - share) * to_unit(front[part]) + share * to_unit(sky[part])
        sky[part] = as_depth(mixed, depth_of(image))
    changed = None if strength > 0 else (alpha > 0).astype(np.float32)
    return [Output(ResultKind.LAYER, "Replaced sky", applied(layer, sky, changed))]


def horizon_row(alpha: FloatArray) -> int:
    """The row, counted from the top, down to which the sky reaches. alpha: H x W, of the sky, not 0 everywhere."""
    area = np.cumsum(alpha.sum(1, dtype=np.float64))
    return int(np.searchsorted(area, HORIZON * area[-1])) + 1


def sky_rows(source: Raster, context: Context) -> AnyArray:
    """The rows of another layer from its top down to its horizon, h x w x 3; where something stands before most of them
    the largest rectangle of sky; all of the layer, and a note, where none is found."""
    source = cropped(source)
    pixels = rgb(source)
    context.progress(0.6, "Looking at the other sky", None)
    probability = sky_probability(source, rgb_image(source), context)
    share = open_sky(probability)
    if share >= LEAST_ROWS:
        return pixels[: max(1, round(share * len(pixels)))]
    part = largest_rectangle(probability > 0.5)
    if part.width * part.height < LEAST_PART * probability.size:
        context.notes.append(ALL_SKY)
        return pixels
    down, across = (n / size for n, size in zip(pixels.shape, probability.shape, strict=False))
    rows = slice(int(part.y * down), max(1, round((part.y + part.height) * down)))
    return pixels[rows, int(part.x * across) : max(1, round((part.x + part.width) * across))]


def largest_rectangle(mask: BoolArray) -> Box:
    """The largest rectangle of true pixels of a mask, H x W; it is empty where there are none."""
    best = Box(0, 0, 0, 0)
    heights = np.zeros(mask.shape[1] + 1, np.int64)  # of true pixels above each, and 0 beyond the right border
    for row, line in enumerate(mask):
        heights[:-1] = (heights[:-1] + 1) * line
        stack: list[int] = []  # columns whose heights rise
        for column, height in enumerate(heights.tolist()):
            while stack and heights[stack[-1]] >= height:
                tall = int(heights[stack.pop()])
                left = stack[-1] + 1 if stack else 0
                if tall * (column - left) > best.width * best.height:
                    best = Box(left, row + 1 - tall, column - left, tall)
            stack.append(column)
    return best


def open_sky(probability: FloatArray) -> float:
    """The share of an image's height, from the top, in which there is next to nothing but sky.

    probability: H x W, of being sky.
    """
    share = (probability > 0.5).mean(1)
    above = np.cumsum(share) / np.arange(1, len(share) + 1)
    rows = np.flatnonzero((above > ABOVE) & (share > ROW))
    return float(rows[-1] + 1) / len(share) if len(rows) else 0.0


def fitted(sky: AnyArray, size: tuple[int, int], horizon: int, mirror: bool) -> AnyArray:
    """A sky scaled to cover an image down to its horizon, its own lowest row there, mirrored below.

    Args:
        sky: h x w x 3.
        size: height and width of the image.
        horizon: the image's row on which the sky's lowest one comes to lie.
        mirror: whether left and right change places.

    Returns:
        H x W x 3 in the sky's type.
    """
    height, width = size
    horizon = min(max(horizon, 1), 2 * height)
    scale = max(width / sky.shape[1], horizon / sky.shape[0])
    wanted = max(width, round(scale * sky.shape[1])), max(horizon, round(scale * sky.shape[0]))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(np.ascontiguousarray(sky), wanted, interpolation=way)
    left = (wanted[0] - width) // 2
    rows = np.arange(height) + (wanted[1] - horizon)
    rows = np.clip(wanted[1] - 1 - np.abs(wanted[1] - 1 - rows), 0, None)
    part: AnyArray = scaled[rows, left : left + width]
    return np.ascontiguousarray(part[:, ::-1] if mirror else part)


def relit(front: AnyArray, image: AnyArray, sky: AnyArray, alpha: FloatArray, strength: float) -> AnyArray:
    """What stands before the sky in the new sky's light: AMBIENT of it came from the old one.

    Args:
        front: H x W x 3, its colors.
        image: H x W x 3, with the old sky.
        sky: H x W x 3, the new one.
        alpha: H x W, of the sky.
        strength: 0..1.

    Returns:
        H x W x 3 in the type of `front`.
    """
    step = max(1, max(alpha.shape) // 512)
    there = alpha[::step, ::step] > 0.9
    if not there.any():
        return front
    old, new = (srgb_to_linear(to_unit(x[::step, ::step][there])).mean(0) for x in (image, sky))
    gain = np.clip(new / np.maximum(old, 1e-3), *GAINS)
    factor = (1 + AMBIENT * strength * (gain - 1)).astype(np.float32)
    result = front.copy()
    for top in range(0, len(front), BLOCK):
        rows = np.s_[top : top + BLOCK]
        result[rows] = as_depth(linear_to_srgb(srgb_to_linear(to_unit(front[rows])) * factor), depth_of(front))
    return result


def _harmonized(front: AnyArray, sky: AnyArray, alpha: FloatArray, strength: float, context: Context) -> AnyArray:
    """The same in colors that the harmonizer gives it before the new sky."""
    network = color_parameters.network(context)
    mask = alpha < 1 - 1 / 255
    box = bounding_box(mask)
    if network is None or box is None:
        return front
    context.progress(0.7, "Comparing light and color", None)
    own, result = Encoded(front, False), front.copy()
    below = Surroundings(Encoded(sky, False), 0, 0)
    grid = color_parameters.predict_parameters(network, own, below, 1 - alpha, box, context)
    color_parameters.apply_parameters(grid, own, Encoded(result, False), mask, box, strength, context)
    return result
