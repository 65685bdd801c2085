"""Styles that the person has trained: codes beside those of the bundled network."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.io.rasters import Pixels
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from .network import mixture, network, stylized
from .stylize import repainted

if TYPE_CHECKING:
    from models.networks.transformer_net import TransformerNet


def style_own(job: Job, context: Context) -> list[Output]:
    """The layer, or the region asked for, in a style of the person's own."""
    settings = job.parameters
    name = str(settings["name"])
    net = _with_style(network(context), name)
    weights = mixture(name, float(settings["strength"]) / 100)

    def paint(image: Pixels, context: Context) -> Pixels:
        return stylized(
            image, net, weights, float(settings["stroke"]) / 100, context,
            lambda fraction: context.progress(0.05 + 0.85 * fraction, "Painting", None),
        )  # fmt: skip

    return repainted(paint, name.capitalize(), str(settings["region"]), job, context)


def _with_style(net: TransformerNet, name: str) -> TransformerNet:
    """The network with one more code. Raises OperationError when there is no such style, or it is for another one."""
    import torch

    from models.zoo import custom_styles

    try:
        code = custom_styles.read(name).code
    except custom_styles.OwnStyleError as error:
        raise OperationError(
            ErrorCode.BAD_INPUT, str(error), "Train one with `inlay train-style PAINTING --name NAME --photos FOLDER`."
        ) from None
    extended = copy.deepcopy(net)
    extended.config = replace(net.config, styles=(*net.config.styles, name))
    extended.codes = torch.nn.Parameter(torch.cat([net.codes, code.to(net.codes)]), requires_grad=False)
    return extended
