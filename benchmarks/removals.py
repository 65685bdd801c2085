"""Ten things removed from photographs, before and after side by side: to be looked at.

    python -m benchmarks.removals DATA SHEET [--publishable] [--method auto]

DATA is the data folder ($INLAY_DATA). A person, an animal or a car is erased with the mask of its subjects, or as the
object in a box, with the settings that a person starts with. --publishable takes only photographs that may be shown
anywhere: the data folder's licence class `permissive`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.commands.paste import over
from backend.operations import Context, find
from backend.pixels import from_array, samples
from plugin.client.actions import BY_NAME
from plugin.client.jobs import Job

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]
HEIGHT = 300  # of each picture in the sheet, pixels
COLUMNS = 2

SUBJECTS: dict[str, Box | None] = {
    "subjects/train/images/ccp_0526.webp": None,
    "subjects/train/images/coco_000000013201.webp": None,
    "subjects/train/images/coco_000000442450.webp": None,
    "subjects/train/images/feral_group0732_b2782.webp": None,
    "subjects/train/images/coco_000000000025.webp": None,
    "subjects/train/images/labelme_person_104101.webp": None,
    "subjects/train/images/labelme_car_102141.webp": None,
    "subjects/train/images/labelme_car_101940.webp": None,
    "subjects/train/images/labelme_car_102294.webp": None,
    "photos/dev/kodak_12.jpg": (205, 55, 205, 345),
}
"""Photograph -> a box (x, y, width, height) around what is erased, None for the subject's mask."""
PUBLISHABLE: dict[str, Box | None] = {
    "photos/dev/kodak_12.jpg": (205, 55, 205, 345),
    "subjects/train/images/feral_group0032_47abb.webp": None,
    "subjects/train/images/feral_group0052_87151.webp": None,
    "subjects/train/images/feral_group0381_22794.webp": None,
    "subjects/train/images/feral_group0732_b2782.webp": None,
    "subjects/train/images/feral_group0188_27f8c.webp": None,
    "subjects/train/images/feral_group0686_29a88.webp": None,
    "photos/dev/kodak_03.jpg": (305, 165, 170, 200),
    "photos/dev/kodak_02.jpg": (210, 182, 108, 108),
    "photos/dev/kodak_22.jpg": (512, 330, 58, 76),
}


def erased(picture: Picture, hole: Picture, boxed: bool, method: str) -> Picture:
    """The picture (H x W x 3) without what the hole's mask (H x W, 0..255) or box means."""
    action = BY_NAME["fill.object" if boxed else "fill.selection"]
    inputs = {"image": from_array(picture), "selection": from_array(hole)}
    outputs = find(action.name)(Job(action.name, action.check({"method": method}), inputs), Context())
    return samples(over(outputs[0].raster, inputs["image"]))


def mask_of(path: Path, size: tuple[int, int]) -> Picture:
    """The subject's mask beside its photograph, of that size (width, height)."""
    mask = cv2.imread(str(path.parent.parent / "masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def licence_class(path: Path) -> str:
    folder = path.parent if (path.parent / "sources.csv").exists() else path.parent.parent
    with (folder / "sources.csv").open(newline="") as rows:
        return next(row["licence_class"] for row in csv.DictReader(rows) if row["file"].endswith(path.name))


def pair(path: Path, box: Box | None, method: str) -> Picture:
    """Before, with what is meant outlined, and after."""
    picture = np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])
    if box is None:
        hole = mask_of(path, picture.shape[1::-1])
    else:
        hole = np.zeros(picture.shape[:2], np.uint8)
        hole[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = 255
    after = erased(picture, hole, box is not None, method)
    outlines, _ = cv2.findContours((hole > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    before = cv2.drawContours(picture.copy(), outlines, -1, (255, 0, 0), 1)
    scale = HEIGHT / picture.shape[0]
    return np.hstack([cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for p in (before, after)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("sheet", type=Path, help="the picture to write")
    parser.add_argument("--publishable", action="store_true", help="only photographs that may be shown anywhere")
    parser.add_argument("--method", default="auto", choices=("auto", "network", "patches"))
    options = parser.parse_args()
    chosen = PUBLISHABLE if options.publishable else SUBJECTS
    if options.publishable:
        for name in chosen:
            if (found := licence_class(options.data / name)) != "permissive":
                raise SystemExit(f"{name} is of the licence class {found}: leave it out")
    pairs = [pair(options.data / name, box, options.method) for name, box in chosen.items()]
    width = max(p.shape[1] for p in pairs)
    padded = [np.pad(p, ((0, 6), (0, width + 6 - p.shape[1]), (0, 0)), constant_values=255) for p in pairs]
    padded += [np.full_like(padded[0], 255)] * (-len(padded) % COLUMNS)
    rows = [np.hstack(padded[i : i + COLUMNS]) for i in range(0, len(padded), COLUMNS)]
    cv2.imwrite(str(options.sheet), np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
