"""Puts a trained inpainting network into models/zoo/weights and writes its card."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from models.papers.pconv import PartialConv2d
from models.training.core.card_file import publish
from models.training.core.run import Process
from models.training.fill.train import Judge, Settings, export, load

CARD = """\
task = "fill"
builder = "pconv_unet"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
input_size = {input_size}
data = \"\"\"
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license); holes in the shapes of
the subjects of 4,690 (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated) and strokes. The loss, like
the feature distance below, is measured with SqueezeNet 1.0 (BSD). No picture is part of the project.\"\"\"
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


def export_fill(weights: Path, name: str, data: Path, size: int, shrink: float = 1.0) -> str:
    """Copy `weights` to models/zoo/weights and write the card of NAME to models/zoo/cards; returns the card as text.

    data: the data folder; size: picture side in pixels of the scores and the card's input size; shrink: factor on what
    a `smooth` network adds to the smooth filling (its losses on features want more than the error does).
    """
    net = load(weights)
    if shrink != 1:
        if not net.smooth:
            raise ValueError("only a network that starts from a smooth filling can be shrunk towards it")
        last = cast(PartialConv2d, net.decoder[-1])
        last.weight.mul_(shrink)
        last.bias.mul_(shrink)
        weights = weights.with_name(f"shrunk_{weights.name}")
        export(net, weights)
    scores = Judge(Settings(data, weights.parent, size=size), Process.start().device).scores(net)
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
