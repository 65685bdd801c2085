"""Ten things removed from photographs, before and after side by side: to be looked at.

    python -m benchmarks.removals DATA SHEET [--method auto]

DATA is the data folder ($INLAY_DATA). People, cars and animals are removed with the settings that a user starts with:
the masks of its subjects, and a car or a shadow as a box. All photographs may be shown anywhere: of the data folder's
license class `permissive`, or CC BY with the credit below the sheet in docs/fill.md.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.cli.paste import over
from backend.imaging.arrays import UInt8Array
from backend.io.rasters import from_array, samples
from backend.operations import Context, find
from plugin.client.actions import BY_NAME
from plugin.client.messages import Job

Box = tuple[int, int, int, int]
HEIGHT = 300  # of each image in the sheet, pixels
WIDTH = 1700  # of the sheet at most, pixels


@dataclass(frozen=True)
class Removal:
    """What is removed from a photograph: its subject, or not, and boxes (x, y, width, height)."""

    photograph: str
    subject: bool = True
    boxes: tuple[Box, ...] = ()


REMOVALS = (
    Removal("subjects/train/images/ccp_0448.webp"),
    Removal("subjects/train/images/ccp_0409.webp"),
    Removal("subjects/train/images/ccp_0801.webp", boxes=((96, 240, 117, 72),)),
    Removal("subjects/train/images/ccp_0500.webp", subject=False, boxes=((158, 106, 58, 62),)),
    Removal("subjects/train/images/ccp_0764.webp", subject=False, boxes=((182, 112, 31, 30),)),
    Removal("subjects/train/images/feral_group0927_53733.webp"),
    Removal("subjects/train/images/feral_group1057_62018.webp"),
    Removal("subjects/train/images/caltech_elephant_0002.webp"),
    Removal("subjects/train/images/caltech_emu_0039.webp"),
    Removal("subjects/train/images/caltech_rhino_0050.webp"),
)


def removed(image: UInt8Array, hole: UInt8Array, method: str) -> UInt8Array:
    """The image (H x W x 3) with the hole (H x W, 0..255) filled."""
    action = BY_NAME["fill.selection"]
    inputs = {"image": from_array(image), "selection": from_array(hole)}
    outputs = find(action.name)(Job(action.name, action.check({"method": method}), inputs), Context())
    return samples(over(outputs[0].raster, inputs["image"]))


def mask_of(path: Path, size: tuple[int, int]) -> UInt8Array:
    """The subject's mask beside its photograph, of that size (width, height)."""
    mask = cv2.imread(str(path.parent.parent / "masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def may_be_shown(path: Path) -> bool:
    """Whether a photograph's license lets anybody show it, changed, if its source is named."""
    folder = path.parent if (path.parent / "sources.csv").exists() else path.parent.parent
    with (folder / "sources.csv").open(newline="") as rows:
        source = next(row for row in csv.DictReader(rows) if row["file"].endswith(path.name))
    return source["licence_class"] == "permissive" or source["license"].startswith("CC BY 4.0")


def pair(data: Path, removal: Removal, method: str) -> UInt8Array:
    """Before, with what is meant outlined, and after."""
    path = data / removal.photograph
    image = np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])
    hole = mask_of(path, image.shape[1::-1]) if removal.subject else np.zeros(image.shape[:2], np.uint8)
    for x, y, width, height in removal.boxes:
        hole[y : y + height, x : x + width] = 255
    after = removed(image, hole, method)
    outlines, _ = cv2.findContours((hole > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    before = cv2.drawContours(image.copy(), outlines, -1, (255, 0, 0), 1)
    scale = HEIGHT / image.shape[0]
    return np.hstack([cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for p in (before, after)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("sheet", type=Path, help="the image to write")
    parser.add_argument("--method", default="auto", choices=("auto", "network", "patches"))
    options = parser.parse_args()
    for removal in REMOVALS:
        if not may_be_shown(options.data / removal.photograph):
            raise SystemExit(f"{removal.photograph}: its license does not let everybody show it, leave it out")
    pairs = [pair(options.data, removal, options.method) for removal in REMOVALS]
    rows: list[list[UInt8Array]] = [[]]
    for found in sorted(pairs, key=lambda image: image.shape[1]):
        if sum(image.shape[1] for image in rows[-1]) + found.shape[1] > WIDTH:
            rows.append([])
        rows[-1].append(np.pad(found, ((0, 6), (0, 6), (0, 0)), constant_values=255))
    lines = [np.hstack(row) for row in rows]
    width = max(line.shape[1] for line in lines)
    lines = [np.pad(p, ((0, 0), (0, width - p.shape[1]), (0, 0)), constant_values=255) for p in lines]
    cv2.imwrite(str(options.sheet), np.vstack(lines)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
