"""Any other layer as the style, in one pass of the bundled network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backend.imaging.arrays import AnyArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..networks import load_network
from .network import mixture, stroke_size, stylized
from .stylize import opaque, repainted

if TYPE_CHECKING:
    from torch import Tensor

    from models.networks.style_predictor import AnyStyle
    from models.networks.transformer_net import TransformerNet

NAME = "any_style"  # of the card
SMALLEST_STYLE = 16  # px: a style image smaller than that says nothing


def style_layer(job: Job, context: Context) -> list[Output]:
    """The layer, or the region asked for, in the style of the layer `style`."""
    from models.networks.style_predictor import STYLE_IMAGE

    settings = job.parameters
    weights = mixture(STYLE_IMAGE, float(settings["strength"]) / 100)
    net = painter(job.inputs["style"], context)

    def paint(image: AnyArray, context: Context) -> AnyArray:
        return stylized(
            image, net, weights, stroke_size(settings, image), context,
            lambda fraction: context.progress(0.05 + 0.85 * fraction, "Painting", None),
        )  # fmt: skip

    return repainted(paint, "Style of a layer", str(settings["region"]), job, context)


def painter(style: Raster, context: Context) -> TransformerNet:
    """The transformation network that has read its style off a layer; kept for the last such layer.

    Raises OperationError when the layer is too small, or the network's weights are missing.
    """
    key = (NAME, style.digest(), context.device)
    kept: tuple[object, TransformerNet] | None = context.cache.get("painter")
    if kept is None or kept[0] != key:
        from models.networks.style_predictor import SIDE

        net: AnyStyle = load_network(NAME, context).net
        kept = (key, net.painter(style_tensor(style, SIDE).to(context.device)))
        context.cache["painter"] = kept
    return kept[1]


def style_tensor(style: Raster, shorter_side: int = 0) -> Tensor:
    """The opaque colors of a style layer, 1 x 3 x h x w, 0..1, reduced to a shorter side (0: as it is).

    Raises OperationError when it is too small to have a style.
    """
    import torch

    if min(style.width, style.height) < SMALLEST_STYLE:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            f"A style of {style.width} x {style.height} pixels is too small.",
            f"Take a layer of at least {SMALLEST_STYLE} pixels each way.",
        )
    image = opaque(style)
    shrink = min(1.0, shorter_side / min(image.shape[:2])) if shorter_side else 1.0
    if shrink < 1:
        image = reduced(image, (round(style.width * shrink), round(style.height * shrink)))
    unit = np.ascontiguousarray(np.clip(to_unit(image), 0, 1).transpose(2, 0, 1))
    return torch.from_numpy(unit)[None]
