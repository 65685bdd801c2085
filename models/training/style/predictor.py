"""Trains the style predictor and its transformation network (models/networks/style_predictor.py) in one run.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m models.training predictor --data DATA --cache CACHE --out RUN \\
        --minutes 120 --bf16 --from STYLES.safetensors --encoder FEATURES.safetensors [--resume]

The losses are those of models/training/style/train.py, with another style picture for every photograph of a batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from models.networks.style_predictor import AnyStyle, AnyStyleConfig
from models.training.core.loop import Loop, export
from models.training.core.run import Process, append_row, autocast
from models.training.style.data import Crops, read_picture, scoring_photos, to_tensor
from models.training.style.losses import LossNetwork, gram_loss, gram_matrix, total_variation
from models.training.style.predictor_data import StylePictures
from models.training.style.train import JITTER, SAME, draw_strengths, load_loss_network
from models.zoo.style_presets import PHOTOGRAPH

MEASURED = 48  # style pictures from which the statistics' means and deviations are taken
SOFT = 2.0  # a Gram loss far above this counts by its logarithm: dark and plain pictures have huge ones


@dataclass(frozen=True)
class Settings:
    """One run. data: folder with styles/, photos/dev and reference/; cache: folder made by `python -m models.training
    cache`; out: the run's folder; minutes or steps: its length."""

    data: Path
    cache: Path
    out: Path
    minutes: float | None = None
    steps: int | None = None
    start: Path | None = None  # an exported style network to start from; width and blocks are then its own
    encoder: Path | None = None  # an exported feature network for the predictor to start from
    network: AnyStyleConfig = field(default_factory=AnyStyleConfig)
    held_out: tuple[str, ...] = ()  # paintings (file names without suffix) that are not learned, for measuring
    sizes: tuple[tuple[float, int], ...] = ((0.5, 192), (1.0, 256))  # side of the crops until that share of the run
    batch: int = 6
    rate: float = 1e-3
    gram_weight: float = 6.0  # content has 1
    smoothness: float = 0.5
    plain: float = 0.05  # share of pictures asked for as photographs, and again of those asked for at some strength
    loss_network: str = "squeezenet"  # or vgg16
    bf16: bool = True
    compiled: bool = False  # by torch.compile, minutes at the start and at each new size; needs a C++ compiler
    resume: bool = False
    seed: int = 0
    workers: int = 1
    save_minutes: float = 5.0
    score_minutes: float = 15.0


def initial(settings: Settings) -> AnyStyle:
    """The network to train. From a style network come its layers, the code of the photograph, and as the code from
    which predictions depart the mean of its styles' codes. Raises ValueError on one that does not fit."""
    torch.manual_seed(settings.seed)
    config = settings.network
    if settings.start is None:
        net = AnyStyle(config)
    else:
        with safe_open(settings.start, "pt") as file:
            facts = file.metadata()
        state = {name: value.float() for name, value in load_file(settings.start).items()}
        styles = json.loads(facts["styles"])
        if PHOTOGRAPH not in styles:
            raise ValueError(f"{settings.start} holds no code of the photograph")
        own = {"width": int(facts["width"]), "blocks": int(facts["blocks"])}
        net = AnyStyle(AnyStyleConfig(**own, encoder_width=config.encoder_width, bottleneck=config.bottleneck))
        photograph = styles.index(PHOTOGRAPH)
        codes = state.pop("codes")
        net.net.load_state_dict(state | {"codes": codes[photograph : photograph + 1]})
        with torch.no_grad():
            others = [row for i, row in enumerate(codes) if i != photograph]
            net.base.copy_(torch.stack(others).mean(0, keepdim=True))
    if settings.encoder is not None:
        net.predictor.encoder.load_state_dict({k: v.float() for k, v in load_file(settings.encoder).items()})
    return net


def paintings(settings: Settings) -> list[Path]:
    """The paintings to learn. Raises ValueError where one that is to be held out does not exist."""
    found = {path.stem: path for path in sorted((settings.data / "styles").glob("*.jpg"))}
    if missing := set(settings.held_out) - set(found):
        raise ValueError(f"there is no painting {', '.join(sorted(missing))}; there are {', '.join(found)}")
    return [path for name, path in found.items() if name not in settings.held_out]


def losses(
    net: nn.Module, loss_network: LossNetwork, photo: Tensor, style: Tensor, strength: Tensor, settings: Settings
) -> dict[str, Tensor]:
    """photo, style: B x 3 x S x S, 0..1; strength: B. The mean `loss`; `gram` and `content` of those fully styled."""
    dy, dx = torch.randint(0, JITTER, (2,)).tolist()
    height, width = photo.shape[2] - JITTER, photo.shape[3] - JITTER
    with autocast(photo.device, settings.bf16):
        result = net(photo, style, strength[:, None])
        found = loss_network(result[:, :, dy : dy + height, dx : dx + width])
        with torch.no_grad():
            true = loss_network(photo[:, :, dy : dy + height, dx : dx + width])
            targets = {tap: gram_matrix(x) for tap, x in loss_network(style).items()}
    gram, content = gram_loss(found, targets), loss_network.content_loss(found, true)
    steady = SOFT * torch.log1p(gram / SOFT)
    styled = settings.gram_weight * steady + content + settings.smoothness * total_variation(result)
    same = SAME * (result - photo).abs().mean((1, 2, 3)) + content
    full = (strength == 1).float()
    share = full.sum().clamp(min=1)
    return {
        "loss": (strength * styled + (1 - strength) * same).mean(),
        "gram": (gram * full).sum() / share,
        "content": (content * full).sum() / share,
    }


def _batches(dataset: IterableDataset[Tensor], settings: Settings, device: torch.device) -> Iterator[Tensor]:
    ahead = 4 if settings.workers else None
    for batch in DataLoader(dataset, settings.batch, num_workers=settings.workers, prefetch_factor=ahead):
        image = batch.to(device, non_blocking=True).float() / 255
        yield image.contiguous(memory_format=torch.channels_last)


def _fit(net: AnyStyle, settings: Settings) -> None:
    pictures = iter(StylePictures(paintings(settings), settings.cache, 192, 0))
    with torch.no_grad():
        rows = [net.predictor.statistics(next(pictures)[None].float() / 255) for _ in range(MEASURED)]
    net.predictor.fit(torch.cat(rows))


def train(settings: Settings) -> dict[str, float]:
    """Runs to the end of the clock; returns the last scores. Leaves in `out`: log.csv, scores.csv, last.pt,
    ema.safetensors and any_style.safetensors."""
    process = Process.start()
    cv2.setNumThreads(1)
    net = initial(settings)
    if not (settings.resume and (settings.out / "last.pt").exists()):
        _fit(net, settings)
    net = net.to(process.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks the keyword
    optimizer = torch.optim.Adam(net.parameters(), settings.rate, betas=(0.9, 0.99))
    loop = Loop(
        net, optimizer, process, settings.out, settings.minutes, settings.steps, settings.resume, settings.save_minutes,
        settings.compiled,
    )  # fmt: skip
    loss_network = load_loss_network(settings.loss_network, settings.data).to(process.device)
    features = torch.compile(loss_network, dynamic=False) if settings.compiled else loss_network
    seed = (settings.seed + loop.step + 1) * process.world + process.rank
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    size, photos, styles, scored = 0, iter(()), iter(()), loop.clock.elapsed
    for progress in loop:
        wanted = next(side for until, side in settings.sizes if progress < until)
        if wanted != size:
            size = wanted
            photos = _batches(Crops(settings.cache, size, seed), settings, process.device)
            styles = _batches(
                StylePictures(paintings(settings), settings.cache, size, seed + 1), settings, process.device
            )
        strength = draw_strengths(settings.batch, settings.plain, generator).to(process.device)
        loop.descend(losses(loop.wrapped, features, next(photos), next(styles), strength, settings))
        if process.first and loop.clock.elapsed - scored > 60 * settings.score_minutes:
            scored = loop.clock.elapsed
            _report(loop, loss_network, settings)
    return _report(loop, loss_network, settings) if process.first else {}


@torch.no_grad()
def score(net: AnyStyle, loss_network: LossNetwork, settings: Settings) -> dict[str, float]:
    """Mean Gram and content loss where neither picture was learned: photographs of photos/dev in the style of the
    paintings held out, or where none was, of each other."""
    device = net.base.device
    photos = [photo.to(device) for photo in scoring_photos(settings.data / "photos" / "dev", 3, 256)]
    files = [settings.data / "styles" / f"{name}.jpg" for name in settings.held_out]
    styles = [to_tensor(read_picture(path, 256)).to(device) for path in files] or photos[1:] + photos[:1]
    rows = []
    for i, photo in enumerate(photos):
        style = styles[i % len(styles)]
        found, true = loss_network(net(photo, style)), loss_network(photo)
        gram = gram_loss(found, {tap: gram_matrix(x) for tap, x in loss_network(style).items()})
        rows.append([float(gram), float(loss_network.content_loss(found, true))])
    means = torch.tensor(rows).mean(0)
    return {"gram": float(means[0]), "content": float(means[1])}


def _report(loop: Loop, loss_network: LossNetwork, settings: Settings) -> dict[str, float]:
    net = loop.average.net.eval()
    assert isinstance(net, AnyStyle)
    scores = score(net, loss_network, settings)
    row: dict[str, Any] = {"step": loop.step, "seconds": round(loop.clock.elapsed)}
    append_row(settings.out / "scores.csv", row | {name: round(value, 4) for name, value in scores.items()})
    facts = {name: str(value) for name, value in vars(net.config).items()}
    export(net, settings.out / "any_style.safetensors", metadata=facts | {"held_out": json.dumps(settings.held_out)})
    return scores
