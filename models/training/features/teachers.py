"""The networks whose features are distilled, and where on the image each of their layers looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from models.imagenet import normalize


@dataclass(frozen=True)
class Tap:
    """A layer of a teacher: its element o is centered on the image's pixel `stride` o + `offset`."""

    channels: int
    stride: int
    offset: int


SQUEEZENET = {
    1: Tap(96, 2, 3), 3: Tap(128, 4, 5), 4: Tap(128, 4, 5), 7: Tap(256, 8, 9), 9: Tap(384, 8, 9), 12: Tap(512, 16, 17),
}  # fmt: skip
"""By place in torchvision's `features`: a 7 x 7 convolution without padding, then 3 x 3 pooling, both by 2."""

MOBILENET = {
    0: Tap(32, 2, 0), 1: Tap(16, 2, 0), 3: Tap(24, 4, 0), 6: Tap(32, 8, 0), 10: Tap(64, 16, 0), 13: Tap(96, 16, 0),
    17: Tap(320, 32, 0),
}  # fmt: skip
"""By place in torchvision's `features`: every convolution is padded by half its kernel."""

TAPS = {f"squeezenet {place}": tap for place, tap in SQUEEZENET.items()} | {
    f"mobilenet {place}": tap for place, tap in MOBILENET.items()
}
"""All of them by "NETWORK PLACE"."""


class Teachers(nn.Module):
    """Features of SqueezeNet 1.0 and MobileNetV2, by the names of `TAPS`, of images B x 3 x H x W, RGB 0..1."""

    def __init__(self, squeezenet: nn.Sequential, mobilenet: nn.Sequential) -> None:
        super().__init__()
        self.squeezenet, self.mobilenet = squeezenet, mobilenet
        self.eval().requires_grad_(False)

    @classmethod
    def load(cls, reference: Path) -> Teachers:
        """From the data folder's reference/."""
        squeezenet, mobilenet = torchvision.models.squeezenet1_0(weights=None), torchvision.models.mobilenet_v2()
        squeezenet.load_state_dict(load_file(reference / "squeezenet1_0.safetensors"))
        state = load_file(reference / "mobilenet_v2_torchvision.safetensors")
        mobilenet.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
        return cls(squeezenet.features[: max(SQUEEZENET) + 1], mobilenet.features[: max(MOBILENET) + 1])

    @torch.no_grad()
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        found = {}
        normalized = normalize(image)
        for network in ("squeezenet", "mobilenet"):
            x = normalized
            for place, layer in enumerate(getattr(self, network)):
                x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
                if f"{network} {place}" in TAPS:
                    found[f"{network} {place}"] = x.float()
        return found
