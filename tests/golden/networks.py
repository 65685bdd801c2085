"""What each bundled network says of the images made by formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.imaging.arrays import FloatArray
from models.imagenet import normalize
from models.networks.outline import outline_moments, outline_pairs
from models.networks.smooth_fill import smooth_fill
from models.zoo import cards, store
from tests.golden.images import ball, scene, tensor, waves
from tests.golden.references import small

WORST, MEAN = 0.01, 0.001  # of an output's range: other CPUs round otherwise, other weights differ by far more

Outputs = dict[str, Tensor]


def bundled() -> list[str]:
    """The names of the cards whose weights come along."""
    return [name for name in cards.names() if cards.find_card(name).bundled]


@torch.inference_mode()
def outputs(name: str) -> dict[str, FloatArray]:
    """Of the network `name`, averaged down. Raises KeyError where nobody has said what to ask it."""
    torch.manual_seed(0)
    net, _ = store.load(name)
    return {key: small(value[0].float().numpy()) for key, value in CASES[name](net).items()}


def _subject(net: Any) -> Outputs:
    image = normalize(tensor(scene(128, 160)))
    prompt = torch.zeros(1, 3, 128, 160)
    prompt[:, 0, 20:110, 40:120] = 1
    features = net.encode(image)
    return {"subject": net.subject(features), "classes": net.classes(features), "object": net.object(features, prompt)}


def _sky(net: Any) -> Outputs:
    return {"sky": net(normalize(tensor(scene(128, 160))))}


def _fill(net: Any) -> Outputs:
    image, hole = tensor(scene(128, 128)), torch.from_numpy(ball(128, 128))[None, None]
    known = (~hole).float()
    return {"added": (net(image, known) - smooth_fill(image, known)) * hole}


def _styles(net: Any) -> Outputs:
    image = tensor(scene(96, 128))
    return {style: net(image, net.code({style: 1.0})) for style in net.config.styles}


def _any_style(net: Any) -> Outputs:
    image, style = tensor(scene(96, 128)), tensor(waves(96, 96))
    return {"code": net.code(style)[:, None, None], "styled": net(image, style)}


def _features(net: Any) -> Outputs:
    layers = ("conv1_2", "conv3_1", "conv5_3")
    return {name: x[:, :16] for name, x in net(tensor(scene(96, 128)), layers).items()}


def _copy_paste(net: Any) -> Outputs:
    target = tensor(waves(96, 96))
    mask = torch.from_numpy(ball(96, 96))[None, None].float()
    source = tensor(scene(96, 96))
    pasted = source * mask + target * (1 - mask)
    poisson = (pasted + target) / 2 if net.config.poisson else None
    return {"added": net.residual(pasted, mask, poisson, torch.Generator().manual_seed(0)) * mask}


def _harmonizer(net: Any) -> Outputs:
    mask = torch.from_numpy(ball(128, 128))[None, None].float()
    composite = tensor(scene(128, 128)) * mask + tensor(waves(128, 128)) * (1 - mask)
    pairs = outline_pairs(mask[0, 0].numpy())
    places = np.column_stack(pairs.within).astype(np.float32) / 128
    image = composite[0].permute(1, 2, 0).numpy()
    moments = torch.from_numpy(outline_moments(image[pairs.within], image[pairs.without], places, 8))
    return {"parameters": net(composite, mask, moments[None])}


CASES: dict[str, Callable[[Any], Outputs]] = {
    "subject": _subject,
    "sky": _sky,
    "fill": _fill,
    "styles": _styles,
    "any_style": _any_style,
    "features": _features,
    "copy_paste": _copy_paste,
    "harmonizer": _harmonizer,
}
"""By the card's name."""
