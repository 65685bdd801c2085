"""Puts a trained style network into models/zoo/weights and writes its card, with its scores on photos/dev."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from models.networks.transformer_net import TransformerNet, transformer_net
from models.training.core.card_file import publish
from models.training.core.checkpoint import load_weights, read_settings
from models.training.core.process import Process
from models.training.style.data import scoring_photos
from models.training.style.scores import Score, mean_score, painting_grams, score
from models.training.style.train import load_loss_network
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

CARD = """\
role = "style"
builder = "transformer_net"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
data = \"\"\"
Styles: faithful reproductions of paintings in the public domain: {paintings}.
Photographs: 3,011 (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license). The losses are measured
with SqueezeNet 1.0 (BSD). Trained from nothing. No image is part of the project.\"\"\"
limits = \"\"\"
Strokes are as large as in a painting of 384 pixels, whatever the image's size; larger ones are painted on a smaller
copy. Faces stay readable in most styles, hardly in scream; small ones less so.\"\"\"

[settings]
styles = {styles}
width = {width}
blocks = {blocks}

[scores] # relative Gram loss and relative content loss on {count} photographs at 384 px; photograph: not repainted
{scores}
"""


def load(weights: Path) -> TransformerNet:
    """An exported network of a run, in single precision."""
    net = transformer_net(**read_settings(weights))
    net.load_state_dict(load_weights(weights))
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def measure(net: TransformerNet, data: Path, every: int = 1) -> dict[str, Score]:
    """The scores of a network on each so-many-th image of photos/dev of a data folder."""
    process = Process.start()
    loss_network = load_loss_network("squeezenet", data).to(process.device).to(memory_format=torch.channels_last)
    styles = [name for name in net.config.styles if name != PHOTOGRAPH]
    grams = painting_grams(loss_network, data / "styles", styles, process.device)
    return score(net.to(process.device), loss_network, grams, scoring_photos(data / "photos" / "dev", every), process)


def export_styles(weights: Path, data: Path, name: str = "styles", every: int = 1) -> str:
    """Copy `weights` to models/zoo/weights and write the card of NAME to models/zoo/cards; returns the card as text.

    data: the data folder, with photos/dev, styles/ and reference/.
    """
    net = load(weights)
    scores = measure(net, data, every)
    means = mean_score(scores)
    rows = [*scores.items(), ("mean", means)]
    return publish(
        weights,
        name,
        CARD,
        paintings=";\n".join(PRESETS[style].painting for style in scores if style != PHOTOGRAPH),
        styles=json.dumps(net.config.styles),
        width=net.config.width,
        blocks=net.config.blocks,
        count="36" if every == 1 else f"1/{every} of 36",
        scores="\n".join(
            f'"{style} {what}" = {value:.3f}'
            for style, pair in rows
            for what, value in zip(("gram", "content"), pair, strict=True)
        ),
    )
