"""A sheet of images as styles: each of them, and what one pass makes of three photographs that come along.

python -m benchmarks.any_style IMAGE [IMAGE ...] --sheet FILE.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

import backend
from backend.io import image_files
from backend.io.rasters import rgb
from backend.operations import Context
from backend.operations.style.arbitrary import painter
from backend.operations.style.network import mixture, stylized
from benchmarks.styles import PHOTOGRAPHS, filling, row_of
from models.networks.style_predictor import STYLE_IMAGE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="+", type=Path)
    parser.add_argument("--sheet", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    folder, context = Path(backend.__file__).parent / "demo", Context()
    photos = [filling(rgb(image_files.read(folder / name))) for name in PHOTOGRAPHS]
    rows = []
    for path in options.styles:
        style = image_files.read(path)
        net = painter(style, context)
        painted = [stylized(photo, net, mixture(STYLE_IMAGE, 1.0), 1.0, context) for photo in photos]
        rows.append(row_of(path.stem.replace("_", " "), [filling(rgb(style)), *painted]))
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(options.sheet), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
