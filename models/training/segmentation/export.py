"""Puts trained weights into models/zoo/weights and writes their card, with scores measured on the pictures kept for
choosing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from models.training.core.card_file import publish
from models.training.core.run import Process
from models.training.paste import train
from models.training.paste.data import Blend, Difficulty
from models.training.segmentation.scores import score
from models.training.segmentation.subject import load

CARD = """\
task = "subject"
builder = "subject_net"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later; encoder started from MobileNetV2 (Apache-2.0), every layer trained on"
input_size = {input_size}
data = \"\"\"
4,690 photographs with subject masks (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated license);
321 cut-outs (unstated) on 3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated), 525
of these also with subjects on which two reference networks agree, 230 with DeepLab's people in a scene, 611 with the
subject of which earlier weights of this network were sure; classes taught by DeepLabV3-MobileNetV2 (Apache-2.0).
No picture is part of the project.\"\"\"
limits = \"\"\"
Sees {input_size} pixels a side: thin parts need the refinement at full size. Trained mostly on people, animals, flowers
and common things; of a scene without a subject the answer is a guess. 21 PASCAL classes at stride 8.\"\"\"

[scores] # mean IoU on {share} of the dev split at {input_size} px, unrefined: subject; object from a rough box or lasso
{scores}
"""


def export_subject(weights: Path, name: str, data: Path, size: int, every: int = 1) -> str:
    """Copy `weights` to models/zoo/weights and write the card of NAME to models/zoo/cards; returns the card as text.

    data: a cache folder with the table `dev`; size: picture side in pixels of the scores and the card's input size.
    """
    scores = score(load(weights), data, size, Process.start(), every)
    return publish(
        weights,
        name,
        CARD,
        input_size=size,
        share="all" if every == 1 else f"1/{every}",
        scores="\n".join(f'"{key}" = {value:.3f}' for key, value in scores.items()),
    )


PASTE_CARD = """\
task = "paste"
builder = "copy_paste"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
input_size = {input_size}
data = \"\"\"
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license) and 4,690 with subject
masks (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated), changed in color, light and shape as
Portenier et al. 2019 do. Trained from nothing. No picture is part of the project.\"\"\"
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
    """Like `export_subject`, for a copy-paste network.

    side: of the crops that it was trained on, in pixels; count: composites scored; blend: Poisson cloning.
    """
    net = train.load(weights)
    series = train.held_out_series(data, side, count, Difficulty(), blend if net.config.poisson else None)
    scores = train.score(net, series, Process.start().device)
    return publish(
        weights,
        name,
        PASTE_CARD,
        input_size=round(side * INPUT_OF_SIDE / 8) * 8,
        side=side,
        count=count,
        settings="\n".join(f"{key} = {str(value).lower()}" for key, value in asdict(net.config).items()),
        scores=f'"foreground error, share of the plain composite\'s" = {scores["ratio"]:.3f}',
    )
