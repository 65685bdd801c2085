"""Styles that the user has trained: codes beside those of the bundled network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from backend.imaging.arrays import AnyArray
from models.zoo import custom_styles
from plugin.client.messages import Job, Output

from .. import Context
from ..networks import CUSTOM, load_network
from .network import mixture, stroke_size, stylized
from .stylize import repainted, thumbnails

if TYPE_CHECKING:
    from models.networks.transformer_net import TransformerNet


def custom_previews(job: Job, context: Context) -> list[Output]:
    """The layer, small, in each of the custom styles: outputs named "STYLE: PAINTING".

    Those that were learned for another version of the network are left out.
    """
    found = []
    for name in custom_styles.names():
        try:
            painting = custom_styles.read(name).painting
        except custom_styles.CustomStyleError as error:
            context.notes.append(str(error))
            continue
        found.append((name, painting.replace(": ", " "), partial(_network, name, context)))
    return thumbnails(job.inputs["image"], found, context)


def _network(name: str, context: Context) -> TransformerNet:
    net: TransformerNet = load_network(CUSTOM + name, context).net
    return net


def style_custom(job: Job, context: Context) -> list[Output]:
    """The layer, or the region asked for, in a style of the user's own."""
    settings = job.parameters
    name = str(settings["name"])
    net = _network(name, context)
    weights = mixture(name, float(settings["strength"]) / 100)

    def paint(image: AnyArray, context: Context) -> AnyArray:
        return stylized(
            image, net, weights, stroke_size(settings, image), context,
            lambda fraction: context.progress(0.05 + 0.85 * fraction, "Painting", None),
        )  # fmt: skip

    return repainted(paint, name[:1].upper() + name[1:], str(settings["region"]), job, context)
