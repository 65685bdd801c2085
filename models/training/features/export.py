"""Puts a trained feature network, or the network that takes any picture as the style, into models/zoo/weights with its
card. Scores are the last ones of the run's scores.csv."""

from __future__ import annotations

import csv
from pathlib import Path

from safetensors import safe_open

from models.training.core.card_file import publish

HEAD = """\
task = "{task}"
builder = "{builder}"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
"""

FEATURES = """\
data = \"\"\"
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license), on which it was taught
by SqueezeNet 1.0 (BSD) and MobileNetV2 (Apache-2.0), both trained on ImageNet. No picture is part of the project.\"\"\"
limits = \"\"\"
VGG-16's shape with a part of its channels: for losses on features and Gatys' optimization, and a start for the papers'
segmentation networks. It is no classifier.\"\"\"

[settings]
width = {width}

[scores] # share of the teachers' variance that was learned, and relative difference of Gram matrices, dev photographs
{scores}
"""

ANY_STYLE = """\
data = \"\"\"
Styles: crops and recolorings of public-domain paintings, and the photographs{held_out}.
Photographs: 3,011 (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license). The losses are measured
with SqueezeNet 1.0 (BSD). No picture is part of the project.\"\"\"
limits = \"\"\"
Takes colors, contrast and strokes of a style picture, not what it shows; styles unlike any painting or photograph are
met less well than by optimization.\"\"\"

[settings]
width = {width}
blocks = {blocks}
encoder_width = {encoder_width}
bottleneck = {bottleneck}

[scores] # relative Gram and content loss on pairs that were not learned, at 256 px
{scores}
"""


def export_features(weights: Path, name: str = "features") -> str:
    """Copies `weights` (features.safetensors of a run) to models/zoo/weights/NAME.safetensors and writes the card."""
    return _write(weights, name, "trunk", "feature_net", FEATURES)


def export_any_style(weights: Path, name: str = "any_style") -> str:
    """The same for any_style.safetensors of a run."""
    return _write(weights, name, "style", "any_style", ANY_STYLE)


def _write(weights: Path, name: str, task: str, builder: str, body: str) -> str:
    with safe_open(weights, "pt") as file:
        facts = dict(file.metadata())
    kept = facts.get("held_out", "[]").strip("[]")
    facts["held_out"] = f".\nNot learned: {kept.replace(chr(34), '')}" if kept else ""
    with (weights.parent / "scores.csv").open(newline="") as rows:
        last = list(csv.DictReader(rows))[-1]
    wanted = {key: last[key] for key in ("learned", "gram", "content") if key in last}
    scores = "\n".join(f"{key} = {float(value):.3f}" for key, value in wanted.items())
    return publish(weights, name, HEAD + body, task=task, builder=builder, scores=scores, **facts)
