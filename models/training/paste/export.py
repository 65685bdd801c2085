"""Puts a trained copy-paste network into models/zoo/weights and writes its card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from models.training.core.card_file import publish
from models.training.core.process import Process
from models.training.paste.data import Blend, Difficulty
from models.training.paste.evaluator import PasteEvaluator, held_out_series
from models.training.paste.train import load

CARD = """\
role = "paste"
builder = "copy_paste"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
input_size = {input_size}
data = \"\"\"
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license) and 4,690 with subject
masks (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated), changed in color, light and shape as
Portenier et al. 2019 do. Trained from nothing. No image is part of the project.\"\"\"
limits = \"\"\"
Trained on crops of 160, then 224 pixels a side: detail and the outline come from the Poisson solution at full size.
Light is changed, shadows are not drawn; colors that the content has lost in black or white do not come back.\"\"\"

[settings]
{settings}

[scores] # {count} composites of the dev split at {side} px
{scores}
"""
INPUT_OF_SIDE = 1.3  # longest side looked at in use, of the side of the square crops trained on


def export_paste(weights: Path, name: str, data: Path, side: int, count: int, blend: Blend) -> str:
    """Copies `weights` to models/zoo/weights and writes the card of NAME to models/zoo/cards.

    Args:
        weights: an exported file of a run.
        name: of the card.
        data: a cache folder with the table `dev`.
        side: of the crops that it was trained on, in pixels.
        count: composites that are scored.
        blend: computes the Poisson solution for a network that takes it.

    Returns:
        The card's text.
    """
    net = load(weights).to(Process.start().device)
    series = held_out_series(data, side, count, Difficulty(), blend if net.config.poisson else None)
    scores = PasteEvaluator(series).score(net)
    return publish(
        weights,
        name,
        CARD,
        input_size=round(side * INPUT_OF_SIDE / 8) * 8,
        side=side,
        count=count,
        settings="\n".join(f"{key} = {str(value).lower()}" for key, value in asdict(net.config).items()),
        scores=f'"foreground error, share of the plain composite\'s" = {scores["ratio"]:.3f}',
    )
