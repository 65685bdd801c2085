"""Ten real pastes, not chosen for the result: python -m benchmarks.paste_images docs/images.

paste-objects.jpg: the subjects of the demo's four photographs, cut out by Inlay itself, each put on the others by the
default settings, the first ten of these pairs. Side by side: the plain paste, Poisson cloning, Inlay.
"""

from __future__ import annotations

import argparse
from itertools import islice, permutations
from pathlib import Path

import cv2
import numpy as np

from backend.imaging.arrays import UInt8Array
from backend.io.image_files import read
from backend.io.rasters import from_array, rgb, samples
from backend.operations import Context
from backend.operations.paste.composite import composite_subject, cut_subject
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster
from plugin.client.messages import Job

DEMO = Path(__file__).parent.parent / "backend" / "demo"
PHOTOGRAPHS = ("astronaut.jpg", "chelsea.png", "coffee.png", "rocket.jpg")
COUNT = 10
WIDTH = 300  # of an image in the sheet, pixels
METHODS: tuple[dict[str, Value], ...] = ({"strength": 0.0}, {"method": "poisson"}, {})


def paste(subject: Raster, ground: Raster, context: Context, **options: Value) -> UInt8Array:
    """A subject that is cut out already, two thirds as high as the ground, in its middle."""
    asked = BY_NAME["paste.subject"].check({"x": 50.0, "y": 98.0, "size": 66.0, "shadow": 0.0, **options})
    job = Job("paste.subject", asked, {"image": ground, "source": subject})
    layer = composite_subject(job, context)[0].raster
    result: UInt8Array = rgb(ground).copy()
    left, top = max(layer.x, 0), max(layer.y, 0)
    part = result[top : layer.y + layer.height, left : layer.x + layer.width]
    pixels = samples(layer)[top - layer.y :, left - layer.x :][: part.shape[0], : part.shape[1]]
    share = pixels[..., 3:] / np.float32(255)
    part[...] = np.rint(part + share * (pixels[..., :3].astype(np.float32) - part))
    return result


def sheet(path: Path) -> None:
    """Writes the sheet: two pairs of photographs a row, three images a pair."""
    context = Context()
    photographs = {name: from_array(np.ascontiguousarray(rgb(read(DEMO / name)))) for name in PHOTOGRAPHS}
    asked = BY_NAME["paste.subject"].check({})
    subjects = {
        name: cut_subject(image, Job("paste.subject", asked, {"source": image}), context)
        for name, image in photographs.items()
    }
    strips = []
    for one, other in islice(permutations(PHOTOGRAPHS, 2), COUNT):
        row = [paste(subjects[one], photographs[other], context, **options) for options in METHODS]
        height = round(WIDTH * row[0].shape[0] / row[0].shape[1])
        small = [cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA) for image in row]
        strips.append(np.hstack([np.pad(x, ((0, 4), (0, 4), (0, 0)), constant_values=255) for x in small]))
    rows = []
    for pair in zip(strips[::2], strips[1::2], strict=True):
        height = max(len(strip) for strip in pair)
        rows.append(np.hstack([np.pad(s, ((0, height - len(s)), (0, 8), (0, 0)), constant_values=255) for s in pair]))
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    sheet(parser.parse_args().folder / "paste-objects.jpg")


if __name__ == "__main__":
    main()
