"""Painting in the style of a layer by optimization: slow, thorough, and seen while it goes on."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from backend.imaging import Cancelled
from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import REC601, to_unit
from backend.imaging.downsample import reduced
from backend.io.rasters import as_depth, depth_of, from_array
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..networks import FEATURES, load_network
from ..public import note_used
from .arbitrary import style_tensor
from .stylize import repainted

if TYPE_CHECKING:
    from torch import Tensor

    from models.networks.feature_net import FeatureNet
    from models.papers.gatys import Step

PREVIEW = 512  # longer side of a preview, px
KEPT = "gatys kept"  # in the cache: what was painted last, and of what
QUIET = 0.1  # filters below this share of their layer's mean activation are not scaled up to one
BYTES = 4600  # a pixel of the image costs so many at VGG-16's width, features, gradients and history together


def style_gatys(job: Job, context: Context) -> list[Output]:
    """The layer, or the region asked for, painted in the style of the layer `style` step by step.

    What a cancelled job has painted stays in the worker's cache: a job that starts from `kept` goes on from there.
    """
    layer = job.inputs["image"]

    def paint(image: AnyArray, context: Context) -> AnyArray:
        return enlarged(_painted(image, layer, job, context), image)

    return repainted(paint, "Painting", str(job.parameters["region"]), job, context)


def enlarged(painted: FloatArray, image: AnyArray) -> AnyArray:
    """A painting, h x w x 3, 0..1, at the size and in the type of the image it was made of (H x W x 3).

    Where that is larger, the light of its finest detail, which the painting is too small to hold, is added.
    """
    size = (image.shape[1], image.shape[0])
    if painted.shape[:2] == image.shape[:2]:
        return as_depth(painted, depth_of(image))
    small = (painted.shape[1], painted.shape[0])
    blurred = cv2.resize(reduced(image, small), size, interpolation=cv2.INTER_CUBIC)
    detail = (to_unit(image) - to_unit(blurred)) @ REC601
    full = cv2.resize(painted, size, interpolation=cv2.INTER_CUBIC) + detail[..., None]
    return as_depth(np.clip(full, 0, 1).astype(np.float32), depth_of(image))


def _painted(image: AnyArray, layer: Raster, job: Job, context: Context) -> FloatArray:
    """h x w x 3, 0..1, no larger than the job's size."""
    from models.papers.gatys import GatysConfig, paint, suited

    settings, style = job.parameters, job.inputs["style"]
    start = str(settings["start"])
    key = (layer.digest(), style.digest())
    begun = _kept(key, context) if start == "kept" else None
    features, card = load_network(FEATURES, context)
    note_used(card, context)
    net: FeatureNet = copy.deepcopy(features)  # normalized for this pair of images
    photo = _photo(image, _side(int(settings["size"]), net, image, context)).to(context.device)
    painting = style_tensor(style, 2048).to(context.device)
    net.normalize([_looked_at(photo), _looked_at(painting)], QUIET)
    config = GatysConfig(
        style_weight=GatysConfig.style_weight * float(settings["strength"]) / 100,
        scale=float(settings["stroke"]) / 100,
        steps=int(settings["steps"]),
        start="content" if begun is not None else start,
    )
    steps = paint(net, photo, painting, suited(config, net), begun)
    return _followed(steps, key, layer, float(settings["limit"]), context)


def _followed(steps: Iterator[Step], key: Any, layer: Raster, limit: float, context: Context) -> FloatArray:
    """The last image. Raises Cancelled, having kept the best so far."""
    begun, image = time.monotonic(), None
    for step in steps:
        image = step.image
        context.cache[KEPT] = (key, image)
        if context.cancelled():
            raise Cancelled("The painting was stopped; what there was of it is kept for a while.")
        message = f"Painting, step {step.number} of {step.total}"
        context.progress(0.05 + 0.9 * step.number / step.total, message, _preview(image, layer))
        if limit and time.monotonic() - begun > limit:
            context.notes.append(f"Time was up after {step.number} of {step.total} steps.")
            break
    assert image is not None  # there is at least one step
    found: FloatArray = image[0].permute(1, 2, 0).float().cpu().numpy()
    return np.ascontiguousarray(found)


def _kept(key: Any, context: Context) -> Tensor:
    kept_key, image = context.cache.get(KEPT, (None, None))
    if image is None or kept_key != key:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "No painting of this layer in this style was stopped a moment ago.",
            "Start from the layer or from noise. What was stopped is kept for about a minute.",
        )
    found: Tensor = image.to(context.device)
    return found


def _side(wanted: int, net: FeatureNet, image: AnyArray, context: Context) -> int:
    """The longer side to paint at: what is asked for, and what memory allows where it was short."""
    longest, shortest = max(image.shape[:2]), min(image.shape[:2])
    if not context.budget:
        return wanted
    width = net.trunk.channels[0] / 64
    affordable = (context.budget / (BYTES * width) * longest / shortest) ** 0.5
    return max(64, min(wanted, int(affordable)))


def _photo(image: AnyArray, side: int) -> Tensor:
    import torch

    shrink = min(1.0, side / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
    unit = np.clip(to_unit(reduced(image, size)), 0, 1).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(unit))[None]


def _looked_at(image: Tensor) -> Tensor:
    """Small enough to measure activations on quickly."""
    from models.papers.gatys import resized

    shrink = min(1.0, 256 / max(image.shape[-2:]))
    height, width = (max(16, round(n * shrink)) for n in image.shape[-2:])
    return resized(image, (height, width))


def _preview(image: Tensor, layer: Raster) -> Raster:
    shown: FloatArray = image[0].permute(1, 2, 0).float().cpu().numpy()
    shrink = min(1.0, PREVIEW / max(shown.shape[:2]))
    if shrink < 1:
        size = max(1, round(shown.shape[1] * shrink)), max(1, round(shown.shape[0] * shrink))
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    return from_array(as_depth(np.ascontiguousarray(shown), "u8"), x=layer.x, y=layer.y)
