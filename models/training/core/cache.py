"""Images decoded once into flat uint8 files, so that loading a sample while training costs one copy.

A table NAME is two files: `NAME.u8`, all images as H x W x 4 (RGB and a mask or alpha) one after another, and
`NAME.json`, a list with each image's name, set, kind, height, width and offset. `NAME.labels.u8`, where present,
holds one class map an image.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from models.training.core.arrays import UInt8Array
from models.training.core.images import read_gray, read_rgba

LABEL_SIZE = 129  # class maps are kept at this many pixels squared: a quarter of DeepLab's 513
LONGEST = 384


@dataclass(frozen=True)
class Entry:
    """One image of a table: where it lies and what is known about it."""

    name: str
    set: str
    kind: str
    height: int
    width: int
    offset: int


def read_masked(path: Path, mask: Path | None, longest: int = LONGEST) -> UInt8Array:
    """H x W x 4 uint8: RGB and the mask (or the image's own alpha, or 0 where there is neither).

    Raises ValueError when the sizes differ.
    """
    pixels = read_rgba(path)
    if mask is not None:
        alpha = read_gray(mask)
        if alpha.shape != pixels.shape[:2]:
            raise ValueError(f"{mask}: not a mask of the size of {path.name}")
        pixels = np.dstack([pixels[..., :3], alpha])
    scale = longest / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels)


def _listing(folder: Path) -> Iterator[tuple[Path, Path | None, str]]:
    """(image, mask or None, kind) of a data folder described by its sources.csv."""
    with (folder / "sources.csv").open(newline="") as rows:
        for row in sorted(csv.DictReader(rows), key=lambda row: row["file"]):
            yield folder / row["file"], folder / row["mask"] if row.get("mask") else None, row["kind"]


def write_table(folder: Path, out: Path, name: str) -> list[Entry]:
    """Decodes every image of `folder` into the table `name` under `out`; an existing table is kept."""
    index = out / f"{name}.json"
    if index.exists():
        return read_entries(index)
    out.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    offset = 0
    items = list(_listing(folder))
    with (out / f"{name}.u8").open("wb") as pixels_file, ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda item: read_masked(item[0], item[1]), items)
        for (path, _, kind), pixels in zip(items, decoded, strict=True):
            height, width = pixels.shape[:2]
            entries.append(Entry(path.stem, path.stem.split("_")[0], kind, height, width, offset))
            pixels_file.write(pixels.tobytes())
            offset += pixels.size
    index.write_text(json.dumps([asdict(entry) for entry in entries]))
    return entries


def read_entries(index: Path) -> list[Entry]:
    """The entries of a table, in order."""
    return [Entry(**row) for row in json.loads(index.read_text())]


class Table:
    """Read access to one table; `table[i]` is the image, a read-only H x W x 4 view into the file."""

    def __init__(self, root: Path, name: str) -> None:
        self.entries = read_entries(root / f"{name}.json")
        self._pixels = np.memmap(root / f"{name}.u8", np.uint8, "r")
        labels = root / f"{name}.labels.u8"
        self._labels = (
            np.memmap(labels, np.uint8, "r", shape=(len(self.entries), LABEL_SIZE, LABEL_SIZE))
            if labels.exists()
            else None
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> UInt8Array:
        entry = self.entries[index]
        size = entry.height * entry.width * 4
        return self._pixels[entry.offset : entry.offset + size].reshape(entry.height, entry.width, 4)

    def labels(self, index: int) -> UInt8Array | None:
        """LABEL_SIZE x LABEL_SIZE class numbers stretched over the whole image, or None where no teacher looked."""
        return None if self._labels is None else self._labels[index]
