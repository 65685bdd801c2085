"""How well a network fills holes of photographs kept from training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from models.training.core.perceptual import SQUEEZENET_SCORE, FeatureNetwork, feature_distance
from models.training.fill.data import Folder, held_out
from models.training.fill.losses import composed


class FillEvaluator:
    """L1 in the hole (0..255) and feature distance of composed images, on fixed crops and holes of the dev
    photographs, and those of Telea's filling beside them.

    Args:
        data: the data folder.
        size: side of the images in pixels.
        device: of the networks.
    """

    shared = False

    def __init__(self, data: Path, size: int, device: torch.device) -> None:
        weights = data / "reference/squeezenet1_0.safetensors"
        self.features = FeatureNetwork.squeezenet(weights, SQUEEZENET_SCORE).to(device)
        self.samples = held_out(Folder(data / "photos/dev"), Folder(data / "subjects/dev/masks", masks=True), size)
        self.device = device
        self.telea = self._mean(_telea)

    def score(self, net: nn.Module) -> dict[str, float]:
        """`l1` and `distance`, and Telea's as `telea_l1` and `telea_distance`."""
        return self._mean(net.eval()) | {f"telea_{name}": value for name, value in self.telea.items()}

    def objective(self, scores: dict[str, float]) -> float:
        """The sum of both scores over Telea's."""
        return scores["l1"] / scores["telea_l1"] + scores["distance"] / scores["telea_distance"]

    @torch.inference_mode()
    def _mean(self, fill: Callable[[Tensor, Tensor], Tensor]) -> dict[str, float]:
        errors, distances = [], []
        for item in self.samples:
            image, mask = (item[name][None].to(self.device).float() for name in ("image", "mask"))
            image /= 255
            filled = composed(fill(image, mask).clamp(0, 1), image, mask)
            distances.append(float(feature_distance(self.features, image, filled)))
            errors.append(float((filled - image).abs().sum() / ((1 - mask).sum() * 3)) * 255)
        return {"l1": float(np.mean(errors)), "distance": float(np.mean(distances))}


def _telea(image: Tensor, mask: Tensor) -> Tensor:
    pixels = (image[0].permute(1, 2, 0) * 255).byte().cpu().numpy()
    filled = cv2.inpaint(pixels, (mask[0, 0] == 0).byte().cpu().numpy(), 5, cv2.INPAINT_TELEA)
    return torch.from_numpy(filled).permute(2, 0, 1)[None].to(image) / 255
