"""TorchScript archives, which torch runs without the code they were made with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from models.zoo.runtimes import Arrays, Runnable

if TYPE_CHECKING:
    from models.zoo.cards import Card


class ScriptModule:
    """A scripted network: its inputs go in by their order."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("",)

    def __init__(self, path: Path, device: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch means new exports by it
            self._net = torch.jit.load(str(path), map_location=device).eval()
        self._device = device

    def __call__(self, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            found = self._net(*(torch.from_numpy(value).to(self._device) for value in inputs.values()))
        return {"": found.float().cpu().numpy()}


def load(paths: Sequence[Path], device: str, card: Card) -> list[Runnable]:
    """One network a file."""
    return [ScriptModule(path, device) for path in paths]
