"""Files of a run: the checkpoint to go on from, exported weights, and logs. A file is there whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint; the one before stays until this one is complete."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def export(
    net: nn.Module,
    path: Path,
    settings: Mapping[str, Any] | None = None,
    scores: Mapping[str, float] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes the floating-point weights of `net` as safetensors.

    Args:
        net: the network; counters of batch normalization are left out.
        path: the file.
        settings: what the network is built with; `read_settings` gives it back.
        scores: of these weights; `read_scores` gives them back.
        dtype: of the weights in the file.
    """
    state = {k: v.detach().to("cpu", dtype).contiguous() for k, v in net.state_dict().items() if v.is_floating_point()}
    partial = path.with_suffix(".partial")
    save_file(state, partial, {"settings": json.dumps(settings or {}), "scores": json.dumps(scores or {})})
    partial.replace(path)


@dataclass(frozen=True)
class Exported(Generic[N]):
    """What of a network in training is exported: the settings it is built with, the part of it, the precision."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    part: Callable[[N], nn.Module] = lambda net: net
    dtype: torch.dtype = torch.float16

    def write(self, net: N, path: Path, scores: Mapping[str, float]) -> None:
        """Writes the file; see `export`."""
        export(self.part(net), path, self.settings, scores, self.dtype)


def load_weights(path: Path) -> dict[str, Tensor]:
    """The weights of an exported file, in single precision on the CPU."""
    return {name: value.float() for name, value in load_file(path).items()}


def read_settings(path: Path) -> dict[str, Any]:
    """What the network of an exported file is built with. Raises ValueError where the file does not say."""
    return _metadata(path, "settings")


def read_scores(path: Path) -> dict[str, float]:
    """The scores of an exported file's weights; none where they were never scored."""
    return _metadata(path, "scores")


def _metadata(path: Path, name: str) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        facts = file.metadata() or {}
    if name not in facts:
        raise ValueError(f"{path} does not say its {name}: it was not exported by a training of this version")
    found: dict[str, Any] = json.loads(facts[name])
    return found


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """One more line of a CSV log; the first one writes the header."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
