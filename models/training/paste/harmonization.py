"""Trains the harmonizer (models/networks/harmonizer.py): recolored objects turned back into what they were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.harmonizer import Harmonizer, color_transform
from models.training.core.card_file import publish
from models.training.core.checkpoint import load_weights
from models.training.core.config import RunConfig
from models.training.core.loading import batches
from models.training.core.loop import Loop
from models.training.core.process import Process
from models.training.paste.losses import foreground_mean
from models.training.paste.objects import ObjectSamples, stacked

ENCODER = ("stem.", "blocks.")
FLOOR = 4e-4  # added to the squared error: below about five levels of 255 less is gained by less error
SQUARED = 1.5  # weight of the mean squared error beside its root

CARD = """\
role = "harmonizer"
builder = "harmonizer"
file = "{file}"
sha256 = "{sha256}"
size = {size}
license = "GPL-3.0-or-later; encoder started from Inlay's subject network, itself from MobileNetV2 (Apache-2.0), every layer trained on"
input_size = 128
data = \"\"\"
4,690 photographs with subject masks (924 permissive, 1,475 Creative Commons, 722 research, 1,569 unstated license) and
3,011 photographs (110 permissive, 687 Creative Commons, 2,000 research, 214 unstated), objects and random shapes in them
recolored. No image is part of the project.\"\"\"
limits = \"\"\"
Sees 128 pixels a side. Color and light change smoothly, shadows are not drawn; colors that the content has lost in black
or white do not come back. What is meant to look odd, a green cat, may come out less so.\"\"\"

[scores] # {count} recolored objects of the dev split
"foreground error, share of the plain composite's" = {share:.3f}
"worse than the plain composite, share of the cases" = {worse:.3f}
"""  # noqa: E501  # a card's line


@dataclass(frozen=True, kw_only=True)
class HarmonizationConfig(RunConfig):
    """Train the harmonizer."""

    data: Path
    """a cache folder"""
    init: Path | None = None
    """an exported harmonizer to start from, or a subject network, whose encoder is taken"""
    batch: int = 16
    """images a process and step"""
    lr: float = 1.2e-3
    """peak learning rate"""
    encoder_share: float = 0.35
    """of the learning rate, for the encoder"""
    weight_decay: float = 0.08
    """of all weights"""
    scored: int = 256
    """held-out composites a score is the mean of"""


def initial(config: HarmonizationConfig) -> Harmonizer:
    """The network to train. Raises ValueError on weights that do not fit."""
    torch.manual_seed(config.seed)
    net = Harmonizer()
    if config.init is None:
        return net
    state = load_weights(config.init)
    if any(name.startswith("encoder.blocks.") for name in state):
        state = _encoder_of(state, len(net.blocks))
    unexpected = net.load_state_dict(_widened(state, net), strict=False).unexpected_keys
    if unexpected:
        raise ValueError(f"{config.init} is no harmonizer and no subject network: it has {unexpected[0]}")
    return net


def losses(net: torch.nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Root and mean squared error under the mask, every object counting alike, whatever its size."""
    image, source, mask = batch["image"], batch["source"], batch["mask"]
    parameters = net(source * mask + image * (1 - mask), mask, batch["moments"])
    result = color_transform(parameters.float(), source)
    squared = foreground_mean((result - image).square(), mask)
    root = (squared + FLOOR).sqrt().mean()
    return {"loss": root + SQUARED * squared.mean(), "root": root, "l2": squared.mean()}


class HarmonizationEvaluator:
    """Errors on a fixed batch of composites: as a share of the plain composite's, and how often they are larger."""

    shared = False

    def __init__(self, batch: dict[str, Tensor]) -> None:
        self.batch = batch

    def score(self, net: Harmonizer) -> dict[str, float]:
        """ratio: the mean squared error under the mask over the plain composite's; worse: share of the cases."""
        parts = tuple(self.batch[name] for name in ("image", "source", "mask", "moments"))
        image, source, mask, _ = parts
        device = next(net.parameters()).device
        errors, plain = [], foreground_mean((source - image).square(), mask)
        for start in range(0, len(image), 16):
            i, s, m, outline = (x[start : start + 16].to(device) for x in parts)
            with torch.no_grad():
                result = color_transform(net(s * m + i * (1 - m), m, outline), s).clamp(0, 1)
            errors.append(foreground_mean((result - i).square(), m).cpu())
        found = torch.cat(errors)
        return {"ratio": float(found.mean() / plain.mean()), "worse": float((found > plain).float().mean())}

    def objective(self, scores: dict[str, float]) -> float:
        """The share of the error that is left."""
        return scores["ratio"]


def held_out_batch(data: Path, count: int) -> dict[str, Tensor]:
    """Always the same composites of photographs that are never trained on."""
    return stacked(ObjectSamples(data, 0, "dev", None).series(count))


def train(config: HarmonizationConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    net = initial(config).to(process.device).to(memory_format=torch.channels_last)
    encoder = [p for name, p in net.named_parameters() if name.startswith(ENCODER)]
    others = [p for name, p in net.named_parameters() if not name.startswith(ENCODER)]
    groups = [{"params": encoder, "lr": config.encoder_share * config.lr}, {"params": others, "lr": config.lr}]
    loop = Loop(
        net,
        torch.optim.AdamW(groups, weight_decay=config.weight_decay, betas=(0.9, 0.98)),
        process,
        config,
        evaluator=HarmonizationEvaluator(held_out_batch(config.data, config.scored)) if process.first else None,
    )
    samples = batches(ObjectSamples(config.data, process.seed(config.seed + loop.step)), config)
    for _ in loop:
        batch = {name: value.to(process.device, non_blocking=True) for name, value in next(samples).items()}
        with loop.autocast():
            found = losses(loop.forward, batch)
        loop.update(found)
    return loop.scores


def export_harmonizer(weights: Path, name: str, data: Path, count: int) -> str:
    """Copies `weights` to models/zoo/weights and writes the card of NAME; returns the card's text."""
    net = Harmonizer()
    net.load_state_dict(load_weights(weights))
    scores = HarmonizationEvaluator(held_out_batch(data, count)).score(net.eval())
    return publish(weights, name, CARD, count=count, share=scores["ratio"], worse=scores["worse"])


def _widened(state: dict[str, Tensor], net: Harmonizer) -> dict[str, Tensor]:
    """Weights of a network that saw less, with nothing for the inputs that it did not have."""
    wanted = net.state_dict()
    for name in ("statistics.0.weight", "cells.weight"):
        if name in state and (missing := wanted[name].shape[1] - state[name].shape[1]) > 0:
            state[name] = F.pad(state[name], (0, missing))
    return state


def _encoder_of(state: dict[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """The first blocks of a subject network's encoder under the harmonizer's names."""
    found = {}
    for key, value in state.items():
        if key.startswith("encoder.blocks."):
            number, rest = key.removeprefix("encoder.blocks.").split(".", 1)
            if number == "0":
                found[f"stem.{rest.split('.', 1)[1]}"] = value
            elif int(number) <= blocks:
                found[f"blocks.{int(number) - 1}.{rest}"] = value
    return found
