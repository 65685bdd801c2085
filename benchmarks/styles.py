"""The bundled styles, measured and shown: python -m benchmarks.styles $INLAY_DATA [RUN/ema.safetensors] [--every N].

For each preset, on photos/dev at 384 px (shorter side): the relative Gram loss, sum over SqueezeNet 1.0 features 1, 3,
4, 7 and 9 of |G(result) - G(painting)|^2 / |G(painting)|^2, and the relative content loss at feature 7, mean
(F(result) - F(photo))^2 / mean F(photo)^2; last the same of photographs that are not repainted. `--sheet FILE` also
writes a contact sheet: each preset on three photographs that come along. Nothing else is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import backend
from backend.io import image_files
from backend.io.rasters import rgb
from backend.operations import Context
from backend.operations.style.network import NAME, network, stylized
from models.networks.transformer_net import TransformerNet
from models.training.style.export import load, measure
from models.training.style.scores import Score, mean_score
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

PHOTOGRAPHS = ("astronaut.jpg", "chelsea.png", "coffee.png")
CELL, GAP, TITLE = (300, 220), 8, 26  # pixels: an image's width and height, around it, above it
LARGER = 2  # images are painted at so many times their size in the sheet: strokes have a size of their own


def table(scores: dict[str, Score]) -> str:
    """A line a preset, then their mean and the worst, then the photographs as they are."""
    lines = ["| style | painting | Gram | content |", "| --- | --- | --- | --- |"]
    presets = {name: pair for name, pair in scores.items() if name != PHOTOGRAPH}
    lines += [
        f"| {name} | {PRESETS[name].painting} | {gram:.3f} | {content:.2f} |"
        for name, (gram, content) in presets.items()
    ]
    gram, content = mean_score(scores)
    lines.append(f"| mean | | {gram:.3f} | {content:.2f} |")
    lines.append(
        f"| largest | | {max(g for g, _ in presets.values()):.3f} | {max(c for _, c in presets.values()):.2f} |"
    )
    lines.append(f"| not repainted | | {scores[PHOTOGRAPH][0]:.3f} | {scores[PHOTOGRAPH][1]:.2f} |")
    return "\n".join(lines)


def sheet(net: TransformerNet, columns: int = 2) -> NDArray[np.uint8]:
    """A contact sheet: the photographs, then each preset on all of them; H x W x 3 RGB."""
    folder = Path(backend.__file__).parent / "demo"
    photos = [filling(rgb(image_files.read(folder / name))) for name in PHOTOGRAPHS]
    rows = [row_of("as photographed", photos)]
    for name, preset in PRESETS.items():
        painted = [stylized(photo, net, {name: 1.0}, 1.0, Context()) for photo in photos]
        rows.append(row_of(f"{name}  -  {preset.painting}", painted))
    while len(rows) % columns:
        rows.append(np.full_like(rows[0], 255))
    lines = [np.hstack(rows[i : i + columns]) for i in range(0, len(rows), columns)]
    return np.vstack(lines)


def filling(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut to the shape of a cell of the sheet, `LARGER` times its size."""
    width, height = CELL[0] * LARGER, CELL[1] * LARGER
    scale = max(width / photo.shape[1], height / photo.shape[0])
    scaled = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (scaled.shape[0] - height) // 4, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def row_of(title: str, photos: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    width = len(photos) * (CELL[0] + GAP) + 2 * GAP
    row = np.full((CELL[1] + TITLE + GAP, width, 3), 255, np.uint8)
    cv2.putText(row, title, (GAP, TITLE - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
    for i, photo in enumerate(photos):
        small = cv2.resize(photo, CELL, interpolation=cv2.INTER_AREA)
        row[TITLE : TITLE + CELL[1], GAP + i * (CELL[0] + GAP) :][:, : CELL[0]] = small
    return row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.styles", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder, with photos/dev, styles/ and reference/")
    parser.add_argument("weights", type=Path, nargs="?", help="weights of a run (default: the bundled ones)")
    parser.add_argument("--every", type=int, default=1, help="measure on each so-many-th photograph")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet to this file")
    options = parser.parse_args()
    context = Context(cache={NAME: load(options.weights)} if options.weights else {})
    net = network(context)
    if options.sheet:
        cv2.imwrite(str(options.sheet), cv2.cvtColor(sheet(net), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(table(measure(net, options.data, options.every)))


if __name__ == "__main__":
    main()
