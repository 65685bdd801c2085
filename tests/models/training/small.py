"""What the miniature trainings share: a data folder of images of noise, and a loss network of two layers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from models.training.core.arrays import UInt8Array
from models.training.core.cache import LABEL_SIZE, Entry, write_table
from models.training.core.perceptual import FeatureNetwork
from models.training.sky.labels import NONE, SKY
from models.training.style.losses import LossNetwork
from models.training.tools import TABLES
from models.zoo.style_presets import PRESETS

TALL, WIDE = 60, 80  # of the images of `sky_table`
HORIZON = 40  # rows of sky in them


def small_loss_network() -> LossNetwork:
    """Two layers with fixed weights, tapped after each."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 6, 3, 2), nn.ReLU())
    return LossNetwork(FeatureNetwork(layers, (1, 3)), (1, 3), 3)


def data_folder(root: Path, paintings: dict[str, UInt8Array], photographs: int) -> Path:
    """styles/ with the paintings by file name, photos/train and photos/dev with blotchy photographs, and their cache
    in root/cache; returns `root`."""
    rng = np.random.default_rng(0)
    for folder in ("styles", "photos/dev", "photos/train"):
        (root / folder).mkdir(parents=True)
    for name, image in paintings.items():
        cv2.imwrite(str(root / "styles" / name), image)
    for i in range(photographs):
        for folder in ("photos/dev", "photos/train"):
            image = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (90, 70))
            cv2.imwrite(str(root / folder / f"p_{i}.png"), image)
    rows = "".join(f"p_{i}.png,,scene\n" for i in range(photographs))
    (root / "photos/train/sources.csv").write_text("file,mask,kind\n" + rows)
    write_table(root / "photos/train", root / "cache", "photos")
    return root


def whole_data_folder(root: Path, count: int = 4) -> Path:
    """All that the commands of docs/training.md read, in small: the data folder, root/cache, and root/pairs with
    images/ and masks/; the reference networks have random weights. Returns `root`."""
    rng = np.random.default_rng(1)
    data_folder(root, {PRESETS[name].file: _blotches(rng) for name in ("wave", "scream")}, count)
    for folder in ("subjects/train", "subjects/dev", "subjects/cutouts", "pairs"):
        for part in ("images", "masks"):
            (root / folder / part).mkdir(parents=True)
        rows = []
        for i in range(10 if folder == "pairs" else count):
            name, image, disc = f"coco_{i}.png", _blotches(rng), _disc(rng)
            pixels = np.dstack([image, disc]) if folder == "subjects/cutouts" else image
            cv2.imwrite(str(root / folder / "images" / name), pixels)
            cv2.imwrite(str(root / folder / "masks" / name), disc)
            rows.append(f"images/{name},masks/{name},object\n")
        (root / folder / "sources.csv").write_text("file,mask,kind\n" + "".join(rows))
    for name, folder in TABLES.items():
        write_table(root / folder, root / "cache", name)
    (root / "cache/photos.agreed.json").write_text("[0, 1]")
    agreed = [cv2.resize(_disc(rng), (LABEL_SIZE, LABEL_SIZE)) for _ in json.loads("[0, 1]")]
    np.asarray(agreed, np.uint8).tofile(root / "cache/photos.agreed.u8")
    sky_table(root / "cache")
    (root / "reference").mkdir()
    torch.manual_seed(0)
    for name, net in (
        ("squeezenet1_0", torchvision.models.squeezenet1_0(weights=None)),
        ("mobilenet_v2_torchvision", torchvision.models.mobilenet_v2(weights=None)),
    ):
        state = {key: value for key, value in net.state_dict().items() if value.is_floating_point()}
        save_file(state, root / "reference" / f"{name}.safetensors")
    return root


def sky_table(root: Path, count: int = 24) -> None:
    """The table `sky`: bright blue above a dark ground in every second image, ground alone in the others."""
    rng = np.random.default_rng(0)
    entries, offset = [], 0
    with (root / "sky.u8").open("wb") as file:
        for number in range(count):
            pixels = np.zeros((TALL, WIDE, 4), np.uint8)
            pixels[..., :3] = rng.integers(0, 70, (TALL, WIDE, 3))
            if number % 2:
                pixels[:HORIZON] = (120, 180, 250, 255)
            kind = SKY if number % 2 else NONE
            entries.append(Entry(f"photo_{number}", "photos_train", kind, TALL, WIDE, offset))
            file.write(pixels.tobytes())
            offset += pixels.size
    (root / "sky.json").write_text(json.dumps([asdict(entry) for entry in entries]))


def _blotches(rng: np.random.Generator) -> UInt8Array:
    return np.asarray(cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (96, 72)), np.uint8)


def _disc(rng: np.random.Generator) -> UInt8Array:
    center = int(rng.integers(30, 66)), 36
    return np.asarray(cv2.circle(np.zeros((72, 96), np.uint8), center, 20, 255, -1), np.uint8)
