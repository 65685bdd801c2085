"""The sky: scores on photographs kept from training, time at 12 megapixels, and sheets to be looked at.

    python -m benchmarks.sky DATA CACHE [--every 1] [--weights RUN/ema.safetensors]
    python -m benchmarks.sky DATA --sheets FOLDER
    python -m benchmarks.sky DATA --timed 5

DATA is the data folder ($INLAY_DATA), CACHE a cache folder with the table `sky` of `python -m models.training
label-sky`. The masks there are the reference network's, as far as they passed the eye, so that its own IoU with them
would say nothing: it is counted in photographs without a sky alone. What is in the sheets may be shown anywhere: Kodak
has released these photographs for any use.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from backend.imaging.arrays import FloatArray, UInt8Array
from backend.io.rasters import from_array, samples
from backend.operations import Context, OperationError, find
from models.training.core.cache import Table
from models.training.segmentation.scores import mask_iou
from models.training.sky.export import load
from models.training.sky.labels import SKY, Teacher, held_out
from models.training.sky.scores import ALARM, predict_sky
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster
from plugin.client.messages import Job

WEIGHTS = Path("models/zoo/weights/sky.safetensors")
SHOWN = ("kodak_22", "kodak_20")
OTHERS = ("kodak_12", "kodak_12")
"""Of photos/dev: photographs with a sky, and those whose sky they get."""

TEACHER = "skysegsmall"
HEIGHT = 300  # of each image in a sheet, pixels
SIZES = (320, 384)
Method = Callable[[UInt8Array], FloatArray]


def run(name: str, **inputs: Raster | Value) -> list[Raster]:
    """What an action gives; no image where nothing is found."""
    images = {key: value for key, value in inputs.items() if isinstance(value, Raster)}
    settings = {key: value for key, value in inputs.items() if not isinstance(value, Raster)}
    try:
        outputs = find(name)(Job(name, BY_NAME[name].check(settings), images), Context())
    except OperationError:
        return []
    return [output.raster for output in outputs]


def refined(image: UInt8Array) -> FloatArray:
    """What Select Sky selects, 0..1."""
    found = run("select.sky", image=from_array(image))
    return samples(found[0])[..., 0] / np.float32(255) if found else np.zeros(image.shape[:2], np.float32)


def methods(weights: Path, reference: Path) -> Iterator[tuple[str, Method]]:
    """By name: from an image H x W x 3 to the sky in it, H x W."""
    net = load(weights)
    for size in SIZES:
        yield f"Inlay, network alone at {size} px", lambda image, size=size: predict_sky(net, image, size)
    yield "Inlay, Select Sky", refined
    yield TEACHER, Teacher(reference)


def scores(data: Path, cache: Path, weights: Path, every: int) -> None:
    """Prints the table of IoU and false alarms."""
    table = Table(cache, "sky")
    kept = [i for i, entry in enumerate(table.entries) if held_out(entry)][::every]
    skies = [i for i in kept if table.entries[i].kind == SKY]
    others = [i for i in kept if table.entries[i].kind != SKY]
    print(f"{len(skies)} photographs with a sky, {len(others)} without\n")
    print("| method | mean IoU | median IoU | least | below .9 | false alarms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, method in methods(weights, data / "reference"):
        ious = []
        for i in skies if name != TEACHER else []:
            pixels = np.asarray(table[i])
            ious.append(mask_iou(method(np.ascontiguousarray(pixels[..., :3])) > 0.5, pixels[..., 3] > 127))
        alarms = sum((method(np.ascontiguousarray(table[i][..., :3])) > 0.5).mean() > ALARM for i in others)
        values = [f"{x:.3f}" for x in (np.mean(ious), np.median(ious), min(ious))] if ious else [""] * 3
        low = sum(iou < 0.9 for iou in ious) if ious else ""
        print(f"| {name} | {' | '.join(values)} | {low} | {alarms} |", flush=True)


def sheets(data: Path, folder: Path) -> None:
    """Writes sky.jpg, photographs and what is selected of them, and replaced-skies.jpg, with each other's skies."""
    images = {path.stem: _read(path) for path in sorted((data / "photos/dev").glob("kodak_*.*"))}
    first, second = [], []
    for name, other in zip(SHOWN, OTHERS, strict=True):
        image = images[name]
        sky = refined(image)[..., None]
        magenta = np.array([255, 0, 255], np.float32)
        marked = (image * (1 - 0.6 * sky) + magenta * 0.6 * sky).astype(np.uint8)
        first.append(np.hstack([_shown(image), _shown(marked)]))
        raster = from_array(image)
        found = run("paste.sky", image=raster, sky=from_array(images[other]))
        second.append(np.hstack([_shown(image), _shown(images[other]), _shown(samples(found[0]))]))
    for name, rows in (("sky.jpg", first), ("replaced-skies.jpg", second)):
        width = max(row.shape[1] for row in rows)
        padded = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
        cv2.imwrite(str(folder / name), np.vstack(padded)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def _read(path: Path) -> UInt8Array:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(path)), np.uint8)[..., ::-1])


def _shown(image: UInt8Array) -> UInt8Array:
    size = round(image.shape[1] * HEIGHT / image.shape[0]), HEIGHT
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def timed(data: Path, rounds: int) -> None:
    """Prints seconds from submit to result at 12 megapixels, through a backend process."""
    from benchmarks.select_speed import photograph
    from benchmarks.select_speed import timed as through_backend

    image = photograph(data / "photos/dev" / f"{SHOWN[0]}.jpg")
    sky = photograph(data / "photos/dev" / f"{OTHERS[0]}.jpg")

    def jobs(number: int) -> Iterator[Job]:
        own = image.copy()
        own[0, 0, 0] = number
        rasters = {"image": from_array(own)}
        yield Job("select.sky", BY_NAME["select.sky"].check({}), rasters)
        yield Job("paste.sky", BY_NAME["paste.sky"].check({}), rasters | {"sky": from_array(sky)})

    times, memory = through_backend(jobs, rounds)
    for name, row in zip(("Select Sky", "Replace Sky"), zip(*times, strict=True), strict=True):
        print(f"{name}: median {statistics.median(row):.2f}, least {min(row):.2f}, most {max(row):.2f} s")
    print(f"peak memory of the worker: {memory} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--sheets", type=Path, metavar="FOLDER")
    parser.add_argument("--timed", type=int, metavar="ROUNDS")
    options = parser.parse_args()
    if options.cache:
        scores(options.data, options.cache, options.weights, options.every)
    if options.sheets:
        sheets(options.data, options.sheets)
    if options.timed:
        timed(options.data, options.timed)


if __name__ == "__main__":
    main()
