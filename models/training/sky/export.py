"""Puts trained weights of the sky network into models/zoo/weights and writes their card, with scores measured on the
images kept from training."""

from __future__ import annotations

from pathlib import Path

from models.networks.sky import SkyNet
from models.training.core.card_file import publish
from models.training.core.checkpoint import load_weights
from models.training.core.process import Process
from models.training.sky.scores import SkyEvaluator

CARD = """\
role = "sky"
builder = "sky_net"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later; encoder started from MobileNetV2 (Apache-2.0), every layer trained on"
input_size = {input_size}
data = \"\"\"
{data}\"\"\"
limits = \"\"\"
Sees {input_size} pixels a side: branches and masts need the refinement at full size. Finds a sky in one of six images
without one, mostly in blurred bright walls and backgrounds; misses some behind dense branches, through gates, in dark
clouds. Skies at night were made by darkening.\"\"\"

[scores] # {skies} images with a sky and {others} without one, kept from training, at {input_size} px, unrefined
"mean IoU" = {iou:.3f}
"median IoU" = {median:.3f}
"found in images without a sky, share of them" = {alarms:.3f}
"""
DATA = """\
Photographs (permissive, Creative Commons, research and unstated licenses), {skies} with a sky and {others} without one;
the sky taught by skysegsmall (MIT; xiongzhu666/Sky-Segmentation-and-Post-processing), whose masks were looked at; skies
swapped, cut-outs (unstated license) put before them, darkened. No image is part of the project."""


def load(path: Path) -> SkyNet:
    """An exported network, ready to predict, in single precision."""
    net = SkyNet()
    net.load_state_dict(load_weights(path), strict=False)
    return net.eval()


def export_sky(weights: Path, name: str, data: Path, size: int, every: int = 1) -> str:
    """Copies `weights` to models/zoo/weights and writes the card of NAME to models/zoo/cards.

    Args:
        weights: an exported file of a run.
        name: of the card.
        data: a cache folder with the table `sky`.
        size: side in pixels of the images that are scored, and the card's input size.
        every: each so-many-th image is scored.

    Returns:
        The card's text.
    """
    process = Process.start()
    evaluator = SkyEvaluator(data, size, every, process)
    scores = evaluator.score(load(weights).to(process.device))
    return publish(
        weights,
        name,
        CARD,
        input_size=size,
        data=DATA.format(**evaluator.learned()),
        **evaluator.counts(),
        iou=scores["iou"],
        median=scores["median iou"],
        alarms=scores["false alarms"],
    )
