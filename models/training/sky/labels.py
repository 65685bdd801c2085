"""Labels of the sky: what a reference network answers, after its answers were looked at.

The table `sky` of a cache holds photographs with the teacher's soft mask. An image's kind is SKY or NONE.
`verdicts.csv` beside this file says what was seen when the teacher's masks were looked at: by the image's name that its
mask is right ("sky"), that there is no sky ("none"), or that the mask is not to be used ("unusable"). An image that
nobody has looked at counts only where the teacher finds no sky at all; else it is left out.

The reference network itself is never shipped; its answers are soft training targets.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from models.imagenet import normalize_pixels
from models.training.core.arrays import FloatArray, UInt8Array
from models.training.core.cache import Entry, read_masked
from models.zoo.runtimes.ncnn import NcnnNet

SKY, NONE = "sky", "none"
VERDICTS = Path(__file__).with_name("verdicts.csv")
TEACHER = "skysegsmall_sim-opt-fp16"
OUTPUT = "1959"
SIDE = 384  # pixels a side at which the teacher looks
FOLDERS = ("photos/train", "photos/dev", "subjects/train/images")
EVERY_SUBJECT = 4  # each so-many-th photograph of a subject is taken
FAINT = 0.25  # probability that no pixel of an image without a sky reaches


class Teacher:
    """The reference network as a function of one RGB image."""

    def __init__(self, folder: Path) -> None:
        self._net = NcnnNet(folder / f"{TEACHER}.param", folder / f"{TEACHER}.bin", "cpu")

    def __call__(self, image: UInt8Array) -> FloatArray:
        """H x W x 3 uint8 -> H x W, 0..1."""
        small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        planes = np.ascontiguousarray(normalize_pixels(small).transpose(2, 0, 1))[None]
        answer = self._net({"": planes}, (OUTPUT,))[OUTPUT]
        found = np.clip(answer.reshape(SIDE, SIDE), 0, 1)
        return np.asarray(cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def kind_of(name: str, mask: FloatArray, verdicts: Mapping[str, str]) -> str | None:
    """SKY or NONE, None where the image is left out.

    Args:
        name: of the image.
        mask: H x W, the teacher's answer.
        verdicts: as `read_verdicts` gives them.
    """
    if name in verdicts:
        return verdicts[name] if verdicts[name] in (SKY, NONE) else None
    return NONE if float(mask.max()) < FAINT else None


def read_verdicts(path: Path = VERDICTS) -> dict[str, str]:
    """What was seen in the images that were looked at: name -> "sky", "none" or "unusable"."""
    with path.open(newline="") as rows:
        return {row["name"]: row["verdict"] for row in csv.DictReader(rows)}


def _files(data: Path) -> Iterator[tuple[str, Path]]:
    """(set, image) of all folders, in order; of images of one name, which are the same, the first."""
    names: set[str] = set()
    for folder in FOLDERS:
        files = sorted(path for path in (data / folder).iterdir() if path.suffix in (".webp", ".jpg", ".png"))
        every = EVERY_SUBJECT if folder.startswith("subjects") else 1
        for path in files[::every]:
            if path.stem not in names:
                yield folder.replace("/", "_"), path
            names.add(path.stem)


def write_sky_table(data: Path, out: Path) -> list[Entry]:
    """Writes the table `sky` under `out`: the images of a data folder as the teacher labels them, verdicts applied.

    Args:
        data: the data folder: photos, subjects and reference.
        out: the cache folder.

    Returns:
        The table's entries.
    """
    out.mkdir(parents=True, exist_ok=True)
    teacher, verdicts = Teacher(data / "reference"), read_verdicts()
    entries: list[Entry] = []
    offset = 0
    with (out / "sky.u8").open("wb") as file:
        for folder, path in _files(data):
            pixels = read_masked(path, None)
            mask = teacher(np.ascontiguousarray(pixels[..., :3]))
            kind = kind_of(path.stem, mask, verdicts)
            if kind is None:
                continue
            pixels[..., 3] = np.round(255 * mask) if kind == SKY else 0
            height, width = pixels.shape[:2]
            entries.append(Entry(path.stem, folder, kind, height, width, offset))
            file.write(pixels.tobytes())
            offset += pixels.size
    (out / "sky.json").write_text(json.dumps([asdict(entry) for entry in entries]))
    return entries


def held_out(entry: Entry) -> bool:
    """Whether an image is kept from training: all of photos/dev, and by its name an eighth of the other photographs."""
    return entry.set == "photos_dev" or (entry.set == "photos_train" and zlib.crc32(entry.name.encode()) % 8 == 0)
