"""The backend's code as the tests of the editors start it: IS-Net is a small network that sees green."""

from __future__ import annotations

import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

from models.zoo.cards import find_card
from models.zoo.contracts import MapContract
from tests.models.zoo.onnx_files import color_network

ROOT = Path(__file__).resolve().parents[2]
FILE = "isnet.onnx"
"""The network's file, which is to be imported: in the folder of the code."""


def install(folder: Path) -> Path:
    """Makes a folder of the code, with the weights that come with it; its card of IS-Net is of the small network."""
    ignored = shutil.ignore_patterns("weights", "training")
    for name in ("backend", "plugin", "models"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored if name == "models" else None)
    (folder / "models/zoo/weights").symlink_to(ROOT / "models/zoo/weights")
    (folder / "models/training").symlink_to(ROOT / "models/training")
    contract = find_card("isnet").contract
    assert isinstance(contract, MapContract)
    network = color_network(folder / FILE, contract, (-8, 16, -8)).read_bytes()
    card = folder / "models/zoo/cards/isnet.toml"
    text = re.sub('sha256 = ".*"', f'sha256 = "{sha256(network).hexdigest()}"', card.read_text(), count=1)
    card.write_text(re.sub("size = .*", f"size = {len(network)}", text, count=1))
    return folder


def with_a_green_square() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The astronaut, 512 x 512, with a green square on the wall, which nobody else takes for the subject."""
    pixels = data.astronaut()
    pixels[SQUARE] = (20, 200, 30)
    return pixels


SQUARE = np.s_[20:140, 320:440]


def is_the_square(mask: np.ndarray[Any, np.dtype[np.uint8]]) -> bool:
    """Whether a mask, 512 x 512, is of the green square and nothing else."""
    elsewhere = mask > 127
    elsewhere[SQUARE] = False
    return bool((mask[SQUARE] > 200).mean() > 0.9 and elsewhere.mean() < 0.01)
