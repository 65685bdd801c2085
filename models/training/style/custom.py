"""Learns a custom style from one painting: a new code for the bundled style network, nothing else.

Dumoulin et al. 2017, section 3.2: with the convolutions of a network of many styles kept as they are, a new painting
takes only new scales and shifts, and few steps. The result is a row of numbers that mixes with the other styles. The
loss network is the feature network that comes along (or VGG-16 where it was fetched); the photographs are the
user's own.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Generator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from models.networks import feature_net
from models.networks.transformer_net import TransformerNet
from models.papers.gatys import STYLE_LAYERS, gram_matrix
from models.training.core.arrays import UInt8Array
from models.training.core.config import RunConfig
from models.training.core.loop import Loop
from models.training.core.losses import total_variation
from models.training.core.process import Process
from models.training.style.data import read_image, to_tensor
from models.training.style.losses import gram_loss
from models.zoo import custom_styles, store
from models.zoo.custom_styles import CustomStyle, CustomStyleError
from models.zoo.regular_file import read_regular
from models.zoo.style_presets import PHOTOGRAPH

Features = dict[str, Tensor]
LEAST = 20  # photographs
MOST = 300  # photographs that are read
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
CONTENT_LAYER = "conv4_1"
PAINTING_SIDE = 384  # px, shorter side
LONGEST = 4  # times as long as wide: more of a longer painting or photograph is not looked at
RATE = 1e-2


@dataclass(frozen=True)
class Settings:
    """What is learned and from what; kept in the run's folder so that it can go on."""

    name: str
    painting: str  # path
    photos: str  # folder
    steps: int = 400
    size: int = 224  # px, side of the crops
    batch: int = 4
    gram_weight: float = 6.0  # content has 1
    smoothness: float = 0.5

    def write(self) -> None:
        """Into the run's folder."""
        folder = custom_styles.run_folder(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "settings.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, name: str) -> Settings:
        """Raises CustomStyleError when no run of that name was begun."""
        path = custom_styles.run_folder(custom_styles.check_name(name)) / "settings.json"
        if not path.is_symlink() and not path.exists():
            raise CustomStyleError(f"No training of a style {name!r} was begun.")
        try:
            found = cls(**json.loads(read_regular(path).decode()))
            for entry in fields(cls):
                kind = str if entry.default is MISSING else int if isinstance(entry.default, int) else int | float
                if not isinstance(getattr(found, entry.name), kind):
                    raise ValueError
        except (ValueError, TypeError, OSError, RecursionError):
            raise CustomStyleError(
                f"{path} is damaged. Forget this training with `inlay train-style --name {shlex.quote(name)} "
                "--remove`, begin again."
            ) from None
        return found


@dataclass(frozen=True)
class Step:
    """How far a run is; seconds_left is an estimate from the steps since it was begun or resumed."""

    number: int
    total: int
    loss: float
    seconds_left: float


class Row(nn.Module):
    """The one thing that is learned: a code, 1 x L."""

    def __init__(self, code: Tensor) -> None:
        super().__init__()
        self.code = nn.Parameter(code.clone())


def learn(settings: Settings, device: torch.device | str = "cpu") -> Generator[Step, None, None]:
    """Learns the style, going on where an earlier run of the name stopped; at the end it is among the custom styles.

    Whoever stops listening pauses the run: it is saved then. Raises CustomStyleError on a painting or photographs that
    cannot be used, WeightsError and CardError where the style network or the feature network is not there.
    """
    folder = custom_styles.run_folder(settings.name)
    net, _ = store.load(custom_styles.NETWORK, device)
    assert isinstance(net, TransformerNet)
    features = feature_net.load(device)
    photos = read_photos(Path(settings.photos), settings.size)
    grams = painting_grams(features, Path(settings.painting), device)
    process = Process(0, 1, torch.device(device))
    resumed = (folder / "last.pt").exists()
    row = Row(net.codes[:1] if resumed else nearest(net, features, grams, photos, settings.size)).to(device)
    optimizer = torch.optim.Adam(row.parameters(), RATE, betas=(0.9, 0.99))
    loop = Loop(row, optimizer, process, RunConfig(out=folder, steps=settings.steps, resume=True))
    first, begun = loop.step, time.monotonic()
    rng = np.random.default_rng(loop.step)
    try:
        for _ in loop:
            photo = crops(photos, settings, rng).to(device)
            found = losses(net, features, row.code, photo, grams, settings)
            loop.update(found)
            each = (time.monotonic() - begun) / (loop.step - first)
            yield Step(loop.step, settings.steps, loop.running["loss"], each * (settings.steps - loop.step))
    finally:
        loop.save()
    if loop.step >= settings.steps:
        custom_styles.write(CustomStyle(settings.name, Path(settings.painting).name, loop.averaged.code))


def losses(
    net: TransformerNet,
    features: feature_net.FeatureNet,
    code: Tensor,
    photo: Tensor,
    grams: Features,
    settings: Settings,
) -> dict[str, Tensor]:
    """As models/training/style/train.py has them, on the feature network's layers. photo: B x 3 x S x S, 0..1."""
    result = net(photo, code)
    layers = {*STYLE_LAYERS, CONTENT_LAYER}
    found = features(result, layers)
    with torch.no_grad():
        true = features(photo, [CONTENT_LAYER])[CONTENT_LAYER]
    gram = relative_gram(found, grams).mean()
    content = ((found[CONTENT_LAYER] - true).square().mean((1, 2, 3)) / true.square().mean((1, 2, 3))).mean()
    rough = total_variation(result).mean()
    total = settings.gram_weight * gram + content + settings.smoothness * rough
    return {"loss": total, "gram": gram, "content": content}


def relative_gram(found: Features, grams: Features) -> Tensor:
    """`gram_loss` by the names of layers, one value an image."""
    pairs = {number: (found[layer], grams[layer]) for number, layer in enumerate(STYLE_LAYERS)}
    return gram_loss({n: x for n, (x, _) in pairs.items()}, {n: gram for n, (_, gram) in pairs.items()})


@torch.no_grad()
def painting_grams(features: feature_net.FeatureNet, painting: Path, device: torch.device | str) -> Features:
    """Gram matrices of a painting by layer. Raises CustomStyleError when it cannot be read."""
    try:
        image = to_tensor(read_image(painting, PAINTING_SIDE, LONGEST)).to(device)
    except (ValueError, OSError) as error:
        raise CustomStyleError(f"The painting cannot be read: {error}") from None
    return {layer: gram_matrix(x) for layer, x in features(image, STYLE_LAYERS).items()}


@torch.no_grad()
def nearest(
    net: TransformerNet, features: feature_net.FeatureNet, grams: Features, photos: list[UInt8Array], size: int
) -> Tensor:
    """The code of the style whose images are already most like the painting's, 1 x L."""
    some = crops(photos, Settings("", "", "", size=size, batch=2), np.random.default_rng(0)).to(net.codes.device)
    distances = {
        style: float(relative_gram(features(net(some, net.code({style: 1.0})), STYLE_LAYERS), grams).mean())
        for style in net.config.styles
        if style != PHOTOGRAPH
    }
    return net.code({min(distances, key=distances.__getitem__): 1.0})


def check_photos(folder: Path) -> list[Path]:
    """The files of the folder, and of those in it, that by their names are images.

    Raises CustomStyleError when there are fewer than `LEAST`.
    """
    found = folder.rglob("*") if folder.is_dir() else []
    paths = sorted(p for p in found if p.suffix.lower() in SUFFIXES and p.is_file() and not p.name.startswith("."))
    if len(paths) < LEAST:
        raise CustomStyleError(
            f"{folder} holds {len(paths)} photographs; at least {LEAST} are needed. Any photographs will do."
        )
    return paths


def read_photos(folder: Path, size: int) -> list[UInt8Array]:
    """The folder's photographs, H x W x 3 RGB, reduced to a shorter side of one and a half crops.

    Raises CustomStyleError when fewer than `LEAST` can be read.
    """
    photos: list[UInt8Array] = []
    for path in check_photos(folder):
        if len(photos) == MOST:
            break
        try:
            photos.append(read_image(path, round(1.5 * size), LONGEST))
        except (ValueError, OSError, cv2.error):
            continue
    if len(photos) < LEAST:
        raise CustomStyleError(
            f"{folder} holds {len(photos)} photographs that can be read; at least {LEAST} are needed. Any will do."
        )
    return photos


def crops(photos: list[UInt8Array], settings: Settings, rng: np.random.Generator) -> Tensor:
    """A batch of random, sometimes mirrored crops, B x 3 x S x S, 0..1."""
    size, batch = settings.size, []
    for _ in range(settings.batch):
        photo = photos[int(rng.integers(len(photos)))]
        y, x = (int(rng.integers(length - size + 1)) for length in photo.shape[:2])
        part = photo[y : y + size, x : x + size]
        batch.append(to_tensor(part[:, ::-1] if rng.random() < 0.5 else part))
    return torch.cat(batch)
