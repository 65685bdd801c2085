"""Puts trained weights into models/zoo/weights and writes their card, with scores measured on the images kept for
choosing."""

from __future__ import annotations

from pathlib import Path

from models.training.core.card_file import publish
from models.training.core.process import Process
from models.training.segmentation.scores import score
from models.training.segmentation.subject import load

CARD = """\
role = "subject"
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
No image is part of the project.\"\"\"
limits = \"\"\"
Sees {input_size} pixels a side: thin parts need the refinement at full size. Trained mostly on people, animals, flowers
and common things; of a scene without a subject the answer is a guess. 21 PASCAL classes at stride 8.\"\"\"

[scores] # mean IoU on {share} of the dev split at {input_size} px, unrefined: subject; object from a rough box or lasso
{scores}
"""


def export_subject(weights: Path, name: str, data: Path, size: int, every: int = 1) -> str:
    """Copies `weights` to models/zoo/weights and writes the card of NAME to models/zoo/cards.

    Args:
        weights: an exported file of a run.
        name: of the card.
        data: a cache folder with the table `dev`.
        size: side in pixels of the images that are scored, and the card's input size.
        every: each so-many-th image is scored.

    Returns:
        The card's text.
    """
    process = Process.start()
    scores = score(load(weights).to(process.device), data, size, process, every)
    return publish(
        weights,
        name,
        CARD,
        input_size=size,
        share="all" if every == 1 else f"1/{every}",
        scores="\n".join(f'"{key}" = {value:.3f}' for key, value in scores.items()),
    )
