"""Trains the copy-paste network (models/papers/copy_paste.py), with the discriminator as in the paper or without it.

Without: the absolute and the squared difference under the mask, every picture counting alike, a quick and steady way
for small networks and small machines. With: equation 7 of Portenier et al. 2019, Adam (0, 0.9) at a constant 2e-4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from models.papers.copy_paste import CopyPasteConfig, CopyPasteNet
from models.papers.discriminator import Discriminator
from models.training.core.run import Average, Clock, Process, append_row, autocast, one_cycle, save_atomically
from models.training.paste.data import Blend, Difficulty, PasteSamples, batches
from models.training.paste.losses import ALPHA, GAMMA, critic_losses, foreground_mean, reconstruction_loss

SLIM_WIDTH = 40
ADVERSARIAL_RATE, PLAIN_RATE = 2e-4, 1.5e-3
LAST_SHARE = 0.1  # of the learning rate, for the last layer
SQUARED = 10.0  # weight of the squared difference: both pull alike where the difference is 0.05


@dataclass(frozen=True)
class Settings:
    """One run. data: folder made by `python -m models.training cache`; out: the run's folder; minutes or steps: its
    length. blend: computes the Poisson solution, for a network that takes it."""

    data: Path
    out: Path
    network: CopyPasteConfig = field(default_factory=lambda: CopyPasteConfig(SLIM_WIDTH))
    blend: Blend | None = None
    difficulty: Difficulty = field(default_factory=Difficulty)
    adversarial: bool = False
    critic_width: int = 64
    start: Path | None = None  # weights of an earlier run to start from
    minutes: float | None = None
    steps: int | None = None
    size: int = 256
    batch: int = 8
    rate: float | None = None
    bf16: bool = False
    compiled: bool = False  # by torch.compile, a minute at the start; needs a C++ compiler
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 4.0
    score_minutes: float = 4.0
    scored: int = 96  # held-out composites a score is the mean of

    def __post_init__(self) -> None:
        if self.network.poisson != (self.blend is not None):
            raise ValueError("a network that takes the Poisson solution needs `blend` to compute it, another must not")


class Training:
    """Networks, optimizers and what else a checkpoint holds."""

    def __init__(self, settings: Settings, process: Process) -> None:
        self.settings, self.process = settings, process
        torch.manual_seed(settings.seed)
        net = CopyPasteNet(settings.network)
        if settings.start is not None:
            net.load_state_dict(load_file(settings.start))
        self.net = net.to(process.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        self.blended = torch.compile(self.net, dynamic=False) if settings.compiled else self.net
        self.average = Average(self.net)
        adversarial = settings.adversarial
        self.rate = settings.rate or (ADVERSARIAL_RATE if adversarial else PLAIN_RATE)
        betas = (0.0, 0.9) if adversarial else (0.9, 0.99)
        self.optimizer = torch.optim.Adam(_groups(self.net, adversarial), self.rate, betas, fused=True)
        self.critic = Discriminator(settings.size, settings.critic_width).to(process.device) if adversarial else None
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), self.rate, betas) if self.critic else None
        self.step, self.elapsed, self.best = 0, 0.0, float("inf")
        torch.manual_seed(settings.seed * process.world + process.rank)  # of the noise: another in every process

    def update(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """One step of the generator and, in an adversarial run, one of the discriminator before it."""
        batch = {name: value.to(self.process.device, non_blocking=True) for name, value in batch.items()}
        image, source, mask = batch["image"], batch["source"], batch["mask"]
        self.net.train()
        with autocast(self.process.device, self.settings.bf16):
            result = self.blended(source, image, mask, batch.get("poisson"))
        result = result.float()
        if self.critic is None:
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * group["share"] * one_cycle(progress)
            losses = self._plain(result, image, mask)
        else:
            losses = self._adversarial(result, image, source * mask + image * (1 - mask), mask)
        self._descend(losses["loss"], self.net, self.optimizer)
        self.average.update(self.net)
        self.step += 1
        return losses

    def _plain(self, result: Tensor, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
        difference = result - image
        l1 = foreground_mean(difference.abs(), mask).mean()
        l2 = foreground_mean(difference.square(), mask).mean()
        return {"loss": l1 + SQUARED * l2, "l1": l1, "l2": l2}

    def _adversarial(self, result: Tensor, image: Tensor, pasted: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The discriminator's loss is equation 7's part of it over alpha: Adam steps alike, far from its epsilon."""
        assert self.critic is not None
        assert self.critic_optimizer is not None
        wgan, norm = critic_losses(self.critic, image, result.detach(), pasted, mask)
        self._descend(wgan + GAMMA / ALPHA * norm, self.critic, self.critic_optimizer)
        l1 = reconstruction_loss(result, image)
        realness = self.critic.requires_grad_(False)(result, pasted, mask).mean()
        self.critic.requires_grad_(True)
        return {"loss": l1 - ALPHA * realness, "l1": l1, "wgan": wgan.detach(), "norm": norm.detach()}

    def _descend(self, loss: Tensor, net: nn.Module, optimizer: torch.optim.Adam) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        if (
            self.process.world > 1
        ):  # by hand: a gradient penalty goes through the network twice, which DDP does not bear
            flat = self.process.total(torch.cat([g.flatten() for g in gradients])) / self.process.world
            for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(mean.view_as(gradient))
        if not self.settings.adversarial:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    def _parts(self) -> dict[str, Any]:
        parts = {"net": self.net, "average": self.average.net, "optimizer": self.optimizer}
        if self.critic is not None:
            parts |= {"critic": self.critic, "critic_optimizer": self.critic_optimizer}
        return parts

    def save(self) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state |= {"rng": torch.get_rng_state(), "step": self.step, "elapsed": self.elapsed, "best": self.best}
        save_atomically(state, self.settings.out / "last.pt")
        export(self.average.net, self.settings.out / "ema.safetensors")

    def restore(self) -> None:
        state = torch.load(self.settings.out / "last.pt", map_location=self.process.device, weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["rng"].cpu())
        self.step, self.elapsed, self.best = state["step"], state["elapsed"], state["best"]
        self.average.count = self.step


def _groups(net: CopyPasteNet, adversarial: bool) -> list[dict[str, Any]]:
    """The weights and their shares of the learning rate. All of the normalized features go into the last layer at full
    strength: at the full rate its first steps would throw the answer far from where it starts."""
    last = list(net.up[-1].plain.parameters())
    others = [p for p in net.parameters() if not any(p is q for q in last)]
    return [{"params": others, "share": 1.0}, {"params": last, "share": 1.0 if adversarial else LAST_SHARE}]


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt, ema and
    best.safetensors."""
    cv2.setNumThreads(1)  # before the loader forks: a pool of OpenCV's threads would leave its processes hanging
    process = Process.start()
    settings.out.mkdir(parents=True, exist_ok=True)
    run = Training(settings, process)
    if settings.resume:
        run.restore()
    scored_by = settings.scored if process.first else 0
    held_out = held_out_series(settings.data, settings.size, scored_by, settings.difficulty, settings.blend)
    clock = Clock(settings.minutes, settings.steps, run.elapsed)
    samples = _batches(settings, settings.seed + run.step, process)
    saved = scored = run.elapsed
    running: dict[str, float] = {}
    while (progress := process.agree(clock.progress(run.step))) < 1:
        losses = run.update(next(samples), progress)
        running = {k: 0.98 * running.get(k, float(v.detach())) + 0.02 * float(v.detach()) for k, v in losses.items()}
        run.elapsed = process.agree(clock.elapsed)
        if not process.first:
            continue
        if run.step % 20 == 0:
            row = {"step": run.step, "seconds": round(run.elapsed), "progress": round(progress, 4)}
            append_row(settings.out / "log.csv", row | {k: round(v, 5) for k, v in running.items()})
        if run.elapsed - scored > 60 * settings.score_minutes:
            scored = run.elapsed
            _report(run, held_out)
        if run.elapsed - saved > 60 * settings.save_minutes:
            saved = run.elapsed
            run.save()
    scores = _report(run, held_out) if process.first else {}
    if process.first:
        run.save()
    return scores


def _batches(settings: Settings, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    samples = PasteSamples(
        settings.data, settings.size, seed * process.world + process.rank, settings.difficulty, settings.blend
    )
    loader = DataLoader(
        samples, settings.batch, num_workers=settings.workers, prefetch_factor=4 if settings.workers else None
    )
    return iter(loader)


def held_out_series(
    data: Path, size: int, count: int, difficulty: Difficulty, blend: Blend | None
) -> list[dict[str, Tensor]]:
    """Always the same composites from pictures that are never trained on."""
    return PasteSamples(data, size, 0, difficulty, blend, tables=("dev",), shapes="dev").series(count)


@torch.no_grad()
def score(net: CopyPasteNet, series: list[dict[str, Tensor]], device: torch.device) -> dict[str, float]:
    """Mean squared errors under the mask, of 8-bit values: the network's, the plain composite's, and their ratio."""
    sums = torch.zeros(2)
    for batch in batches(series, 8):
        image, source, mask = (batch[name].to(device) for name in ("image", "source", "mask"))
        poisson = batch["poisson"].to(device) if net.config.poisson else None
        result = net(source, image, mask, poisson, torch.Generator().manual_seed(0)).clamp(0, 1)
        for i, picture in enumerate((result, source)):
            sums[i] += foreground_mean((picture - image).square(), mask).sum().cpu()
    deep, plain = (255**2 * sums / len(series)).tolist()
    return {"foreground_mse": deep, "plain_mse": plain, "ratio": deep / plain}


def _report(run: Training, held_out: list[dict[str, Tensor]]) -> dict[str, float]:
    scores = score(run.average.net, held_out, run.process.device)
    row = {"step": run.step, "seconds": round(run.elapsed)}
    append_row(run.settings.out / "scores.csv", row | {k: round(v, 4) for k, v in scores.items()})
    if scores["foreground_mse"] < run.best:
        run.best = scores["foreground_mse"]
        export(run.average.net, run.settings.out / "best.safetensors")
    return scores


def export(net: CopyPasteNet, path: Path) -> None:
    """Half-precision safetensors with the network's settings beside the weights."""
    partial = path.with_suffix(".partial")
    state = {k: v.half().contiguous() for k, v in net.state_dict().items()}
    save_file(state, partial, {"settings": json.dumps(asdict(net.config))})
    partial.replace(path)


def load(path: Path) -> CopyPasteNet:
    """The network of an exported file, for inference."""
    with safe_open(path, "pt") as file:
        net = CopyPasteNet(CopyPasteConfig(**json.loads(file.metadata()["settings"])))
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return net.eval().requires_grad_(False)


ABLATIONS = {
    "sigma": {f"sigma {sigma:g}": Difficulty(sigma=sigma) for sigma in (1.0, 10.0, 60.0)},
    "shading": {"global shading": Difficulty(local=False), "local shading": Difficulty()},
}
"""The paper's two (its figures 4 and 5): name -> variant -> how its training pictures are made."""


def ablate(settings: Settings, name: str) -> list[dict[str, Any]]:
    """Trains every variant alike and scores each on held-out composites of every variant: one row a training, one
    column a kind of composite, the foreground error as a share of the plain composite's. Also in `out/NAME.csv`.
    Only the first process scores; the others return no rows."""
    rows = []
    for variant, difficulty in ABLATIONS[name].items():
        run = replace(settings, out=settings.out / variant.replace(" ", "-"), difficulty=difficulty)
        train(run)
        if not (process := Process.start()).first:
            continue
        net = load(run.out / "best.safetensors").to(process.device)
        row: dict[str, Any] = {"trained on": variant}
        for other, test in ABLATIONS[name].items():
            series = held_out_series(settings.data, settings.size, settings.scored, test, settings.blend)
            row[other] = round(score(net, series, process.device)["ratio"], 4)
        rows.append(row)
        append_row(settings.out / f"{name}.csv", row)
    return rows
