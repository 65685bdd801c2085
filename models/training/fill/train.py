"""Trains the inpainting network (models/papers/pconv.py) as section 3.3 of its paper says: a first phase, and a second
with a smaller rate and the encoder's batch normalization frozen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from models.papers.pconv import PConvUNet
from models.training.core.perceptual import SQUEEZENET_SCORE, FeatureNetwork, feature_distance
from models.training.core.run import Average, Clock, Process, append_row, autocast, one_cycle, save_atomically
from models.training.fill.data import Cached, Folder, HoleSamples, held_out
from models.training.fill.losses import LossWeights, composed, inpainting_losses, weighted
from models.training.fill.masks import Outlines


@dataclass(frozen=True)
class Settings:
    """One run. data: holds photos/train, photos/dev, subjects/train, reference; out: the run's folder; cache: a folder
    with the tables `photos` and `subjects`, instead of those to train on; minutes or steps: the run's length."""

    data: Path
    out: Path
    cache: Path | None = None
    minutes: float | None = None
    steps: int | None = None
    width: int = 64
    depth: int = 8
    smooth: bool = False  # the network also sees the hole filled smoothly
    size: int = 512
    batch: int = 6
    rate: float = 2e-4
    fine_rate: float = 5e-5
    cycle: bool = False  # the rate rises and falls over the run instead, to `rate` and to nothing
    fine_from: float = 0.7  # share of the run after which the second phase begins
    weights: LossWeights = field(default_factory=LossWeights)
    loss_network: str = "squeezenet"  # or vgg16, the paper's
    bf16: bool = True
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 4.0
    score_minutes: float = 10.0


def loss_network(settings: Settings) -> FeatureNetwork:
    """The paper's VGG-16 where its weights were fetched and it is asked for, else SqueezeNet."""
    if settings.loss_network == "vgg16":
        return FeatureNetwork.vgg16()
    return FeatureNetwork.squeezenet(settings.data / "reference/squeezenet1_0.safetensors")


class Judge:
    """L1 in the hole (0..255) and feature distance of composed pictures, on fixed crops and holes of the dev
    photographs, and those of Telea's filling beside them."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        weights = settings.data / "reference/squeezenet1_0.safetensors"
        self.features = FeatureNetwork.squeezenet(weights, SQUEEZENET_SCORE).to(device)
        photos, outlines = settings.data / "photos/dev", settings.data / "subjects/dev/masks"
        self.samples = held_out(Folder(photos), Folder(outlines, masks=True), settings.size)
        self.device = device
        self.telea = self._mean(_telea)

    def scores(self, net: nn.Module) -> dict[str, float]:
        net.eval()
        return self._mean(net) | {f"telea_{name}": value for name, value in self.telea.items()}

    @torch.inference_mode()
    def _mean(self, fill: Callable[[Tensor, Tensor], Tensor]) -> dict[str, float]:
        errors, distances = [], []
        for item in self.samples:
            image, mask = (item[name][None].to(self.device).float() for name in ("image", "mask"))
            image /= 255
            filled = composed(fill(image, mask).clamp(0, 1), image, mask)
            distances.append(float(feature_distance(self.features, image, filled)))
            errors.append(float((filled - image).abs().sum() / ((1 - mask).sum() * 3)) * 255)
        return {"l1": float(np.mean(errors)), "distance": float(np.mean(distances))}


def _telea(image: Tensor, mask: Tensor) -> Tensor:
    picture = (image[0].permute(1, 2, 0) * 255).byte().cpu().numpy()
    filled = cv2.inpaint(picture, (mask[0, 0] == 0).byte().cpu().numpy(), 5, cv2.INPAINT_TELEA)
    return torch.from_numpy(filled).permute(2, 0, 1)[None].to(image) / 255


class Training:
    """Network, average and optimizer: what a checkpoint holds."""

    def __init__(self, settings: Settings, process: Process) -> None:
        self.settings, self.process = settings, process
        torch.manual_seed(settings.seed)
        net = PConvUNet(settings.width, settings.depth, settings.smooth)
        self.net = net.to(process.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        self.loss_network = loss_network(settings).to(process.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # as above
        self.average = Average(self.net)
        self.optimizer = torch.optim.Adam(self.net.parameters(), settings.rate)
        self.step, self.elapsed, self.best = 0, 0.0, float("inf")
        self._wrapped = process.wrap(self.net)

    def update(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """One step; the first one of the second phase freezes what it leaves alone."""
        settings = self.settings
        if progress >= settings.fine_from and not self.net.frozen:
            self.net.freeze_encoder_norm()
            self._wrapped = self.process.wrap(self.net)  # the frozen weights have no gradients to wait for
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(progress)
        self.net.train()
        image, mask = (batch[name].to(self.process.device, non_blocking=True).float() for name in ("image", "mask"))
        image = (image / 255).contiguous(memory_format=torch.channels_last)
        with autocast(self.process.device, settings.bf16):
            output = self._wrapped(image, mask)
            losses = inpainting_losses(output, image, mask, self.loss_network, settings.smooth)
        self.optimizer.zero_grad(set_to_none=True)
        weighted(losses, settings.weights).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return losses

    def _rate(self, progress: float) -> float:
        if self.settings.cycle:
            return self.settings.rate * one_cycle(progress)
        return self.settings.fine_rate if self.net.frozen else self.settings.rate

    def save(self) -> None:
        parts = {"net": self.net, "average": self.average.net, "optimizer": self.optimizer}
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        state |= {"step": self.step, "elapsed": self.elapsed, "best": self.best}
        save_atomically(state, self.settings.out / "last.pt")
        export(self.average.net, self.settings.out / "ema.safetensors")

    def restore(self) -> None:
        state = torch.load(self.settings.out / "last.pt", map_location=self.process.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed, self.best = state["step"], state["elapsed"], state["best"]
        self.average.count = self.step

    def report(self, judge: Judge) -> dict[str, float]:
        """Scores of the averaged network, also in scores.csv; the best ones' weights are kept."""
        scores = judge.scores(self.average.net)
        row = {"step": self.step, "seconds": round(self.elapsed)} | {k: round(v, 4) for k, v in scores.items()}
        append_row(self.settings.out / "scores.csv", row)
        relative = scores["l1"] / scores["telea_l1"] + scores["distance"] / scores["telea_distance"]
        if relative < self.best:
            self.best = relative
            export(self.average.net, self.settings.out / "best.safetensors")
        return scores


def _batches(settings: Settings, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    if settings.cache is None:
        photos: Outlines = Folder(settings.data / "photos/train")
        outlines: Outlines = Folder(settings.data / "subjects/train/masks", masks=True)
    else:
        photos, outlines = Cached(settings.cache, "photos"), Cached(settings.cache, "subjects", masks=True)
    samples = HoleSamples(photos, outlines, settings.size, seed * process.world + process.rank)
    ahead = 4 if settings.workers else None
    return iter(DataLoader(samples, settings.batch, num_workers=settings.workers, prefetch_factor=ahead))


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt, ema and
    best.safetensors."""
    cv2.setNumThreads(1)  # before the loader forks: a pool of OpenCV's threads would leave its processes hanging
    process = Process.start()
    settings.out.mkdir(parents=True, exist_ok=True)
    run = Training(settings, process)
    if settings.resume:
        run.restore()
    judge = Judge(settings, process.device) if process.first else None
    clock = Clock(settings.minutes, settings.steps, run.elapsed)
    batches = _batches(settings, settings.seed + run.step, process)
    running: dict[str, float] = {}
    saved = scored = run.elapsed
    while (progress := process.agree(clock.progress(run.step))) < 1:
        losses = run.update(next(batches), progress)
        running = {k: 0.98 * running.get(k, float(v.detach())) + 0.02 * float(v.detach()) for k, v in losses.items()}
        run.elapsed = process.agree(clock.elapsed)
        if judge is None:
            continue
        if run.step % 20 == 0:
            row: dict[str, Any] = {"step": run.step, "seconds": round(run.elapsed), "phase": 1 + run.net.frozen}
            append_row(settings.out / "log.csv", row | {k: round(v, 5) for k, v in running.items()})
        if run.elapsed - scored > 60 * settings.score_minutes:
            scored = run.elapsed
            run.report(judge)
        if run.elapsed - saved > 60 * settings.save_minutes:
            saved = run.elapsed
            run.save()
    if judge is None:
        return {}
    run.save()
    return run.report(judge)


def export(net: nn.Module, path: Path) -> None:
    """Half-precision safetensors with the network's settings beside the weights."""
    assert isinstance(net, PConvUNet)
    settings = {"width": net.width, "depth": net.depth, "smooth": net.smooth}
    half = {k: v.half().contiguous() for k, v in net.state_dict().items() if v.is_floating_point()}
    partial = path.with_suffix(".partial")
    save_file(half, partial, {"settings": json.dumps(settings)})
    partial.replace(path)


def load(path: Path) -> PConvUNet:
    """The network of an exported file, for inference."""
    with safe_open(path, "pt") as file:
        net = PConvUNet(**json.loads(file.metadata()["settings"]))
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()}, strict=False)
    return net.eval().requires_grad_(False)
