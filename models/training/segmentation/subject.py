"""Trains the bundled network (models/networks/subject_net.py): subject, classes and prompted object in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from models.networks.subject_net import CLASSES, SubjectNet
from models.training.core.run import Average, Clock, Process, append_row, autocast, one_cycle, save_atomically
from models.training.segmentation.losses import class_loss, mask_loss
from models.training.segmentation.scores import MEAN, STD, score
from models.training.segmentation.subject_data import SubjectSamples


@dataclass(frozen=True)
class Settings:
    """One run. cache: folder made by `python -m models.training cache`; out: the run's folder; minutes or steps: its
    length."""

    cache: Path
    out: Path
    encoder: Path | None = None  # torchvision MobileNetV2 weights (safetensors) to start from
    start: Path | None = None  # weights of an earlier run to start from
    minutes: float | None = None
    steps: int | None = None
    sizes: tuple[tuple[float, int], ...] = (
        (0.4, 192),
        (0.85, 256),
        (1.0, 320),
    )  # picture side until that share of the run
    batch: int = 12
    rate: float = 1.2e-3
    encoder_rate: float = 3e-4
    bf16: bool = True
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 5.0
    score_minutes: float = 12.0
    score_every: int = 3
    again: float = 0.0  # share of samples in which the second decoder looks at what the first has found
    people: float = 1.0  # how many times as often as else the labeled sets of people come


def _batches(settings: Settings, size: int, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    samples = SubjectSamples(
        settings.cache, size, seed * process.world + process.rank, again=settings.again, people=settings.people
    )
    loader = DataLoader(
        samples, settings.batch, num_workers=settings.workers, prefetch_factor=4 if settings.workers else None
    )
    return iter(loader)


def _losses(
    net: nn.Module, batch: dict[str, Tensor], device: torch.device, bf16: bool, weights: Tensor
) -> dict[str, Tensor]:
    batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    mean, std = (torch.tensor(x, device=device)[:, None, None] for x in (MEAN, STD))
    image = ((batch["image"].float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
    with autocast(device, bf16):
        subject, classes, meant = net(image, batch["prompt"].float() / 255, batch["again"])
    again = batch["again"][:, None, None, None]
    return {
        "subject": (mask_loss(subject.float(), batch["subject"].float() / 255) * batch["weight"]).mean(),
        "object": mask_loss(meant.float(), torch.where(again, batch["subject"], batch["object"]).float() / 255).mean(),
        "classes": class_loss(classes.float(), batch["classes"], weights),
    }


def _optimizer(net: SubjectNet, settings: Settings) -> torch.optim.AdamW:
    encoder = list(net.encoder.parameters())
    others = [p for name, p in net.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": encoder, "lr": settings.encoder_rate}, {"params": others, "lr": settings.rate}]
    for group in groups:
        group["peak"] = group["lr"]
    return torch.optim.AdamW(groups, weight_decay=5e-2)


def export(net: nn.Module, path: Path) -> None:
    """Half-precision safetensors, without the counters of batch-norm."""
    state = {k: v.half().contiguous() for k, v in net.state_dict().items() if v.is_floating_point()}
    partial = path.with_suffix(".partial")
    save_file(state, partial)
    partial.replace(path)


def load(path: Path) -> SubjectNet:
    """An exported network, ready to answer, in single precision."""
    net = SubjectNet()
    net.load_state_dict({key: value.float() for key, value in load_file(path).items()}, strict=False)
    return net.eval().to(memory_format=torch.channels_last)


def mean(paths: Sequence[Path], out: Path) -> None:
    """Writes the mean of several exported networks' weights, whose runs share their start (Wortsman et al. 2022)."""
    states = [load_file(path) for path in paths]
    save_file({k: torch.stack([state[k].float() for state in states]).mean(0).half() for k in states[0]}, out)


def _initial(settings: Settings) -> SubjectNet:
    torch.manual_seed(settings.seed)
    net = SubjectNet()
    if settings.encoder is not None:
        net.encoder.load_torchvision(load_file(settings.encoder))
    if settings.start is not None:
        net.load_state_dict(load_file(settings.start), strict=False)
    return net.to(memory_format=torch.channels_last)


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt, ema and
    best.safetensors."""
    process = Process.start()
    settings.out.mkdir(parents=True, exist_ok=True)
    net = _initial(settings).to(process.device)
    average = Average(net)
    optimizer = _optimizer(net, settings)
    step, elapsed, best = 0, 0.0, 0.0
    if settings.resume:
        state = torch.load(settings.out / "last.pt", map_location=process.device, weights_only=True)
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"].cpu())
        step, elapsed, best, average.count = state["step"], state["elapsed"], state["best"], state["step"]
    clock = Clock(settings.minutes, settings.steps, elapsed)
    wrapped = process.wrap(net)
    class_weights = torch.ones(CLASSES, device=process.device)
    class_weights[0] = 0.4  # background is four fifths of all
    size, batches, scores = 0, iter(()), {}
    saved = scored = elapsed
    running: dict[str, float] = {}
    while (progress := process.agree(clock.progress(step))) < 1:
        wanted = next(side for until, side in settings.sizes if progress < until)
        if wanted != size:
            size, batches = wanted, _batches(settings, wanted, settings.seed + step + 1, process)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * one_cycle(progress)
        net.train()
        losses = _losses(wrapped, next(batches), process.device, settings.bf16, class_weights)
        optimizer.zero_grad(set_to_none=True)
        (losses["subject"] + losses["object"] + 0.3 * losses["classes"]).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        average.update(net)
        step += 1
        running = {k: 0.98 * running.get(k, float(v.detach())) + 0.02 * float(v.detach()) for k, v in losses.items()}
        now = process.agree(clock.elapsed)
        if process.first and step % 20 == 0:
            row: dict[str, Any] = {"step": step, "seconds": round(now), "size": size, "progress": round(progress, 4)}
            append_row(settings.out / "log.csv", row | {k: round(v, 4) for k, v in running.items()})
        if now - scored > 60 * settings.score_minutes:
            scored = now
            scores = score(average.net, settings.cache, max(size, 256), process, settings.score_every)
            best = _report(settings, average, scores, step, now, best, process)
        if now - saved > 60 * settings.save_minutes and process.first:
            saved = now
            _save(settings, net, average, optimizer, step, clock.elapsed, best)
    scores = score(average.net, settings.cache, size, process, settings.score_every)
    best = _report(settings, average, scores, step, clock.elapsed, best, process)
    if process.first:
        _save(settings, net, average, optimizer, step, clock.elapsed, best)
    return scores


def _report(
    settings: Settings, average: Average, scores: dict[str, float], step: int, now: float, best: float, process: Process
) -> float:
    mean = sum(scores.values()) / len(scores)
    if process.first:
        append_row(
            settings.out / "scores.csv",
            {"step": step, "seconds": round(now)} | {k: round(v, 4) for k, v in scores.items()},
        )
        if mean > best:
            export(average.net, settings.out / "best.safetensors")
    return max(best, mean)


def _save(
    settings: Settings,
    net: SubjectNet,
    average: Average,
    optimizer: torch.optim.AdamW,
    step: int,
    elapsed: float,
    best: float,
) -> None:
    state = {"net": net.state_dict(), "average": average.net.state_dict(), "optimizer": optimizer.state_dict()}
    state |= {"rng": torch.get_rng_state(), "step": step, "elapsed": elapsed, "best": best}
    save_atomically(state, settings.out / "last.pt")
    export(average.net, settings.out / "ema.safetensors")
