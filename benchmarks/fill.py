"""Filling holes beside what there is elsewhere: error and likeness inside the hole, method by method.

    python -m benchmarks.fill DATA [--every N] [--methods patches telea ...] [--weights RUN] [--keep FOLDER]
        [--set NAME=VALUE ...]
    python -m benchmarks.fill DATA --speed

DATA is the data folder ($INLAY_DATA). The images are 512 px crops from the middle of its photos/dev, each with an
irregular hole and with one of an object's shape, of 5 to 25 % of the area. L1 and PSNR are on 0..255; SSIM; and the
feature distance: squeezenet1_0 at six taps, unit length per pixel, squared difference, summed over taps. G'MIC's
matchpatch takes part where `gmic` is installed, and the network (alone, and as the guide of patches: auto) where its
weights are. --keep holds the images, the holes, every method's fills and the scores: a fill that is there already is
not made again, so that methods can be measured one after the other. --set gives a setting of the patches' search
(`InpaintingConfig`) another value, to see what it is worth. --speed times a round hole of 400 px in 2048 x 2048
and in 12 megapixels.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from skimage.metrics import structural_similarity
from skimage.restoration import inpaint_biharmonic

from backend.imaging.arrays import BoolArray, UInt8Array
from backend.imaging.inpainting.config import InpaintingConfig
from backend.imaging.inpainting.patch_fill import inpaint
from backend.io.rasters import from_array, samples
from backend.operations import Context, find
from backend.operations.fill import content_aware, structure_prior
from backend.operations.networks import Network, cache_key
from models.training.core.perceptual import SQUEEZENET_SCORE, FeatureNetwork, feature_distance
from models.training.fill.masks import object_shape
from models.training.fill.train import load
from plugin.client.actions import BY_NAME, Value
from plugin.client.messages import Job

SIDE = 512
SMALLEST, LARGEST = 0.05, 0.25
TRAINED_AT = 256  # side in pixels of the images of a run whose weights are not exported yet
Method = Callable[[UInt8Array, BoolArray], UInt8Array]


@dataclass(frozen=True)
class Case:
    """An image (H x W x 3, RGB), its number, its hole, and what kind of hole it is."""

    number: int
    kind: str
    image: UInt8Array
    hole: BoolArray


class Inlay:
    """The operation, without the growth and the feather that the user wants and a comparison does not.

    kept: what its worker has in memory: the network.
    """

    def __init__(self, method: str, kept: dict[str, Any]) -> None:
        self.method, self.kept = method, kept

    def __call__(self, image: UInt8Array, hole: BoolArray) -> UInt8Array:
        action = BY_NAME["fill.selection"]
        settings: dict[str, Value] = action.check({"method": self.method, "grow": 0, "feather": 0.0})
        inputs = {"image": from_array(image), "selection": from_array(hole.astype(np.uint8) * 255)}
        job = Job(action.name, settings, inputs)
        layer = find(action.name)(job, Context(cache=self.kept))[0].raster
        result = image.copy()
        window = result[layer.y : layer.y + layer.height, layer.x : layer.x + layer.width]
        found = samples(layer)
        np.copyto(window, found[..., :3], where=found[..., 3:] == 255)
        return result


def opencv(flag: int) -> Method:
    return lambda image, hole: cv2.inpaint(image, hole.astype(np.uint8) * 255, 5, flag)


def biharmonic(image: UInt8Array, hole: BoolArray) -> UInt8Array:
    filled = inpaint_biharmonic(image, hole, channel_axis=2)
    return np.rint(np.clip(filled, 0, 1) * 255).astype(np.uint8)


def matchpatch(photo: UInt8Array, hole: BoolArray) -> UInt8Array:
    with tempfile.TemporaryDirectory() as folder:
        image, mask, out = (Path(folder) / name for name in ("image.png", "mask.png", "out.png"))
        cv2.imwrite(str(image), photo[..., ::-1])
        cv2.imwrite(str(mask), hole.astype(np.uint8) * 255)
        command = ["gmic", str(image), str(mask), "-inpaint_matchpatch[0]", "[1]", "-o[0]", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        return np.ascontiguousarray(cv2.imread(str(out), cv2.IMREAD_COLOR)[..., ::-1])


def methods(weights: Path | None) -> dict[str, Method]:
    """All that take part. weights: of a run, instead of the bundled network's."""
    kept: dict[str, Any] = {}
    if weights is not None:
        kept[cache_key(structure_prior.NAME)] = Network(load(weights), SimpleNamespace(input_size=TRAINED_AT))
    found: dict[str, Method] = {"patches": Inlay("patches", kept)}
    if structure_prior.network(Context(cache=kept)) is not None:
        found |= {"auto": Inlay("auto", kept), "network": Inlay("network", kept)}
    found |= {"telea": opencv(cv2.INPAINT_TELEA), "navier-stokes": opencv(cv2.INPAINT_NS), "biharmonic": biharmonic}
    return found | ({"matchpatch": matchpatch} if shutil.which("gmic") else {})


def cases(data: Path, every: int) -> Iterator[Case]:
    """The same images and holes at every call."""
    strokes = sorted((data / "masks/irregular").glob("*.png"))
    outlines = sorted((data / "subjects/dev/masks").glob("*.png"))
    for number, path in enumerate(sorted((data / "photos/dev").glob("*.jpg"))):
        if number % every:
            continue
        rng = np.random.default_rng(number)
        image = middle(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])
        draws: dict[str, Callable[[], BoolArray]] = {
            "irregular": lambda rng=rng: irregular(strokes, rng),  # type: ignore[misc]  # bound now, not at the call
            "object": lambda rng=rng: object_shape(  # type: ignore[misc]  # as above
                cv2.imread(str(outlines[int(rng.integers(len(outlines)))]), cv2.IMREAD_GRAYSCALE), SIDE, rng
            ),
        }
        for kind, draw in draws.items():
            hole = draw()
            while not SMALLEST <= hole.mean() <= LARGEST:
                hole = draw()
            yield Case(number, kind, image, np.where(hole, True, False))


def middle(image: UInt8Array) -> UInt8Array:
    """The square in the middle, of SIDE pixels; a smaller image is enlarged to have one."""
    scale = max(1.0, SIDE / min(image.shape[:2]))
    size = (max(SIDE, round(image.shape[1] * scale)), max(SIDE, round(image.shape[0] * scale)))
    large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC) if scale > 1 else image
    y, x = ((side - SIDE) // 2 for side in large.shape[:2])
    return np.ascontiguousarray(large[y : y + SIDE, x : x + SIDE])


def irregular(masks: list[Path], rng: np.random.Generator) -> BoolArray:
    mask = cv2.imread(str(masks[int(rng.integers(len(masks)))]), cv2.IMREAD_GRAYSCALE)
    hole: BoolArray = cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) > 127
    return hole


def scores(truth: UInt8Array, filled: UInt8Array, hole: BoolArray, net: FeatureNetwork) -> list[float]:
    """L1, PSNR, SSIM inside the hole, and the feature distance of the whole image with the fill in it."""
    error = (filled.astype(float) - truth)[hole]
    similar = structural_similarity(truth, filled, channel_axis=2, full=True)[1].mean(-1)[hole].mean()
    with torch.inference_mode():
        a, b = (torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in (truth, filled))
        distance = float(feature_distance(net, a, b))
    return [float(np.abs(error).mean()), float(10 * np.log10(255**2 / (error**2).mean())), float(similar), distance]


class Kept:
    """A folder of fills: cases/images, cases/masks and METHOD with NNN_KIND.png, and scores.csv with a line for each
    fill that is there."""

    FIELDS = ("case", "method", "l1", "psnr", "ssim", "distance", "seconds", "outside")

    def __init__(self, folder: Path) -> None:
        self.folder, self.table = folder, folder / "scores.csv"
        self.rows: dict[tuple[str, str], list[float]] = {}
        if self.table.exists():
            with self.table.open(newline="") as lines:
                for row in csv.DictReader(lines):
                    values = [float(row[name]) for name in self.FIELDS[2:]]
                    self.rows[row["case"], row["method"]] = values

    def write(self, folder: str, case: str, image: UInt8Array) -> None:
        path = self.folder / folder / f"{case}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)

    def add(self, case: str, method: str, filled: UInt8Array, values: list[float]) -> None:
        self.write(method, case, filled)
        new = not self.table.exists()
        with self.table.open("a", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerows([self.FIELDS] * new + [(case, method, *values)])


def measured(case: Case, method: Method, net: FeatureNetwork) -> tuple[UInt8Array, list[float]]:
    """The fill, and its scores, its seconds and how many pixels outside of the hole have changed."""
    bare = np.where(case.hole[..., None], np.uint8(255), case.image)  # what was in the hole must not help
    start = time.perf_counter()
    filled = method(bare, case.hole)
    seconds = time.perf_counter() - start
    outside = int((filled != case.image).any(2)[~case.hole].sum())
    whole = np.where(case.hole[..., None], filled, case.image)
    return whole, [*scores(case.image, whole, case.hole, net), seconds, outside]


def compare(data: Path, every: int, methods: dict[str, Method], keep: Path | None) -> None:
    net = FeatureNetwork.squeezenet(data / "reference/squeezenet1_0.safetensors", SQUEEZENET_SCORE)
    kept = None if keep is None else Kept(keep)
    table: dict[tuple[str, str], list[list[float]]] = {}
    for case in cases(data, every):
        name = f"{case.number:03}_{case.kind}"
        if kept:
            kept.write("cases/images", name, case.image)
            kept.write("cases/masks", name, case.hole.astype(np.uint8) * 255)
        for label, method in methods.items():
            values = kept.rows.get((name, label)) if kept else None
            if values is None:
                filled, values = measured(case, method, net)
                if kept:
                    kept.add(name, label, filled, values)
            table.setdefault((case.kind, label), []).append(values)
    print("| hole | method | n | L1 | PSNR | SSIM | feature distance | seconds | changed outside |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (kind, label), found in sorted(table.items()):
        l1, psnr, ssim, distance, seconds, outside = np.mean(found, 0)
        print(
            f"| {kind} | {label} | {len(found)} | {l1:.2f} | {psnr:.2f} | {ssim:.3f} | {distance:.4f} | {seconds:.2f} "
            f"| {outside:.0f} |"
        )


def speed(data: Path, methods: dict[str, Method]) -> None:
    """Wall clock and processor time of one hole in 4 MP, and of the same in 12 MP, where the region alone counts; and
    how many times as long the other takes: matchpatch in the same image, auto in the smaller one."""
    photo = cv2.imread(str(sorted((data / "photos/dev").glob("kodak*.jpg"))[0]), cv2.IMREAD_COLOR)[..., ::-1]
    print("| image | method | wall clock | processor |\n| --- | --- | --- | --- |")
    spent: dict[tuple[int, str], tuple[float, float]] = {}
    for width, height in ((2048, 2048), (4000, 3000)):
        image = np.ascontiguousarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_CUBIC))
        y, x = np.ogrid[:height, :width]
        hole = (y - height // 2) ** 2 + (x - width // 2) ** 2 < 200**2
        for name, method in methods.items():
            start, start_processor = time.perf_counter(), processor()
            method(image, hole)
            wall, own = time.perf_counter() - start, processor() - start_processor
            spent[width, name] = wall, own
            print(f"| {width} x {height} | {name} | {wall:.2f} s | {own:.2f} s |", flush=True)
    for label, one, other in (
        ("2048 x 2048: matchpatch to auto", (2048, "matchpatch"), (2048, "auto")),
        ("2048 x 2048: matchpatch to patches", (2048, "matchpatch"), (2048, "patches")),
        ("auto: 12 MP to 2048 x 2048", (4000, "auto"), (2048, "auto")),
        ("patches: 12 MP to 2048 x 2048", (4000, "patches"), (2048, "patches")),
    ):
        if one in spent and other in spent:
            wall, own = (a / b for a, b in zip(spent[one], spent[other], strict=True))
            print(f"{label}: {wall:.2f} times the wall clock, {own:.2f} times the processor time")


def processor() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th image")
    parser.add_argument("--methods", nargs="+", help="only these")
    parser.add_argument("--weights", type=Path, help="the network's, of a run (default: the bundled ones)")
    parser.add_argument("--keep", type=Path, help="folder for the fills and their scores; what is there is not redone")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the patches' search")
    parser.add_argument("--speed", action="store_true", help="time it instead")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    if options.set:
        values = {name: ast.literal_eval(value) for name, _, value in (pair.partition("=") for pair in options.set)}
        content_aware.inpaint = partial(inpaint, config=InpaintingConfig(**values))
    found = methods(options.weights)
    if options.methods:
        found = {name: found[name] for name in options.methods}
    if options.speed:
        speed(options.data, {name: found[name] for name in ("patches", "auto", "matchpatch") if name in found})
    else:
        compare(options.data, options.every, found, options.keep)


if __name__ == "__main__":
    main()
