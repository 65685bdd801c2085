"""ncnn's files (a graph as text, weights as numbers) computed by torch: the layers that segmentation networks have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from models.zoo.runtimes import Arrays, Runnable, named

if TYPE_CHECKING:
    from torch import Tensor

    from models.zoo.cards import Card

MAGIC = "7767517"  # the first line of a graph
HALF = 0x01306B47  # before weights in half precision; 0 before those in single


class Layer(NamedTuple):
    """A line of the graph: what is computed from which tensors."""

    kind: str
    bottoms: list[str]
    tops: list[str]
    settings: dict[int, float]


class NcnnNet:
    """A graph that torch computes."""

    def __init__(self, graph: Path, weights: Path, device: str) -> None:
        self._layers = read_graph(graph.read_text(encoding="ascii"))
        self._device = device
        self._weights = _read_weights(self._layers, weights.read_bytes(), device)
        self.inputs = tuple(layer.tops[0] for layer in self._layers if layer.kind == "Input")
        used = {name for layer in self._layers for name in layer.bottoms}
        self.outputs = tuple(top for layer in self._layers for top in layer.tops if top not in used)

    @torch.inference_mode()
    def __call__(self, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float32]]:
        values = {k: torch.from_numpy(v).to(self._device) for k, v in named(inputs, self.inputs).items()}
        left = {name: sum(layer.bottoms.count(name) for layer in self._layers) for name in _names(self._layers)}
        for layer, weights in zip(self._layers, self._weights, strict=True):
            if layer.kind == "Input":
                continue
            found = LAYERS[layer.kind](layer.settings, [values[name] for name in layer.bottoms], *weights)
            values.update(dict.fromkeys(layer.tops, found))
            for name in layer.bottoms:  # nobody else wants it: its memory goes to the next one
                left[name] -= 1
                if not left[name]:
                    del values[name]
        wanted = [name or self.outputs[0] for name in outputs or ("",)]
        return {name: values[name].float().cpu().numpy() for name in wanted}


def load(paths: Sequence[Path], device: str, card: Card) -> list[Runnable]:
    """The network of a graph (.param) and its weights (.bin)."""
    graph, weights = sorted(paths, key=lambda path: path.suffix != ".param")
    return [NcnnNet(graph, weights, device)]


def read_graph(text: str) -> list[Layer]:
    """The layers of a .param file. Raises ValueError for another format, or a layer that is not computed here."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != [MAGIC]:
        raise ValueError("this is no graph of ncnn's")
    layers = []
    for kind, _, bottoms, tops, *rest in lines[2:]:
        if kind not in LAYERS and kind != "Input":
            raise ValueError(f"a layer {kind} is not computed here")
        first, end = int(bottoms), int(bottoms) + int(tops)
        settings = {int(key): float(value) for key, value in (entry.split("=") for entry in rest[end:])}
        layers.append(Layer(kind, rest[:first], rest[first:end], settings))
    return layers


def _names(layers: list[Layer]) -> set[str]:
    return {name for layer in layers for name in layer.bottoms}


def _read_weights(layers: list[Layer], data: bytes, device: str) -> list[tuple[Tensor, ...]]:
    """Of each layer: a kernel, O x I x K x K, and a bias for convolutions, nothing for others."""
    at = 0
    found: list[tuple[Tensor, ...]] = []
    for layer in layers:
        if layer.kind != "Convolution":
            found.append(())
            continue
        count, channels, side = (int(layer.settings[key]) for key in (6, 0, 1))
        tag = int.from_bytes(data[at : at + 4], "little")
        if tag not in (0, HALF):
            raise ValueError(f"weights of the kind {tag:#x} are not read here")
        kind = np.dtype(np.float16 if tag == HALF else np.float32)
        kernel = np.frombuffer(data, kind, count, at + 4).astype(np.float32)
        at += 4 + -(-count * kind.itemsize // 4) * 4  # to a multiple of four bytes
        bias = np.frombuffer(data, np.float32, channels, at) if layer.settings.get(5) else np.zeros(channels, "f4")
        at += 4 * channels if layer.settings.get(5) else 0
        shaped = torch.from_numpy(kernel.reshape(channels, -1, side, side)).to(device)
        found.append((shaped, torch.from_numpy(bias.copy()).to(device)))
    if at != len(data):
        raise ValueError(f"the graph has weights of {at} bytes, the file {len(data)}")
    return found


def _convolution(settings: dict[int, float], inputs: list[Tensor], kernel: Tensor, bias: Tensor) -> Tensor:
    stride, padding, dilation = int(settings.get(3, 1)), int(settings.get(4, 0)), int(settings.get(2, 1))
    found = F.conv2d(inputs[0], kernel, bias, stride, padding, dilation)
    return ACTIVATIONS[int(settings.get(9, 0))](found)


def _pooling(settings: dict[int, float], inputs: list[Tensor]) -> Tensor:
    side, stride = int(settings[1]), int(settings.get(2, 1))
    return F.max_pool2d(inputs[0], side, stride, ceil_mode=settings.get(5, 0) == 0)


def _binary(settings: dict[int, float], inputs: list[Tensor]) -> Tensor:
    if settings.get(0, 0) != 0:
        raise ValueError("of two tensors only the sum is computed here")
    return inputs[0] + inputs[1]


def _interp(settings: dict[int, float], inputs: list[Tensor]) -> Tensor:
    if settings.get(0) != 2:
        raise ValueError("only bilinear interpolation is computed here")
    return F.interpolate(inputs[0], size=(int(settings[3]), int(settings[4])), mode="bilinear", align_corners=False)


ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {0: lambda x: x, 1: torch.relu_, 4: torch.sigmoid_}
"""By the number that a convolution's line has for it."""

LAYERS: dict[str, Callable[..., Tensor]] = {
    "Split": lambda _, inputs: inputs[0],
    "Concat": lambda _, inputs: torch.cat(inputs, 1),
    "BinaryOp": _binary,
    "Sigmoid": lambda _, inputs: inputs[0].sigmoid(),
    "Convolution": _convolution,
    "Pooling": _pooling,
    "Interp": _interp,
}
"""What a layer's settings and inputs, and a convolution's weights, come to."""
