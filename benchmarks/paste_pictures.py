"""What Poisson cloning cannot do, beside Inlay: python -m benchmarks.paste_pictures docs/images.

paste-shading.jpg: photographs of scikit-image of which a region is changed in color and light by T of Portenier et
al. 2019, from place to place: pasted as it is, by Poisson cloning, by Inlay, and the photograph itself.
paste-clutter.jpg: the astronaut cut out and placed where lamps, crockery and a table's grain meet her outline: pasted
as she is, by Poisson cloning, by Inlay.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from backend.io.rasters import raster, samples
from backend.operations import Context
from backend.operations.paste.composite import composite_subject
from backend.operations.paste.harmonize import Options, harmonize
from benchmarks.paste import Pixels, plain
from models.training.paste.transforms import SIGMA, rectangle_mask, transform
from plugin.client.actions import BY_NAME
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

HEIGHT = 300  # of an image in the sheets, pixels
SHADED = (("coffee", 8), ("astronaut", 6), ("chelsea", 9))
"""Photograph and seed."""


def shading(name: str, seed: int, context: Context) -> list[Pixels]:
    picture: Pixels = getattr(data, name)()
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    changed = transform(picture.astype(np.float32) / 255, SIGMA, rng, local=True)
    source = np.round(changed * 255).astype(np.uint8)
    square = rectangle_mask(min(height, width), rng)
    mask = np.zeros((height, width), bool)
    top, left = (height - len(square)) // 2, (width - len(square)) // 2
    mask[top : top + len(square), left : left + len(square)] = square
    mask[:2] = mask[-2:] = mask[:, :2] = mask[:, -2:] = False
    results = [harmonize(source, picture, mask, False, Options(method), context) for method in ("poisson", "auto")]
    return [plain(source, picture, mask), *results, picture]


def clutter(target: Pixels, context: Context) -> list[Pixels]:
    inputs = {"image": _layer(target), "source": _layer(data.astronaut())}
    found = []
    for method, strength in (("auto", 0.0), ("poisson", 100.0), ("auto", 100.0)):
        wish = {"method": method, "strength": strength, "x": 32.0, "y": 100.0, "size": 75.0, "shadow": 0.0}
        job = Job("paste.subject", BY_NAME["paste.subject"].check(wish), inputs)
        layer = composite_subject(job, context)[0].raster
        pixels, picture = samples(layer), target.copy()
        part = picture[layer.y : layer.y + layer.height, layer.x : layer.x + layer.width]
        alpha = pixels[..., 3:] / np.float32(255)
        part[...] = np.rint(part + alpha * (pixels[..., :3].astype(np.float32) - part))
        found.append(picture)
    return found


def _layer(picture: Pixels) -> Raster:
    return raster(np.ascontiguousarray(picture), PixelFormat("RGB", "u8"), 0, 0, b"")


def sheet(path: Path, rows: list[list[Pixels]]) -> None:
    """The rows below each other, each cut at the sides to the width of the narrowest."""
    strips = []
    for row in rows:
        small = [
            cv2.resize(p, (round(p.shape[1] * HEIGHT / len(p)), HEIGHT), interpolation=cv2.INTER_AREA) for p in row
        ]
        strips.append([np.pad(p, ((0, 4), (0, 4), (0, 0)), constant_values=255) for p in small])
    width = min(picture.shape[1] for strip in strips for picture in strip)
    stacked = np.vstack([np.hstack([p[:, (p.shape[1] - width) // 2 :][:, :width] for p in strip]) for strip in strips])
    cv2.imwrite(str(path), stacked[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    context = Context()
    sheet(folder / "paste-shading.jpg", [shading(name, seed, context) for name, seed in SHADED])
    sheet(folder / "paste-clutter.jpg", [clutter(target, context) for target in (data.coffee(), data.rocket())])


if __name__ == "__main__":
    main()
