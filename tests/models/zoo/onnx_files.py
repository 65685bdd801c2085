"""Small ONNX files, written by hand: networks of one random convolution with the inputs and outputs of known ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.zoo.contracts import InpaintContract, MapContract, PromptContract

ELEMENTS = {"float32": 1, "uint8": 2, "int64": 7}
Shape = Sequence[int | str]


class Graph:
    """A graph that is put together node by node; tensors are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._ends: list[bytes] = []

    def input(self, name: str, shape: Shape, dtype: str = "float32") -> str:
        self._ends.append(_field(11, _value(name, shape, dtype)))
        return name

    def output(self, name: str, shape: Shape, dtype: str = "float32") -> None:
        self._ends.append(_field(12, _value(name, shape, dtype)))

    def constant(self, array: npt.NDArray[Any]) -> str:
        name = f"constant{len(self._constants)}"
        head = b"".join(_number(1, n) for n in array.shape) + _number(2, ELEMENTS[array.dtype.name])
        self._constants.append(_field(5, head + _field(8, name.encode()) + _field(9, array.tobytes())))
        return name

    def node(self, op: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        to = to or f"tensor{len(self._nodes)}"
        body = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, to.encode())
        named = {name.removesuffix("_type"): value for name, value in attributes.items()}  # Cast has one called `to`
        body += _field(4, op.encode()) + b"".join(_field(5, _attribute(k, v)) for k, v in named.items())
        self._nodes.append(_field(1, body))
        return to

    def convolution(self, image: str, planes: int, seed: int, channels: int = 3, stride: int = 1) -> str:
        """A random one of 5 x 5 pixels, whose answer to an image in 0..1 is a few units."""
        kernel = np.random.default_rng(seed).normal(0, 0.1, (planes, channels, 5, 5)).astype(np.float32)
        return self.node("Conv", image, self.constant(kernel), pads=[2, 2, 2, 2], strides=[stride, stride])

    def write(self, path: Path) -> Path:
        graph = b"".join([*self._nodes, _field(2, b"g"), *self._constants, *self._ends])
        opset = _field(1, b"") + _number(2, 17)
        path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, opset))
        return path


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _value(name: str, shape: Shape, dtype: str) -> bytes:
    dims = b"".join(_field(1, _number(1, n) if isinstance(n, int) else _field(2, n.encode())) for n in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, ELEMENTS[dtype]) + _field(2, dims)))


def _attribute(name: str, value: Any) -> bytes:
    head = _field(1, name.encode())
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, 2)
    if isinstance(value, float):
        return head + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, str):
        return head + _field(4, value.encode()) + _number(20, 3)
    return head + b"".join(_number(8, n) for n in value) + _number(20, 7)


def map_network(path: Path, contract: MapContract, planes: int, square: bool = True) -> Path:
    """An image in, `planes` planes out, logits or probabilities, as a `map` contract says."""
    graph = Graph()
    sides: Shape = (contract.size, contract.size) if square else ("h", "w")
    last = contract.layout == "NHWC"
    image = graph.input(contract.input or "input.1", (1, *sides, 3) if last else (1, 3, *sides))
    if last:
        image = graph.node("Transpose", image, perm=[0, 3, 1, 2])
    answer = graph.convolution(image, planes, seed=0)
    if contract.activation == "none":
        answer = graph.node("Sigmoid", answer)
    name, shape = contract.output or "1959", (1, *sides, planes) if last else (1, planes, *sides)
    if last:
        graph.node("Transpose", answer, to=name, perm=[0, 2, 3, 1])
    else:
        graph.node("Identity", answer, to=name)
    graph.output(name, shape)
    graph.output(graph.node("Neg", name), shape)  # such networks answer with further maps
    return graph.write(path)


def color_network(path: Path, contract: MapContract, weights: Sequence[float]) -> Path:
    """An image in, a map out, as a `map` contract says: sure where red, green and blue (0..1), weighted, exceed 3."""
    graph = Graph()
    image = graph.input(contract.input or "x", (1, 3, contract.size, contract.size))
    mean, std = (np.array(values, np.float32) / np.float32(contract.white) for values in (contract.mean, contract.std))
    kernel = np.array(weights, np.float32) * std
    bias = np.array([np.dot(weights, mean) - 3], np.float32)
    answer = graph.node("Conv", image, graph.constant(kernel.reshape(1, 3, 1, 1)), graph.constant(bias))
    graph.node("Sigmoid", answer, to=contract.output or "y")
    graph.output(contract.output or "y", (1, 1, contract.size, contract.size))
    return graph.write(path)


def prompt_networks(encoder: Path, decoder: Path, contract: PromptContract) -> list[Path]:
    """An encoder, and a decoder whose three masks depend on the embedding, the points, their labels and the box."""
    graph = Graph()
    channels_last = contract.layout == "HWC"
    image = graph.input(contract.input, ("h", "w", 3) if channels_last else (1, 3, "h", "w"))
    if channels_last:
        image = graph.node("Transpose", image, perm=[2, 0, 1])
        image = graph.node("Unsqueeze", image, graph.constant(np.array([0], np.int64)))
        image = graph.node("Mul", image, graph.constant(np.array(1 / 255, np.float32)))
    embedding = graph.node("Tanh", graph.convolution(image, 3, seed=1, stride=16), to="image_embeddings")
    graph.output(embedding, (1, 3, "a", "b"))
    graph.write(encoder)

    graph = Graph()
    embedding = graph.input("image_embeddings", (1, 3, "a", "b"))
    ones: Shape = (1, "n", 2) if contract.point_dims == 3 else (1, 1, "n", 2)
    points = graph.input(contract.points, ones)
    labels = graph.input(contract.labels, ones[:-1], contract.labels_dtype)
    as_float = graph.node("Cast", labels, to="labels as float", to_type=1)
    weight = graph.node("Unsqueeze", as_float, graph.constant(np.array([-1], np.int64)))
    terms = [graph.node("ReduceMean", graph.node("Mul", points, weight), keepdims=0)]
    if contract.box_input:
        terms.append(graph.node("ReduceSum", graph.input(contract.box_input, (1, "k", 4)), keepdims=0))
    if contract.size_input:
        size = graph.input(contract.size_input, (2,), contract.size_dtype)
        terms.append(graph.node("ReduceMean", graph.node("Cast", size, to="size as float", to_type=1), keepdims=0))
    if contract.mask_input:
        for name, shape in ((contract.mask_input, (1, 1, 256, 256)), (f"has_{contract.mask_input}", (1,))):
            terms.append(graph.node("ReduceMean", graph.input(name, shape), keepdims=0))
    total = terms[0]
    for term in terms[1:]:
        total = graph.node("Add", total, term)
    shift = graph.node("Mul", total, graph.constant(np.array(1 / 4096, np.float32)))
    masks = graph.node("Add", graph.convolution(embedding, 3, seed=2), shift)
    flat = contract.point_dims == 3
    if flat:
        graph.node("Identity", masks, to=contract.masks)
    else:
        graph.node("Unsqueeze", masks, graph.constant(np.array([0], np.int64)), to=contract.masks)
    graph.output(contract.masks, (1, 3, "c", "d") if flat else (1, 1, 3, "c", "d"))
    scores = graph.constant(np.array([[0.2, 0.9, 0.4]], np.float32))
    graph.output(graph.node("Identity", scores, to=contract.scores), (1, 3))
    graph.write(decoder)
    return [encoder, decoder]


def inpaint_network(path: Path, contract: InpaintContract) -> Path:
    """An image and a mask in, an image out, of the kinds and ranges that an `inpaint` contract says."""
    graph = Graph()
    image = graph.input(contract.input, (1, 3, "h", "w"), contract.dtype)
    mask = graph.input(contract.mask, (1, 1, "h", "w"), contract.dtype)
    if contract.dtype != "float32":
        image = graph.node("Cast", image, to="image as float", to_type=1)
        mask = graph.node("Cast", mask, to="mask as float", to_type=1)
    image = graph.node("Mul", image, graph.constant(np.array(1 / contract.white, np.float32)))
    mask = graph.node("Mul", mask, graph.constant(np.array(1 / contract.mask_white, np.float32)))
    answer = graph.convolution(graph.node("Concat", image, mask, axis=1), 3, seed=3, channels=4)
    white = graph.constant(np.array(contract.answer_white, np.float32))
    answer = graph.node("Mul", graph.node("Sigmoid", answer), white)
    if contract.dtype == "float32":
        graph.node("Identity", answer, to=contract.output)
    else:
        graph.node("Cast", answer, to=contract.output, to_type=ELEMENTS[contract.dtype])
    graph.output(contract.output, (1, 3, "h", "w"), contract.dtype)
    return graph.write(path)
