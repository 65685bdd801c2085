"""Scores of the sky network on images kept from training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from models.imagenet import normalize_pixels
from models.networks.sky import SkyNet
from models.training.core.arrays import FloatArray, UInt8Array
from models.training.core.cache import Table
from models.training.core.process import Process
from models.training.segmentation.scores import mask_iou
from models.training.sky.labels import SKY, held_out

ALARM = 0.01  # share of the area that, called sky in an image without one, is a false alarm


@torch.no_grad()
def predict_sky(net: SkyNet, image: UInt8Array, size: int) -> FloatArray:
    """The network's probability of sky, H x W, for an image, H x W x 3, that it sees at size x size: the mean of its
    answers to the image and to the mirrored one, as Select Sky takes it."""
    small = normalize_pixels(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))
    seen = torch.from_numpy(small).permute(2, 0, 1)[None].to(next(net.parameters()).device)
    both = torch.cat([seen, seen.flip(3)]).contiguous(memory_format=torch.channels_last)
    straight, mirrored = net(both).float().sigmoid()[:, 0]
    found = ((straight + mirrored.flip(1)) / 2).cpu().numpy()
    return np.asarray(cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


class SkyEvaluator:
    """Mean and median IoU on images with a sky, share of images without one in which some is found; the processes
    share the images.

    Args:
        data: a cache folder with the table `sky`.
        size: side of the images in pixels, as the network sees them.
        every: each so-many-th image is scored.
        process: this process.
    """

    shared = True

    def __init__(self, data: Path, size: int, every: int, process: Process) -> None:
        self.table, self.size, self.process = Table(data, "sky"), size, process
        self.kept = [i for i, entry in enumerate(self.table.entries) if held_out(entry)][::every]

    def score(self, net: SkyNet) -> dict[str, float]:
        """See the class; the values are 0..1."""
        values = torch.zeros(len(self.kept))
        for place in range(self.process.rank, len(self.kept), self.process.world):
            pixels = np.asarray(self.table[self.kept[place]])
            found = predict_sky(net, np.ascontiguousarray(pixels[..., :3]), self.size) > 0.5
            if self._has_sky(place):
                values[place] = mask_iou(found, pixels[..., 3] > 127)
            else:
                values[place] = float(found.mean() > ALARM)
        values = self.process.total(values.to(self.process.device)).cpu()
        skies = torch.tensor([self._has_sky(place) for place in range(len(self.kept))])
        ious = values[skies]
        return {
            "iou": float(ious.mean()),
            "median iou": float(ious.median()),
            "false alarms": float(values[~skies].mean()),
        }

    def counts(self) -> dict[str, int]:
        """How many images that are scored have a sky, and how many do not."""
        skies = sum(self._has_sky(place) for place in range(len(self.kept)))
        return {"skies": skies, "others": len(self.kept) - skies}

    def learned(self) -> dict[str, int]:
        """The same of the images that are trained on."""
        kinds = [entry.kind for entry in self.table.entries if not held_out(entry)]
        return {"skies": kinds.count(SKY), "others": len(kinds) - kinds.count(SKY)}

    def objective(self, scores: dict[str, float]) -> float:
        """How much the mean IoU is below 1, and the share of false alarms."""
        return 1 - scores["iou"] + scores["false alarms"]

    def _has_sky(self, place: int) -> bool:
        return self.table.entries[self.kept[place]].kind == SKY
