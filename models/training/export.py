"""Puts trained weights into models/weights and writes their card, with scores measured on the pictures kept for
choosing."""

from __future__ import annotations

import shutil
from pathlib import Path

from models import cards, store
from models.training.run import Process
from models.training.subject import load
from models.training.subject_scores import score

CARD = """\
task = "subject"
builder = "subject_net"
file = "{file}"
sha256 = "{sha256}"
size = {size}
licence = "GPL-3.0-or-later; encoder started from MobileNetV2 (Apache-2.0), every layer trained on"
input_size = {input_size}
data = \"\"\"
4,690 photographs with subject masks (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated licence);
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
    """Copies `weights` to models/weights/NAME.safetensors and writes models/cards/NAME.toml; returns the card's text.

    data: a cache folder with the table `dev`; size: picture side in pixels of the scores and the card's input size.
    """
    scores = score(load(weights), data, size, Process.start(), every)
    target = store.WEIGHTS / f"{name}.safetensors"
    shutil.copyfile(weights, target)
    text = CARD.format(
        file=target.name,
        sha256=store.sha256_of(target),
        size=target.stat().st_size,
        input_size=size,
        share="all" if every == 1 else f"1/{every}",
        scores="\n".join(f'"{key}" = {value:.3f}' for key, value in scores.items()),
    )
    (cards.FOLDER / f"{name}.toml").write_text(text, encoding="utf-8")
    return text
