"""Puts a trained feature network, or the network that takes any image as the style, into models/zoo/weights with its
card. The scores are those that the run has measured of these weights."""

from __future__ import annotations

from pathlib import Path

from models.training.core.card_file import publish
from models.training.core.checkpoint import read_scores, read_settings

HEAD = """\
role = "{role}"
builder = "{builder}"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later"
"""

FEATURES = """\
data = \"\"\"
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated license), on which it was taught
by SqueezeNet 1.0 (BSD) and MobileNetV2 (Apache-2.0), both trained on ImageNet. No image is part of the project.\"\"\"
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
with SqueezeNet 1.0 (BSD). No image is part of the project.\"\"\"
limits = \"\"\"
Takes colors, contrast and strokes of a style image, not what it shows; styles unlike any painting or photograph are
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
    """Copies `weights` (an exported file of a run) to models/zoo/weights and writes the card of NAME; returns the
    card's text. Raises ValueError where the weights were never scored."""
    return _write(weights, name, "features", "feature_net", FEATURES)


def export_any_style(weights: Path, name: str = "any_style") -> str:
    """The same for the network that takes any image as the style."""
    return _write(weights, name, "style", "any_style", ANY_STYLE)


def _write(weights: Path, name: str, role: str, builder: str, body: str) -> str:
    settings, found = read_settings(weights), read_scores(weights)
    if not found:
        raise ValueError(f"{weights} was never scored: take best.safetensors, or ema.safetensors of a run that ended")
    kept = ", ".join(settings.get("held_out", ()))
    settings["held_out"] = f".\nNot learned: {kept}" if kept else ""
    scores = "\n".join(f"{key} = {found[key]:.3f}" for key in ("learned", "gram", "content") if key in found)
    return publish(weights, name, HEAD + body, role=role, builder=builder, scores=scores, **settings)
