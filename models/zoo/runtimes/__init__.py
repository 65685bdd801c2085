"""Runtimes: what computes a network that is not one of this project's modules.

Each gives an object that is called with arrays by their inputs' names and answers with arrays by their outputs' names.
No format is read with pickle, and no file before its sha256 was found to be that of its card.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.zoo.cards import Card

Arrays = Mapping[str, npt.NDArray[Any]]

MODULES = {
    "onnx": "models.zoo.runtimes.onnx",
    "torchscript": "models.zoo.runtimes.torchscript",
    "ncnn": "models.zoo.runtimes.ncnn",
}
"""Runtime -> the module whose `load(paths, device, card)` gives the network."""


class MissingRuntimeError(RuntimeError):
    """What computes this format is not installed; the message says how to install it."""


class Runnable(Protocol):
    """A loaded network."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __call__(self, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float32]]:
        """The named outputs (the first, when none is named) for the inputs; an input named "" is the first."""
        ...


def named(inputs: Arrays, known: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The inputs under the network's own names: an unnamed one is its first."""
    return {name or known[0]: value for name, value in inputs.items()}


def load(card: Card, paths: Sequence[Path], device: str) -> list[Runnable]:
    """The card's network, a part a file. Raises MissingRuntimeError."""
    found: list[Runnable] = importlib.import_module(MODULES[card.runtime]).load(paths, device, card)
    return found
