"""Trains the inpainting network (models/pconv_unet.py) as section 3.3 of its paper says: a first phase, and a second
with a smaller rate and the encoder's batch normalisation frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from models.pconv_unet import PConvUNet
from models.training.fill_losses import LossWeights, composed, inpainting_losses, weighted
from models.training.fill_masks import HoleShapes
from models.training.perceptual import SQUEEZENET_SCORE, FeatureNetwork, feature_distance
from models.training.run import Average, Clock, Process, append_row, autocast, save_atomically

PICTURES = (".jpg", ".png", ".webp")


@dataclass(frozen=True)
class Settings:
    """One run. data: holds photos/train, photos/dev, subjects/train, reference; out: the run's folder; minutes or
    steps: its length."""

    data: Path
    out: Path
    minutes: float | None = None
    steps: int | None = None
    width: int = 64
    depth: int = 8
    size: int = 512
    batch: int = 6
    rate: float = 2e-4
    fine_rate: float = 5e-5
    fine_from: float = 0.7  # share of the run after which the second phase begins
    weights: LossWeights = field(default_factory=LossWeights)
    loss_network: str = "squeezenet"  # or vgg16, the paper's
    bf16: bool = True
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 5.0
    score_minutes: float = 20.0


class HoleSamples(IterableDataset[dict[str, Tensor]]):
    """Endless samples, uint8: image 3 x S x S, a random crop, mirrored or not; mask 1 x S x S, 1 where known."""

    def __init__(self, photos: Path, masks: Path, size: int, seed: int) -> None:
        self.photos = find_pictures(photos)
        self.holes = HoleShapes(find_pictures(masks) if masks.is_dir() else [])
        self.size, self.seed = size, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        cv2.setNumThreads(1)
        while True:
            image = random_crop(read(self.photos[int(rng.integers(len(self.photos)))]), self.size, rng)
            known = ~self.holes.draw(self.size, rng)
            yield {
                "image": torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1))),
                "mask": torch.from_numpy(known[None].astype(np.uint8)),
            }


def find_pictures(folder: Path) -> list[Path]:
    """The folder's pictures by name. Raises FileNotFoundError when there is none."""
    found = sorted(path for path in folder.iterdir() if path.suffix in PICTURES)
    if not found:
        raise FileNotFoundError(f"there are no pictures in {folder}")
    return found


def read(path: Path) -> NDArray[np.uint8]:
    """H x W x 3 BGR. Raises ValueError for a file that is no picture."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is no picture that can be read")
    return image


def random_crop(image: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A square of `size` pixels from anywhere of the picture, at a random scale at which it fits."""
    height, width = image.shape[:2]
    scale = size / min(height, width) * rng.uniform(1.0, 1.5)
    wide = (max(size, round(width * scale)), max(size, round(height * scale)))
    image = cv2.resize(image, wide, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    y, x = (int(rng.integers(0, extent - size + 1)) for extent in image.shape[:2])
    part = image[y : y + size, x : x + size]
    return part[:, ::-1] if rng.uniform() < 0.5 else part


def loss_network(settings: Settings) -> FeatureNetwork:
    """The paper's VGG-16 where its weights were fetched and it is asked for, else SqueezeNet."""
    if settings.loss_network == "vgg16":
        return FeatureNetwork.vgg16()
    return FeatureNetwork.squeezenet(settings.data / "reference/squeezenet1_0.safetensors")


def score(net: PConvUNet, settings: Settings, device: torch.device, count: int = 16) -> dict[str, float]:
    """L1 in the hole (0..255) and feature distance of the composed picture, on fixed crops and holes of the dev
    photographs."""
    judge = FeatureNetwork.squeezenet(settings.data / "reference/squeezenet1_0.safetensors", SQUEEZENET_SCORE)
    judge.to(device)
    samples = iter(HoleSamples(settings.data / "photos/dev", settings.data / "subjects/dev/masks", settings.size, 1))
    errors, distances = [], []
    net.eval()
    for _ in range(count):
        sample = next(samples)
        image = sample["image"][None].to(device).float() / 255
        mask = sample["mask"][None].to(device).float()
        with torch.inference_mode():
            filled = composed(net(image, mask).clamp(0, 1), image, mask)
            distances.append(float(feature_distance(judge, image, filled)))
        errors.append(float((filled - image).abs().sum() / ((1 - mask).sum() * 3)) * 255)
    return {"l1": float(np.mean(errors)), "distance": float(np.mean(distances))}


def _batches(settings: Settings, seed: int, process: Process) -> Iterator[dict[str, Tensor]]:
    folders = settings.data / "photos/train", settings.data / "subjects/train/masks"
    samples = HoleSamples(*folders, settings.size, seed * process.world + process.rank)
    ahead = 4 if settings.workers else None
    return iter(DataLoader(samples, settings.batch, num_workers=settings.workers, prefetch_factor=ahead))


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt and
    ema.safetensors."""
    process = Process.start()
    settings.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    net = PConvUNet(settings.width, settings.depth).to(process.device).to(memory_format=torch.channels_last)
    judge = loss_network(settings).to(process.device)
    average = Average(net)
    optimizer = torch.optim.Adam(net.parameters(), settings.rate)
    step, elapsed = 0, 0.0
    if settings.resume:
        state = torch.load(settings.out / "last.pt", map_location=process.device, weights_only=True)
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, elapsed = state["step"], state["elapsed"]
        average.count = step
    clock = Clock(settings.minutes, settings.steps, elapsed)
    batches = _batches(settings, settings.seed + step, process)
    wrapped = process.wrap(net)
    running: dict[str, float] = {}
    saved = scored = elapsed
    while (progress := process.agree(clock.progress(step))) < 1:
        if progress >= settings.fine_from and not net.frozen:
            net.freeze_encoder_norm()
            wrapped = process.wrap(net)  # the frozen weights have no gradients to wait for
            for group in optimizer.param_groups:
                group["lr"] = settings.fine_rate
        net.train()
        losses = _step(wrapped, judge, next(batches), settings, process.device)
        optimizer.zero_grad(set_to_none=True)
        weighted(losses, settings.weights).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        average.update(net)
        step += 1
        running = {k: 0.98 * running.get(k, float(v.detach())) + 0.02 * float(v.detach()) for k, v in losses.items()}
        now = process.agree(clock.elapsed)
        if process.first and step % 20 == 0:
            row: dict[str, Any] = {"step": step, "seconds": round(now), "phase": 1 + net.frozen}
            append_row(settings.out / "log.csv", row | {k: round(v, 5) for k, v in running.items()})
        if process.first and now - scored > 60 * settings.score_minutes:
            scored = now
            _report(average, settings, step, now, process.device)
        if process.first and now - saved > 60 * settings.save_minutes:
            saved = now
            _save(settings, net, average, optimizer, step, clock.elapsed)
    scores: dict[str, float] = {}
    if process.first:
        _save(settings, net, average, optimizer, step, clock.elapsed)
        scores = _report(average, settings, step, clock.elapsed, process.device)
    return scores


def _step(
    net: nn.Module, judge: FeatureNetwork, batch: dict[str, Tensor], settings: Settings, device: torch.device
) -> dict[str, Tensor]:
    image = (batch["image"].to(device, non_blocking=True).float() / 255).contiguous(memory_format=torch.channels_last)
    mask = batch["mask"].to(device, non_blocking=True).float()
    with autocast(device, settings.bf16):
        return inpainting_losses(net(image, mask), image, mask, judge)


def _report(average: Average, settings: Settings, step: int, now: float, device: torch.device) -> dict[str, float]:
    scores = score(average.net, settings, device)  # type: ignore[arg-type]  # Average keeps the type of its network
    row = {"step": step, "seconds": round(now)} | {k: round(v, 4) for k, v in scores.items()}
    append_row(settings.out / "scores.csv", row)
    return scores


def _save(
    settings: Settings, net: PConvUNet, average: Average, optimizer: torch.optim.Adam, step: int, elapsed: float
) -> None:
    state = {"net": net.state_dict(), "average": average.net.state_dict(), "optimizer": optimizer.state_dict()}
    save_atomically(state | {"step": step, "elapsed": elapsed}, settings.out / "last.pt")
    half = {k: v.half().contiguous() for k, v in average.net.state_dict().items() if v.is_floating_point()}
    partial = settings.out / "ema.partial"
    save_file(half, partial)
    partial.replace(settings.out / "ema.safetensors")
