"""Dust and scratches that were drawn into photographs: how much of them is found, and what else is.

    python -m benchmarks.blemishes DATA [--sensitivity N] [--sheets FOLDER]
    python -m benchmarks.blemishes DATA --speed
    python -m benchmarks.blemishes DATA --example docs/images/heal-dust.jpg

DATA is the data folder ($INLAY_DATA); its photos/dev are taken, and five photographs of scikit-image's. It says
how many of the spots are found by more than half, most of which lie on texture; what is found in the photographs as
they are, and beside the spots; and the error in their place as Heal Dust and Scratches and as OpenCV's Telea fills it.
--sheets writes what was found, in red, to be looked at. --speed heals 2,000 spots in 12 megapixels. --example writes
the image of the manual.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from skimage import data as photographs

from backend.imaging.arrays import BoolArray, FloatArray, UInt8Array
from backend.imaging.color.spaces import to_unit
from backend.imaging.inpainting.diffusion import diffused
from backend.imaging.masks.blemishes import blemishes
from backend.io.rasters import from_array, samples
from backend.operations import Context, find
from plugin.client.actions import BY_NAME
from plugin.client.messages import Job

OWN = ("coffee", "astronaut", "motorcycle_left", "rocket", "chelsea")
FINE = 4  # shapes are drawn so many times larger, for soft edges
SPOTS, SCRATCHES = 170, 8  # a megapixel
DRAWN = 0.3  # share of a pixel from which it counts as drawn on
TOUCHED = 0.02
SEEN = 10  # of 255: a spot that changes less is not seen


@dataclass(frozen=True)
class Spoiled:
    """A photograph with something drawn into it, H x W x 3 u8, and how much of each pixel that covers, H x W, 0..1."""

    image: UInt8Array
    cover: FloatArray
    clean: UInt8Array

    @property
    def touched(self) -> BoolArray:
        """Every pixel that is not as it was, and those right beside."""
        return np.asarray(cv2.dilate((self.cover > TOUCHED).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def images(folder: Path) -> list[tuple[str, UInt8Array]]:
    """The photographs, RGB, by name."""
    found = [(path.stem, _read(path)) for path in sorted((folder / "photos/dev").glob("*.jpg"))]
    own = Path(photographs.__file__).parent
    return found + [(name, _read(next(own.glob(f"{name}.*")))) for name in OWN]


def _read(path: Path) -> UInt8Array:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def with_dust(clean: UInt8Array, rng: np.random.Generator, spots: int | None = None) -> Spoiled:
    """Spots of 1.5 to 11 px, and scratches of 30 to 220 px, mostly upright, some bright, some dark, some blurred."""
    height, width = clean.shape[:2]
    size = height * width / 1e6
    image, cover = clean.astype(np.float32), np.zeros((height, width), np.float32)
    for _ in range(round(SPOTS * size) + 5 if spots is None else spots):
        diameter = float(np.exp(rng.uniform(np.log(1.5), np.log(11))))
        axes = (max(1, int(diameter * FINE / 2)), max(1, int(rng.uniform(0.6, 1) * diameter * FINE / 2)))
        side = int(diameter) + 8
        shape = np.zeros((side * FINE,) * 2, np.uint8)
        middle = side * FINE // 2
        cv2.ellipse(shape, (middle, middle), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
        _stamp(image, cover, shape, rng, bright=bool(rng.random() < 0.6))
    for _ in range(round(SCRATCHES * size) + 2):
        length, bend = rng.uniform(30, 220), rng.normal(0, 0.3) / 200
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else np.pi / 2 + rng.normal(0, 0.1)
        t = np.linspace(-0.5, 0.5, 40) * length
        bow = bend * t * t
        line = np.stack([np.cos(angle) * t - np.sin(angle) * bow, np.sin(angle) * t + np.cos(angle) * bow], 1)
        side = int(length) + 12
        shape = np.zeros((side * FINE,) * 2, np.uint8)
        points = ((line + side / 2) * FINE).astype(np.int32)
        cv2.polylines(shape, [points], False, 255, max(1, int(rng.uniform(1, 3) * FINE)))
        _stamp(image, cover, shape, rng, bright=bool(rng.random() < 0.7))
    return Spoiled(np.rint(image).astype(np.uint8), cover, clean)


def _stamp(image: FloatArray, cover: FloatArray, shape: UInt8Array, rng: np.random.Generator, bright: bool) -> None:
    """Draws a shape somewhere, brighter or darker by 15 to 60 % than what is there."""
    side = len(shape) // FINE
    alpha = cv2.resize(shape, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    if rng.random() < 0.5:
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.7), np.float32)
    height, width = cover.shape
    left, top = int(rng.integers(0, width)) - side // 2, int(rng.integers(0, height)) - side // 2
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    alpha = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
    part = image[y0:y1, x0:x1]
    changed = np.clip(part + 255 * rng.uniform(0.15, 0.6) * (1 if bright else -1), 0, 255)
    part[...] = part + alpha[..., None] * (changed - part)
    np.maximum(cover[y0:y1, x0:x1], alpha, out=cover[y0:y1, x0:x1])


@dataclass
class Score:
    """Sums over photographs."""

    megapixels: float = 0.0
    drawn: int = 0
    found: int = 0
    in_clean: int = 0
    clean_pixels: int = 0
    beside: int = 0
    error: float = 0.0
    telea: float = 0.0

    def lines(self, count: int) -> str:
        """What is to be said of so many photographs."""
        return "\n".join(
            (
                f"{count} photographs, {self.megapixels:.1f} megapixels",
                f"found: {self.found} of {self.drawn}, {100 * self.found / self.drawn:.1f} %",
                f"in the photographs as they are: {self.in_clean / self.megapixels:.1f} a megapixel, "
                f"{self.clean_pixels / self.megapixels / 1e4:.4f} % of the pixels",
                f"beside what was drawn: {self.beside / self.megapixels:.1f} a megapixel",
                f"mean absolute error where it was drawn: {self.error / count:.2f} (Telea {self.telea / count:.2f})",
            )
        )


def gray(image: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def count(mask: BoolArray) -> int:
    """Its 8-connected parts."""
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0]) - 1


def score_dust(folder: Path, sensitivity: float, sheets: Path | None) -> None:
    """Prints how dust and scratches are found and filled."""
    total, every = Score(), images(folder)
    for number, (name, clean) in enumerate(every):
        spoiled = with_dust(clean, np.random.default_rng(number))
        before, after = (blemishes(gray(image), sensitivity) for image in (clean, spoiled.image))
        _, labels = cv2.connectedComponents((spoiled.cover > DRAWN).astype(np.uint8), connectivity=8)
        size = np.bincount(labels.ravel())
        seen = np.zeros(len(size), np.int32)
        np.maximum.at(seen, labels.ravel(), np.abs(spoiled.image.astype(np.int32) - clean).max(2).ravel())
        hit = np.bincount(labels.ravel(), after.ravel(), len(size)) > 0.5 * size
        hole = spoiled.touched
        telea = cv2.inpaint(spoiled.image, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        own = 255 * diffused(to_unit(spoiled.image), hole)
        total.megapixels += labels.size / 1e6
        total.drawn += int((seen[1:] > SEEN).sum())
        total.found += int((hit & (seen > SEEN))[1:].sum())
        total.in_clean += count(before)
        total.clean_pixels += int(before.sum())
        total.beside += count(after & ~hole)
        total.error += float(np.abs(own - clean)[hole].mean())
        total.telea += float(np.abs(telea.astype(np.float32) - clean)[hole].mean())
        if sheets is not None:
            write_sheet(sheets / f"{name}.png", [(clean, before), (spoiled.image, after)])
        print(f"{name}: {count(before)} in the clean one, {int(hit[1:].sum())} of {len(size) - 1} found", flush=True)
    print(total.lines(len(every)))


def write_sheet(path: Path, pairs: list[tuple[UInt8Array, BoolArray]]) -> None:
    """Each image, and beside it the same with what was found in it in red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [np.hstack([image, np.where(mask[..., None], np.uint8([255, 0, 0]), image)]) for image, mask in pairs]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def speed(folder: Path) -> None:
    """Prints how long 2,000 spots in 12 megapixels take."""
    (_, clean), *_ = images(folder)
    large = np.asarray(cv2.resize(clean, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    spoiled = with_dust(large, np.random.default_rng(0), 2000)
    action = BY_NAME["fill.dust"]
    job = Job(action.name, action.check({}), {"image": from_array(spoiled.image)})
    for _ in range(3):
        started, used = time.perf_counter(), time.process_time()
        find(action.name)(job, Context())
        print(f"{time.perf_counter() - started:.2f} s, {time.process_time() - used:.2f} s of processor")


def healed(image: UInt8Array) -> UInt8Array:
    """The image, H x W x 3, as Heal Dust and Scratches leaves it."""
    action = BY_NAME["fill.dust"]
    (output,) = find(action.name)(
        Job(action.name, action.check({"as": "copy"}), {"image": from_array(image)}), Context()
    )
    return np.asarray(samples(output.raster), np.uint8)


def write_example(path: Path) -> None:
    """Writes a photograph with dust, and the same healed, at twice its size."""
    clean = np.ascontiguousarray(photographs.rocket()[:300, 100:500])
    spoiled = with_dust(clean, np.random.default_rng(4)).image
    both = np.hstack([spoiled, healed(spoiled)])
    large = cv2.resize(both, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sensitivity", type=float, default=50)
    parser.add_argument("--sheets", type=Path, help="folder for what was found, in red")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--example", type=Path, help="the image to write")
    options = parser.parse_args()
    if options.example is not None:
        write_example(options.example)
    elif options.speed:
        speed(options.data)
    else:
        score_dust(options.data, options.sensitivity, options.sheets)


if __name__ == "__main__":
    main()
