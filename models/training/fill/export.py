"""Puts a trained inpainting network into models/zoo/weights and writes its card."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from models.papers.pconv import PartialConv2d
from models.training.core.card_file import publish
from models.training.core.checkpoint import export
from models.training.core.process import Process
from models.training.fill.evaluator import FillEvaluator
from models.training.fill.train import load, settings_of

CARD = """\
role = "inpainting"
builder = "pconv_unet"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
input_size = {input_size}
data = \"\"\"
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license); holes in the shapes of
the subjects of 4,690 (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated) and strokes. The loss, like
the feature distance below, is measured with SqueezeNet 1.0 (BSD). No image is part of the project.\"\"\"
limits = \"\"\"
Trained at {input_size} pixels a side: gives structure and color, not texture, which patches of the surroundings add at
full size. It makes up no objects: what it cannot guess it leaves smooth.\"\"\"

[settings]
width = {width}
depth = {depth}
smooth = {smooth}

[scores] # dev photographs at {input_size} px, two holes each, and Telea's filling on the same: L1 of 0..255 in the hole
{scores}
"""


def export_fill(weights: Path, name: str, data: Path, size: int, residual_scale: float = 1.0) -> str:
    """Copies `weights` to models/zoo/weights and writes the card of NAME to models/zoo/cards.

    Args:
        weights: an exported file of a run.
        name: of the card.
        data: the data folder.
        size: side in pixels of the images that are scored, and the card's input size.
        residual_scale: factor on what a `smooth` network adds to the smooth filling (its losses on features want more
            than the error does).

    Returns:
        The card's text.

    Raises:
        ValueError: the network adds nothing to a smooth filling, and a factor is given.
    """
    net = load(weights)
    if residual_scale != 1:
        if not net.smooth:
            raise ValueError("--residual-scale is for networks that add to a smooth filling (trained with --smooth)")
        last = cast(PartialConv2d, net.decoder[-1])
        last.weight.mul_(residual_scale)
        last.bias.mul_(residual_scale)
        weights = weights.with_name(f"scaled_{weights.name}")
        export(net, weights, settings_of(net))
    device = Process.start().device
    scores = FillEvaluator(data, size, device).score(net.to(device))
    return publish(
        weights,
        name,
        CARD,
        input_size=size,
        width=net.width,
        depth=net.depth,
        smooth=str(net.smooth).lower(),
        scores="\n".join(f"{key} = {value:.3f}" for key, value in scores.items()),
    )
