"""The copy-paste network in its own world: python -m benchmarks.copy_paste $INLAY_DATA [--weights FILE ...].

Composites of images that were never trained on, made with T of Portenier et al. 2019 (models/training/
paste_transforms.py): `photos/dev` with turned rectangles, `subjects/dev` with the grown masks of their subjects. Seeds
are fixed and belong to the image, so `--every` leaves the others' composites as they are. PSNR and MSE are of the
whole image, foreground MSE under the mask, of 8-bit values and averaged over the composites; the share is the
foreground MSE over the plain composite's.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from skimage.exposure import match_histograms

from backend.imaging.arrays import BoolArray, FloatArray, UInt8Array
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.paste.deep_copy_paste import NAME
from backend.operations.paste.harmonize import Options, harmonize
from models.papers.copy_paste import CopyPasteNet
from models.training.paste.train import load
from models.training.paste.transforms import SIGMA, rectangle_mask, roughen, transform
from models.zoo import store

RIM = 2  # pixels at the border that no mask covers: cv2.seamlessClone needs surroundings on every side
Method = Callable[[UInt8Array, UInt8Array, BoolArray], UInt8Array]
"""(source, target, mask) to the blended image, 8-bit RGB."""


def plain(source: UInt8Array, target: UInt8Array, mask: BoolArray) -> UInt8Array:
    return np.where(mask[..., None], source, target)


def opencv(source: UInt8Array, target: UInt8Array, mask: BoolArray) -> UInt8Array:
    """cv2.seamlessClone, told to put the middle of the mask's box where it is already."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    center = (x + width // 2, y + height // 2)
    return cv2.seamlessClone(source, target, mask.astype(np.uint8) * 255, center, cv2.NORMAL_CLONE)


def poisson_within(source: UInt8Array, target: UInt8Array, mask: BoolArray) -> UInt8Array:
    """The mask shrunk by 3 pixels first, as cv2.seamlessClone does: where the true image is the target, a rim
    left alone has no error."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=3).astype(bool)
    return seamless_clone(source, target, inner)


def mean_variance(source: UInt8Array, target: UInt8Array, mask: BoolArray) -> UInt8Array:
    """Color transfer of Reinhard et al. 2001: in Lab, the content gets the surroundings' means and deviations."""
    lab, wanted = (cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in (source, target))
    content, around = lab[mask], wanted[~mask]
    lab[mask] = (content - content.mean(0)) * (around.std(0) / np.maximum(content.std(0), 1e-3)) + around.mean(0)
    rgb = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)
    return plain(np.round(rgb * 255).astype(np.uint8), target, mask)


def histogram_matching(source: UInt8Array, target: UInt8Array, mask: BoolArray) -> UInt8Array:
    """Every channel of the content gets the histogram of the surroundings."""
    result = target.copy()
    matched = match_histograms(source[mask][None], target[~mask][None], channel_axis=-1)
    result[mask] = np.round(np.clip(matched[0], 0, 255)).astype(np.uint8)
    return result


def network(net: CopyPasteNet, longest: int, method: str) -> Method:
    """As the editors do it: the network on a copy of at most `longest` pixels, its answer carried to full size."""
    context = Context(cache={cache_key(NAME): Network(net, SimpleNamespace(input_size=longest))})

    def blend(source: UInt8Array, target: UInt8Array, mask: BoolArray) -> UInt8Array:
        return harmonize(source, target, mask, False, Options(method), context)

    return blend


def methods(weights: list[Path], longest: int) -> dict[str, Method]:
    classical: dict[str, Method] = {
        "plain composite": plain,
        "Poisson": seamless_clone,
        "Poisson, 3 px within": poisson_within,
        "cv2.seamlessClone": opencv,
        "mean-variance transfer": mean_variance,
        "histogram matching": histogram_matching,
    }
    ours = {}
    for path in weights:
        net, name = load(path), f" {path.parent.name}/{path.stem}" if len(weights) > 1 else ""
        ours |= {f"Inlay deep{name}": network(net, longest, "deep"), f"Inlay{name}": network(net, longest, "auto")}
    return classical | ours


def scenes(data: Path, every: int, longest: int) -> Iterator[tuple[str, FloatArray, BoolArray | None]]:
    """(name, image, mask of its subject or None): 0..1, longest side at most `longest` pixels."""
    for folder in (data / "photos" / "dev", data / "subjects" / "dev"):
        with (folder / "sources.csv").open(newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: row["file"])[::every]
        for row in rows:
            image = cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR)[..., ::-1]
            scale = min(1.0, longest / max(image.shape[:2]))
            size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
            scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
            mask = None
            if row.get("mask"):
                gray = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE)
                mask = cv2.resize(gray, size, interpolation=cv2.INTER_AREA) > 127
            yield row["file"], scaled, mask


def composite(
    name: str, image: FloatArray, subject: BoolArray | None, sigma: float, local: bool
) -> tuple[UInt8Array, UInt8Array, BoolArray]:
    """(source, target, mask): the target is the image itself, the answer that a perfect method would give."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    height, width = image.shape[:2]
    source = transform(image, sigma * max(height, width) / 512, rng, local)
    if subject is not None and 0.01 < subject.mean() < 0.6:
        mask = roughen(subject, rng)
    else:
        square = rectangle_mask(max(height, width), rng)
        top, left = (square.shape[0] - height) // 2, (square.shape[1] - width) // 2
        mask = square[top : top + height, left : left + width]
    inner = np.zeros_like(mask)
    inner[RIM:-RIM, RIM:-RIM] = mask[RIM:-RIM, RIM:-RIM]
    source, target = (np.round(p * 255).astype(np.uint8) for p in (source, image))
    return source, target, inner


def errors(result: UInt8Array, truth: UInt8Array, mask: BoolArray) -> tuple[float, float, float]:
    """PSNR in dB, MSE, foreground MSE."""
    squared = np.square(result.astype(np.float32) - truth)
    mse = max(float(squared.mean()), 1e-6)
    return 10 * np.log10(255**2 / mse), mse, float(squared[mask].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    card = store.find_card(NAME)
    bundled = store.locate(card)
    parser.add_argument(
        "--weights",
        type=Path,
        nargs="*",
        default=[bundled] if bundled else [],
        help="exported networks, not the bundled",
    )
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th image")
    parser.add_argument("--size", type=int, default=512, help="longest side in pixels")
    parser.add_argument(
        "--looked-at", type=int, default=card.input_size, help="longest side in pixels that the network sees"
    )
    parser.add_argument("--sigma", type=float, default=SIGMA, help="corner offsets, pixels at 512")
    parser.add_argument("--global-shading", action="store_true", help="one color change for all of the source")
    parser.add_argument("--images", type=Path, help="folder for the first composites side by side")
    options = parser.parse_args()
    contenders = methods(options.weights, options.looked_at)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in contenders}
    for name, image, subject in scenes(options.data, options.every, options.size):
        source, target, mask = composite(name, image, subject, options.sigma, not options.global_shading)
        if not mask.any():
            continue
        results = {method: blend(source, target, mask) for method, blend in contenders.items()}
        for method, result in results.items():
            found[method].append(errors(result, target, mask))
        if options.images and len(found["plain composite"]) <= 12:
            options.images.mkdir(parents=True, exist_ok=True)
            strip = np.hstack([target, *results.values()])
            cv2.imwrite(str(options.images / f"{Path(name).stem}.png"), strip[..., ::-1])
    base = np.mean([row[2] for row in found["plain composite"]])
    print(f"{len(found['plain composite'])} composites, sigma {options.sigma:g}\n")
    print("| method | PSNR (dB) | MSE | foreground MSE | share |")
    print("| --- | --- | --- | --- | --- |")
    for method, rows in found.items():
        psnr, mse, foreground = np.mean(rows, axis=0)
        print(f"| {method} | {psnr:.2f} | {mse:.1f} | {foreground:.1f} | {foreground / base:.3f} |")


if __name__ == "__main__":
    main()
