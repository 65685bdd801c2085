"""Select Sky: what the sky network takes for sky, its edge made exact between branches, masts and roofs."""

from __future__ import annotations

import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray, UInt8Array
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from backend.imaging.matting import refine
from plugin.client.image import Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..context import OperationError
from ..masks import nothing_found
from ..networks import load_network
from ..public import probability_map, public_card
from .classical import output
from .perception import SAME, cached_rgb_image, inference

NAME = "sky"  # of the card
LEAST = 0.005  # share of the layer: with less sky than this there is none
BRANCHES = 2.5  # half the width of the unknown band, in network pixels: trees stand along much of it


def select_sky(job: Job, context: Context) -> list[Output]:
    """The sky of the layer. Raises OperationError where there is none."""
    layer = job.inputs["image"]
    mask = np.zeros((layer.height, layer.width), np.uint8)
    write_sky(layer, cached_rgb_image(layer, context), job, context, mask)
    return [output(mask, job, layer, "Sky")]


def sky_alpha(layer: Raster, job: Job, context: Context) -> FloatArray:
    """Alpha of the layer's sky, H x W. Raises OperationError where there is none."""
    alpha = np.zeros((layer.height, layer.width), np.float32)
    write_sky(layer, cached_rgb_image(layer, context), job, context, alpha)
    return alpha


def write_sky(layer: Raster, pixels: AnyArray, job: Job, context: Context, out: UInt8Array | FloatArray) -> None:
    """Writes the sky into `out`, H x W: 0..1, or 0..255 in u8.

    The matting sees what stands before the sky as its object, for that is what is thin: its strands reach into the sky.

    Args:
        layer: the image.
        pixels: its colors, H x W x 3.
        job: with the parameters `edge` and `high_quality`, where it has them.
        context: of the job.
        out: what is written.

    Raises:
        OperationError: there is no sky.
    """
    high_quality = job.parameters.get("high_quality") is True
    context.progress(0.1, "Looking for the sky", None)
    probability = sky_probability(layer, pixels, context)
    if float((probability > 0.5).mean()) < LEAST:
        raise no_sky()
    context.progress(0.4, "Following the edges", None)
    refine.refine(
        pixels,
        1 - probability,
        edge="hard" if job.parameters.get("edge") == "hard" else "soft",
        quality="fine" if high_quality else "fast",
        band=BRANCHES,
        out=out,
        progress=lambda fraction: context.progress(0.4 + 0.6 * fraction, "Following the edges", None),
        cancelled=context.cancelled,
    )
    np.subtract(out.dtype.type(255 if out.dtype == np.uint8 else 1), out, out=out)


def sky_probability(layer: Raster, pixels: AnyArray, context: Context) -> FloatArray:
    """Probability of being sky over the whole layer, in another size where a public network gives it: the mean of the
    answers to the image and to the mirrored one.

    Args:
        layer: the image.
        pixels: its colors, H x W x 3.
        context: of the job.

    Returns:
        S x S, 0..1.
    """
    if (public := public_card("sky", context)) is not None:
        return probability_map(public, pixels, layer.digest(), context)
    import torch

    net, card = load_network(NAME, context)
    unit = to_unit(reduced(pixels, (card.input_size, card.input_size)))
    if np.ptp(unit, axis=(0, 1)).max() < SAME:  # all of one color
        return np.zeros(unit.shape[:2], np.float32)
    normalized = (unit - np.array(card.mean, np.float32)) / np.array(card.std, np.float32)
    image = torch.from_numpy(normalized.transpose(2, 0, 1)[None].astype(np.float32)).to(context.device)
    both = torch.cat([image, image.flip(3)]).contiguous(memory_format=torch.channels_last)
    with inference(context):
        straight, mirrored = net(both).float().sigmoid()[:, 0]
    answer: FloatArray = ((straight + mirrored.flip(1)) / 2).cpu().numpy()
    return answer


def no_sky() -> OperationError:
    """There is no sky in the layer."""
    error = nothing_found("sky")
    error.remedy = "Select it by hand, with Select Object for example, if there is one."
    return error
