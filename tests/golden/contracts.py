"""What small random networks with the inputs and outputs of known ones say, read by the contracts of their cards."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.imaging.arrays import FloatArray
from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.public import filled, instance_maps, probability_map, prompted_map
from models.papers.mobile_sam import MobileSam
from models.zoo import runtimes
from models.zoo.cards import Card, find_card, names
from models.zoo.contracts import InpaintContract, InstanceContract, MapContract, PromptContract
from plugin.client.image import Box
from tests.golden.images import ball, scene
from tests.golden.references import small
from tests.models.zoo.onnx_files import inpaint_network, map_network, prompt_networks

WORST, MEAN = 0.02, 0.006  # maps of random networks have small ranges, of which half precision keeps less
PLANES = {"selfie_multiclass": 6}
POINTS = np.array([[70.0, 60.0], [100.0, 64.0]], np.float32)
GRAPH = """7767517
3 3
Input            in 0 1 input.1
Convolution      a  1 1 input.1 b 0=2 1=3 4=1 5=1 6=54 9=1
Convolution      c  1 1 b 1959 0=1 1=1 5=1 6=2 9=4
"""


class Script(nn.Module):
    """A network of an image and its hole."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 3, 5, padding=2)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.layer(torch.cat([image, mask], 1)).sigmoid()


class Objects(nn.Module):
    """A network of torchvision's detectors' kind: a list of images in, objects with scores and masks out."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 5, padding=2)

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        masks = 4 * self.layer(images[0][None])[0, :, None]
        return [{"scores": torch.tensor([0.9, 0.8, 0.3]), "masks": masks.sigmoid()}]


class Classes(nn.Module):
    """A network of torchvision's kind: a plane a class, in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 21, 5, padding=2)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"out": self.layer(image)}


def contracted() -> list[str]:
    """The cards whose contracts are read here: of those for classes, which are the same, one."""
    cards = [find_card(name) for name in names()]
    left = ("fcn_resnet50", "deeplabv3_mobilenet_v3_large")
    return [c.name for c in cards if c.contract is not None and c.name not in left]


def outputs(name: str, **changes: Any) -> dict[str, FloatArray]:
    """What the small network of the card `name` says of `scene`, averaged down; `changes` are made in the contract."""
    card = find_card(name)
    assert card.contract is not None
    context = Context()
    if isinstance(card.contract, PromptContract) and card.runtime == "torch":
        card = replace(card, contract=replace(card.contract, size=256))  # the network itself, on fewer pixels
    assert card.contract is not None
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch means new exports by it
        context.cache[cache_key(name)] = Network(_network(card, Path(folder)), card)
        changed = replace(card, contract=replace(card.contract, **changes))
        pixels = (255 * scene(128, 160)).astype(np.uint8)
        return {key: small(value) for key, value in _answers(changed, pixels, context).items()}


def _answers(card: Card, pixels: np.ndarray, context: Context) -> dict[str, FloatArray]:
    if isinstance(card.contract, PromptContract):
        box = Box(40, 20, 70, 90)
        return {
            "points": prompted_map(card, pixels, "scene", POINTS, None, context),
            "box": prompted_map(card, pixels, "scene", POINTS[:0], box, context),
        }
    if isinstance(card.contract, InpaintContract):
        visible = (pixels / np.float32(255)).astype(np.float32)
        return {"image": filled(card, visible, ~ball(128, 160), context).transpose(2, 0, 1)}
    if isinstance(card.contract, InstanceContract):
        return {"objects": np.stack(instance_maps(card, pixels, context))}
    found = probability_map(card, pixels, "scene", context)
    return {"map": found.transpose(2, 0, 1) if found.ndim == 3 else found}


def _mobile_sam(side: int) -> MobileSam:
    """The network with random weights of such a size that its masks are sure here and there."""
    net = MobileSam(side).eval().requires_grad_(False)
    for layer in net.mask_decoder.output_hypernetworks_mlps:
        layer.layers[-1].weight.mul_(20)
    return net


def _network(card: Card, folder: Path) -> Any:
    torch.manual_seed(0)
    contract, path = card.contract, folder / card.file
    if card.runtime == "torch":
        if isinstance(contract, PromptContract):
            return _mobile_sam(contract.size)
        made = Objects() if isinstance(contract, InstanceContract) else Classes()
        return made.eval().requires_grad_(False)
    if card.runtime == "torchscript":
        torch.jit.script(Script()).save(str(path))
        return runtimes.load(card, [path], "cpu")
    if card.runtime == "ncnn":
        path.write_text(GRAPH)
        numbers = np.random.default_rng(0).normal(0, 0.5, (54 + 2 + 2 + 1)).astype(np.float32)
        first, second = numbers[:54].astype(np.float16).tobytes() + numbers[54:56].tobytes(), numbers[56:]
        weights = path.with_suffix(".bin")
        kind = (0x01306B47).to_bytes(4, "little")
        weights.write_bytes(kind + first + bytes(4) + second.tobytes())
        return runtimes.load(card, [path, weights], "cpu")
    if isinstance(contract, MapContract):
        square = contract.resize == "squash"
        return runtimes.load(card, [map_network(path, contract, PLANES.get(card.name, 1), square)], "cpu")
    if isinstance(contract, PromptContract):
        return runtimes.load(card, prompt_networks(path, folder / "decoder.onnx", contract), "cpu")
    assert isinstance(contract, InpaintContract)
    return runtimes.load(card, [inpaint_network(path, contract)], "cpu")
