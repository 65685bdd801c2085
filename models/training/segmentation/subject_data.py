"""Endless training samples for the subject network: labeled photographs, cut-outs on other photographs, photographs
teachers agree on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training.core.arrays import UInt8Array
from models.training.core.augment import composite, degrade, jitter_colors, random_affine, warp, warp_labels
from models.training.core.cache import LABEL_SIZE, Table
from models.training.core.loading import worker_rng
from models.training.segmentation.prompts import prompt_for
from models.voc import IGNORE, VOC_CLASSES

PERSON = VOC_CLASSES.index("person")

# How much of the labeled photographs each set makes up: varied objects count more than their number, portraits less.
SHARES = {
    "picsart": 0.15, "ccp": 0.11, "pet128": 0.07, "horse": 0.09, "flower": 0.09, "caltech": 0.14,
    "coco": 0.20, "cat": 0.04, "feral": 0.04, "labelme": 0.07,
}  # fmt: skip
PEOPLE = ("picsart", "ccp")
WHOLE_OBJECTS = ("ccp", "horse", "flower", "caltech", "coco", "labelme", "feral")  # seldom cut off by the frame


@dataclass
class Layer:
    """An image with what is known of it, warped to the sample's size."""

    rgb: UInt8Array  # S x S x 3
    mask: UInt8Array  # S x S
    classes: UInt8Array  # S/4 x S/4


class SubjectSamples(IterableDataset[dict[str, Tensor]]):
    """Samples of S x S: image 3, subject 1, object 1, prompt 3 (all uint8), classes S/4 x S/4 (uint8), the subject's
    weight, and whether the object is to be the subject itself, asked for by the box around what was found.

    Args:
        root: a cache folder with the tables subjects, cutouts and photos.
        size: S, in pixels.
        seed: of the random numbers.
        kinds: how often a sample is a labeled photograph, a composite, or a photograph on which the teachers agree.
        two_pass_prob: share of samples in which the second decoder looks at what the first has found.
        person_weight: how many times as often as by SHARES the sets of people come.
    """

    def __init__(
        self,
        root: Path,
        size: int,
        seed: int,
        kinds: tuple[float, float, float] = (0.4, 0.35, 0.25),
        two_pass_prob: float = 0.0,
        person_weight: float = 1.0,
    ) -> None:
        self.root, self.size, self.seed, self.kinds, self.two_pass_prob = root, size, seed, kinds, two_pass_prob
        self.subjects, self.cutouts, self.photos = (Table(root, name) for name in ("subjects", "cutouts", "photos"))
        sets = np.array([entry.set for entry in self.subjects.entries])
        shares = {name: share * (person_weight if name in PEOPLE else 1) for name, share in SHARES.items()}
        weights = np.array([shares.get(name, 0.0) / np.count_nonzero(sets == name) for name in sets])
        self._cumulative = np.cumsum(weights / weights.sum())
        self._whole = np.flatnonzero(np.isin(sets, WHOLE_OBJECTS))
        self._whole_cumulative = np.cumsum(weights[self._whole] / weights[self._whole].sum())
        self._agreed: list[int] = json.loads((root / "photos.agreed.json").read_text())
        self._agreed_masks = np.memmap(root / "photos.agreed.u8", np.uint8, "r").reshape(-1, LABEL_SIZE, LABEL_SIZE)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rng = worker_rng(self.seed)
        while True:
            kind = rng.choice(3, p=self.kinds)
            yield (self._labeled, self._composite, self._agreement)[kind](rng)

    def _layer(
        self, table: Table, index: int, rng: np.random.Generator, mask: UInt8Array | None = None, zoom: bool = True
    ) -> Layer:
        pixels = np.array(table[index])
        height, width = pixels.shape[:2]
        if mask is not None:
            pixels[..., 3] = cv2.resize(mask, (width, height))
        labels = table.labels(index)
        for attempt in range(3):
            matrix = random_affine(width, height, self.size, rng, zoom and attempt < 2)
            warped = warp(pixels, matrix, self.size)
            if (table is self.photos and mask is None) or np.count_nonzero(warped[..., 3] > 127) > 0.01 * self.size**2:
                break
        if labels is None:
            classes = np.full((self.size // 4,) * 2, IGNORE, np.uint8)
        else:
            classes = warp_labels(np.asarray(labels), matrix, self.size, width, height)
        return Layer(np.ascontiguousarray(warped[..., :3]), warped[..., 3].copy(), classes)

    def _labeled(self, rng: np.random.Generator) -> dict[str, Tensor]:
        index = int(np.searchsorted(self._cumulative, rng.uniform()))
        layer = self._layer(self.subjects, min(index, len(self.subjects) - 1), rng)
        return self._sample(layer, self._one_of(layer.mask, rng), 1.0, rng)

    def _agreement(self, rng: np.random.Generator) -> dict[str, Tensor]:
        pick = int(rng.integers(len(self._agreed)))
        layer = self._layer(self.photos, self._agreed[pick], rng, self._agreed_masks[pick])
        return self._sample(layer, layer.mask, 0.5, rng)

    def _composite(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """A cut-out (or the subject of another photograph) on a photograph; on a labeled one its subject stays one
        too."""
        onto_subject = rng.uniform() < 0.25
        if onto_subject:
            back = self._layer(
                self.subjects, int(self._whole[np.searchsorted(self._whole_cumulative, rng.uniform())]), rng
            )
        else:
            back = self._layer(self.photos, int(rng.integers(len(self.photos))), rng)
            back.mask[:] = 0
        front = self._cutout(rng, small=onto_subject) if rng.uniform() < 0.5 else self._other_subject(rng)
        rgb = composite(front.rgb, front.mask, back.rgb, rng)
        covered = cv2.resize(front.mask, back.classes.shape[::-1], interpolation=cv2.INTER_AREA) > 127
        behind = np.minimum(back.mask, 255 - front.mask)
        layer = Layer(rgb, np.maximum(front.mask, behind), np.where(covered, front.classes, back.classes))
        meant = behind if np.count_nonzero(behind > 127) > 0.02 * behind.size and rng.uniform() < 0.5 else front.mask
        return self._sample(layer, meant, 1.0, rng)

    def _cutout(self, rng: np.random.Generator, small: bool) -> Layer:
        index = int(rng.integers(len(self.cutouts)))
        pixels, size = self.cutouts[index], self.size
        height, width = pixels.shape[:2]
        side = size * rng.uniform(0.25, 0.55 if small else 0.95)
        scale = side / max(height, width)
        flip = -1 if rng.uniform() < 0.5 else 1
        angle = np.deg2rad(rng.normal(0, 12))
        turn = scale * np.array([[np.cos(angle) * flip, -np.sin(angle)], [np.sin(angle) * flip, np.cos(angle)]])
        spread = 0.22 if not small else 0.35
        center = size * np.clip(rng.normal(0.5, spread / 1.5, 2), 0.5 - spread, 0.5 + spread)
        matrix = np.column_stack([turn, center - turn @ np.array([width / 2, height / 2])])
        warped = warp(np.asarray(pixels), matrix, size, cv2.BORDER_CONSTANT)
        value = PERSON if self.cutouts.entries[index].kind == "person" else IGNORE
        return Layer(
            np.ascontiguousarray(warped[..., :3]), warped[..., 3].copy(), np.full((size // 4,) * 2, value, np.uint8)
        )

    def _other_subject(self, rng: np.random.Generator) -> Layer:
        layer = self._layer(
            self.subjects, int(self._whole[np.searchsorted(self._whole_cumulative, rng.uniform())]), rng, zoom=False
        )
        layer.mask = cv2.erode(layer.mask, np.ones((3, 3), np.uint8))
        return layer

    def _one_of(self, mask: UInt8Array, rng: np.random.Generator) -> UInt8Array:
        """The whole mask, or one of its parts where it falls into several."""
        if rng.uniform() < 0.5:
            return mask
        count, parts, stats, _ = cv2.connectedComponentsWithStats((mask > 127).astype(np.uint8))
        large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.02 * mask.size]
        return np.where(parts == int(rng.choice(large)), mask, 0).astype(np.uint8) if len(large) > 1 else mask

    def _sample(self, layer: Layer, meant: UInt8Array, weight: float, rng: np.random.Generator) -> dict[str, Tensor]:
        rgb = degrade(jitter_colors(layer.rgb, rng), rng)
        return {
            "image": torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))),
            "subject": torch.from_numpy(layer.mask[None]),
            "object": torch.from_numpy(np.ascontiguousarray(meant)[None]),
            "prompt": torch.from_numpy(prompt_for(meant, rng)),
            "classes": torch.from_numpy(layer.classes),
            "two_pass": torch.tensor(rng.uniform() < self.two_pass_prob),
            "weight": torch.tensor(weight),
        }
