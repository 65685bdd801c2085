"""Styles that the user has trained: codes beside those of the bundled network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.imaging.arrays import AnyArray
from plugin.client.messages import Job, Output

from .. import Context
from ..networks import CUSTOM, load_network
from .network import mixture, stroke_size, stylized
from .stylize import repainted

if TYPE_CHECKING:
    from models.networks.transformer_net import TransformerNet


def style_custom(job: Job, context: Context) -> list[Output]:
    """The layer, or the region asked for, in a style of the user's own."""
    settings = job.parameters
    name = str(settings["name"])
    net: TransformerNet = load_network(CUSTOM + name, context).net
    weights = mixture(name, float(settings["strength"]) / 100)

    def paint(image: AnyArray, context: Context) -> AnyArray:
        return stylized(
            image, net, weights, stroke_size(settings, image), context,
            lambda fraction: context.progress(0.05 + 0.85 * fraction, "Painting", None),
        )  # fmt: skip

    return repainted(paint, name.capitalize(), str(settings["region"]), job, context)
