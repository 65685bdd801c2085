"""Labels for the images of a cache: 21 PASCAL classes, subjects where reference networks (TFLite) agree, and subjects
of which our own network is sure.

Needs the `train` extra (ai-edge-litert). The reference networks themselves are never shipped; their answers are soft
training targets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.imagenet import normalize_pixels
from models.networks.subject_net import SubjectNet
from models.training.core.arrays import UInt8Array
from models.training.core.cache import LABEL_SIZE, Table
from models.training.core.loop import autocast
from models.voc import VOC_CLASSES

PERSON = VOC_CLASSES.index("person")
FURNITURE = tuple(VOC_CLASSES.index(name) for name in ("chair", "dining table", "sofa"))  # seldom the subject


class TFLite:
    """A TFLite network as a function of one RGB image."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._net: Any = Interpreter(str(path), num_threads=threads)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]
        self._output = self._net.get_output_details()[0]

    def __call__(self, image: UInt8Array) -> NDArray[Any]:
        """image: H x W x 3 uint8 RGB, stretched to the input size. Returns the first output without its batch
        axis."""
        _, height, width, _ = self._input["shape"]
        resized = cv2.resize(image, (int(width), int(height)), interpolation=cv2.INTER_AREA)
        value = resized if self._input["dtype"] == np.uint8 else resized.astype(np.float32) / 255
        self._net.set_tensor(self._input["index"], value[None])
        self._net.invoke()
        return np.asarray(self._net.get_tensor(self._output["index"])[0])


def write_labels(root: Path, name: str, deeplab: TFLite) -> None:
    """Writes DeepLab's class map of every image of table `name` to NAME.labels.u8 (composited cut-outs aside)."""
    table = Table(root, name)
    maps = np.empty((len(table), LABEL_SIZE, LABEL_SIZE), np.uint8)
    for i in range(len(table)):
        labels = deeplab(table[i][..., :3])
        maps[i] = labels[2::4, 2::4][:LABEL_SIZE, :LABEL_SIZE] if labels.shape[0] > 4 * LABEL_SIZE else labels[::4, ::4]
    maps.tofile(root / f"{name}.labels.u8")


def agreed_subject(labels: UInt8Array, portrait: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The subject on which the teachers agree, as a LABEL_SIZE-squared soft mask, or None.

    labels: DeepLab's class map. portrait: probability of a person from a portrait network, same size. People count
    where the two agree (IoU above 0.8); anything else where one class fills one blob of 4 to 60 % of the image that
    lies near the middle.
    """
    person = labels == PERSON
    if person.mean() > 0.04:
        sure = portrait > 0.5
        union = np.count_nonzero(person | sure)
        agree = np.count_nonzero(person & sure) / max(int(union), 1)
        others = np.count_nonzero((labels > 0) & ~person & ~np.isin(labels, FURNITURE))
        return np.asarray((person + portrait) / 2) if agree > 0.8 and others < 0.1 * union else None
    things = (labels > 0) & ~np.isin(labels, FURNITURE)
    area = np.count_nonzero(things)
    if not 0.04 < area / labels.size < 0.6 or np.bincount(labels[things]).max() < 0.9 * area:
        return None
    _, _, stats, centers = cv2.connectedComponentsWithStats(things.astype(np.uint8))
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    off_center = np.abs(centers[largest] / LABEL_SIZE - 0.5).max()
    if stats[largest, cv2.CC_STAT_AREA] < 0.9 * area or off_center > 0.2:
        return None
    return np.asarray(cv2.GaussianBlur(things.astype(np.float32), (5, 5), 0))


def people_in_a_scene(labels: UInt8Array) -> NDArray[np.float32] | None:
    """DeepLab's people as a soft mask, where they are the only ones in a wider scene to be its subject, or None.

    The portrait networks know faces near the camera; of people across a street only DeepLab tells.
    """
    person = labels == PERSON
    others = np.count_nonzero((labels > 0) & ~person & ~np.isin(labels, FURNITURE))
    if not 0.008 < person.mean() < 0.5 or others > 0.25 * np.count_nonzero(person):
        return None
    opened = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened)
    if not 2 <= count <= 6 or stats[1:, cv2.CC_STAT_AREA].max() < 0.005 * labels.size:
        return None
    return np.asarray(cv2.GaussianBlur(person.astype(np.float32), (5, 5), 0))


def write_agreed(root: Path, name: str, portrait: TFLite) -> int:
    """Writes NAME.agreed.json (numbers of the images) and NAME.agreed.u8 (their masks), those of people in a scene
    twice; returns how many there are.

    Raises ValueError when the table has no class labels yet.
    """
    table = Table(root, name)
    numbers, masks = [], []
    for i in range(len(table)):
        labels = table.labels(i)
        if labels is None:
            raise ValueError(f"table {name} has no class labels yet")
        answer = portrait(table[i][..., :3])
        answer = answer[..., 0] if answer.shape[-1] == 1 else 1 / (1 + np.exp(answer[..., 0] - answer[..., 1]))
        mask = agreed_subject(labels, cv2.resize(answer.astype(np.float32), (LABEL_SIZE, LABEL_SIZE)))
        times = 1
        if mask is None:
            mask, times = people_in_a_scene(labels), 2  # few, and what the labeled images lack
        if mask is not None:
            numbers += [i] * times
            masks += [np.round(mask * 255).astype(np.uint8)] * times
    (root / f"{name}.agreed.json").write_text(json.dumps(numbers))
    np.asarray(masks, np.uint8).tofile(root / f"{name}.agreed.u8")
    return len(numbers)


@torch.no_grad()
def _views(net: SubjectNet, photo: UInt8Array, sizes: Sequence[int]) -> list[NDArray[np.float32]]:
    """The subject's probability at each size, as it is and mirrored, each LABEL_SIZE squared."""
    masks = []
    for size in sizes:
        rgb = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
        image = torch.from_numpy(normalize_pixels(rgb)).permute(2, 0, 1)
        batch = torch.stack([image, image.flip(-1)]).contiguous(memory_format=torch.channels_last)
        with autocast(batch.device, bf16=True):
            logits = net.subject(net.encode(batch)).float()
        straight, mirrored = torch.sigmoid(logits)[:, 0]
        masks += [cv2.resize(m.numpy(), (LABEL_SIZE,) * 2) for m in (straight, mirrored.flip(-1).contiguous())]
    return masks


def sure_subject(views: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """The mean of several answers about one image, or None where they differ or are unsure.

    Each answer must have an IoU above 0.7 with the mean; the subject fills 2 to 70 % of the image, and the pixels
    between 0.2 and 0.8 are fewer than two fifths of it.
    """
    mean = np.mean(views, 0)
    inside = mean > 0.5
    area = np.count_nonzero(inside)
    unsure = np.count_nonzero((mean > 0.2) & (mean < 0.8))
    if not 0.02 < area / mean.size < 0.7 or unsure > 0.4 * area:
        return None
    for view in views:
        found = view > 0.5
        if np.count_nonzero(found & inside) < 0.7 * np.count_nonzero(found | inside):
            return None
    return np.asarray(mean)


def write_sure(root: Path, name: str, nets: Sequence[SubjectNet], sizes: Sequence[int] = (256, 320)) -> int:
    """Adds to NAME.agreed.* the images whose subject all `nets` see alike at all sizes and mirrored (self-training);
    returns how many. Those that are there already stay as they are."""
    table = Table(root, name)
    index, data = root / f"{name}.agreed.json", root / f"{name}.agreed.u8"
    numbers: list[int] = json.loads(index.read_text())
    known = set(numbers)
    with data.open("ab") as file:
        for i in range(len(table)):
            if i in known:
                continue
            image = np.ascontiguousarray(table[i][..., :3])
            mask = sure_subject([view for net in nets for view in _views(net, image, sizes)])
            if mask is not None:
                file.write(np.round(mask * 255).astype(np.uint8).tobytes())
                numbers.append(i)
    index.write_text(json.dumps(numbers))
    return len(numbers) - len(known)
