"""Edges at full size: alpha error in the band, foreground error and time, on composites whose alpha is known.

    python -m benchmarks.matting DATA [--photos 8] [--large] [--images FOLDER]
    python -m benchmarks.matting DATA --photos 3 --pymatting --longest 1000

With PyMatting installed (pip install pymatting), --pymatting has its closed-form and KNN matting and its multi-level
foreground estimation take part. They and "closed form" get one and the same trimap: the network's answer enlarged, and
a band around its outline.

DATA is the data folder ($INLAY_DATA). Scenes are RGBA cut-outs enlarged onto photographs and furry bodies drawn strand
by strand; what a network would answer is imitated by shrinking the true alpha to a few hundred pixels, displacing its
outline, blurring and sharpening it. The error is taken where the truth or any method is undecided.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.matting import foreground, refine
from backend.imaging.matting.closed_form import closed_form_matting


@dataclass(frozen=True)
class Scene:
    """A composite with known alpha (H x W), foreground (H x W x 3, 0..1) and what the network answered (h x w)."""

    name: str
    image: NDArray[np.uint8]
    alpha: FloatArray
    foreground: FloatArray
    probability: FloatArray


def network_probability(alpha: FloatArray, size: int, rng: np.random.Generator) -> FloatArray:
    """Imitation of a network's answer: the alpha at `size` pixels, displaced by about one, blurred, made surer."""
    scale = size / max(alpha.shape)
    width, height = round(alpha.shape[1] * scale), round(alpha.shape[0] * scale)
    small = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    shift = [cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 6) for _ in range(2)]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moved = cv2.remap(small, x + 16 * shift[0], y + 16 * shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    doubt = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 3)
    logit = 9.0 * (cv2.GaussianBlur(moved, (0, 0), 1.2) - 0.5) + 4 * doubt
    probability: FloatArray = np.reciprocal(1 + np.exp(-logit), dtype=np.float32)
    return probability


def composite(
    name: str, subject: FloatArray, alpha: FloatArray, backdrop: FloatArray, size: int, rng: np.random.Generator
) -> Scene:
    """subject over backdrop (H x W x 3, 0..1) with sensor noise, as 8 bits."""
    noise = rng.normal(0, 1.5 / 255, subject.shape)
    mixed = alpha[..., None] * subject + (1 - alpha[..., None]) * backdrop + noise
    image = np.rint(np.clip(mixed, 0, 1) * 255).astype(np.uint8)
    return Scene(name, image, alpha, subject, network_probability(alpha, size, rng))


def read(path: Path, flags: int) -> FloatArray:
    image = cv2.imread(str(path), flags)
    if image is None:
        raise FileNotFoundError(f"{path} is not an image that OpenCV can read")
    order = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    colors: FloatArray = cv2.cvtColor(image, order).astype(np.float32) / 255
    return colors


def fill_frame(image: FloatArray, width: int, height: int) -> FloatArray:
    """The image enlarged to cover width x height and cut to it."""
    scale = max(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * scale + 1), round(image.shape[0] * scale + 1))
    large: FloatArray = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)[:height, :width]
    return np.clip(large, 0, 1)


def cutout_scenes(data: Path, count: int, rng: np.random.Generator) -> Iterator[Scene]:
    """Cut-outs enlarged four times on photographs; the network saw 192 pixels."""
    photos = sorted((data / "photos" / "dev").glob("*.jpg"))
    paths = sorted((data / "subjects" / "cutouts").glob("*.webp"))
    for path in paths[:: max(1, len(paths) // count)][:count]:
        cutout = cv2.resize(read(path, cv2.IMREAD_UNCHANGED), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        cutout = np.clip(cv2.copyMakeBorder(cutout, 80, 80, 80, 80, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0)), 0, 1)
        height, width = cutout.shape[:2]
        photo = fill_frame(read(photos[int(rng.integers(len(photos)))], cv2.IMREAD_COLOR), width, height)
        yield composite(path.stem, cutout[..., :3], cutout[..., 3], photo, 192, rng)


def furry_alpha(width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """An anti-aliased body with thousands of thin, curved, tapering strands around it."""
    unit = height / 1000
    alpha = np.zeros((height, width), np.uint8)
    center, axes = np.array([width / 2, height / 2]), np.array([width * 0.24, height * 0.3])
    cv2.ellipse(alpha, (int(center[0]), int(center[1])), (int(axes[0]), int(axes[1])), 0, 0, 360, 255, -1, cv2.LINE_AA)
    for _ in range(2600):
        turn = rng.uniform(0, 2 * np.pi)
        outward = np.array([np.cos(turn), np.sin(turn)])
        side = np.array([-outward[1], outward[0]])
        root = center + axes * outward * rng.uniform(0.94, 1.0)
        length, bend, lean = rng.gamma(3.0, 14.0) * unit, rng.normal(0, 0.35), rng.normal(0, 0.5)
        t = np.linspace(0, 1, 24)[:, None]
        line = root + length * (t * outward + (lean * t + bend * t * t) * side)
        points = np.round(line * 16).astype(np.int32)
        thickness = max(1, round(rng.uniform(0.6, 1.8) * unit))
        cv2.polylines(alpha, [points[:14]], False, 255, thickness, cv2.LINE_AA, 4)
        cv2.polylines(alpha, [points[13:]], False, 200, max(1, thickness // 2), cv2.LINE_AA, 4)
    soft: FloatArray = cv2.GaussianBlur(alpha, (0, 0), 0.7).astype(np.float32) / 255
    return soft


def furry_scenes(data: Path, count: int, rng: np.random.Generator, width: int = 2000) -> Iterator[Scene]:
    """Furry bodies whose coat is one photograph and whose background is another; the network saw 288 pixels."""
    height = width * 3 // 4
    photos = sorted((data / "photos" / "dev").glob("*.jpg"))
    for index in range(count):
        coat, backdrop = (read(photos[i], cv2.IMREAD_COLOR) for i in rng.choice(len(photos), 2, replace=False))
        coat = 0.35 * fill_frame(coat, width, height) + rng.uniform(0, 0.65, 3).astype(np.float32)
        grain = rng.normal(0, 0.03, (height, width, 1)).astype(np.float32)
        alpha = furry_alpha(width, height, rng)
        backdrop = fill_frame(backdrop, width, height)
        yield composite(f"fur {index}", np.clip(coat + grain, 0, 1), alpha, backdrop, 288, rng)


def bilinear(image: NDArray[np.uint8], probability: FloatArray) -> FloatArray:
    """The network's answer enlarged and nothing more."""
    enlarged: FloatArray = cv2.resize(probability, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return enlarged


def band_trimap(image: NDArray[np.uint8], probability: FloatArray) -> refine.Trimap:
    """What is known at the image's size, without strands that are followed beyond the band."""
    size = image.shape[1::-1]
    enlarged = np.clip(cv2.resize(probability, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    return refine.trimap(enlarged, refine.BAND * max(size) / max(probability.shape))


def closed_form(image: NDArray[np.uint8], probability: FloatArray) -> FloatArray:
    """Closed-form matting from the trimap alone, at the image's size."""
    known = band_trimap(image, probability)
    target = np.where(known.unknown, np.float32(0.5), known.foreground.astype(np.float32))
    return closed_form_matting(to_unit(image), target, np.where(known.unknown, 0, np.float32(100)))


def pymatting(name: str) -> Callable[[NDArray[np.uint8], FloatArray], FloatArray]:
    """A method of PyMatting, by the name of its function. Compiles it before it is timed."""
    estimate = getattr(importlib.import_module("pymatting"), name)

    def method(image: NDArray[np.uint8], probability: FloatArray) -> FloatArray:
        known = band_trimap(image, probability)
        trimap = np.where(known.unknown, 0.5, known.foreground.astype(np.float64))
        return np.asarray(estimate(image / 255, trimap), np.float32)

    shades = np.linspace(0, 255, 64, dtype=np.uint8)
    method(np.dstack([np.tile(shades, (64, 1))] * 3), np.tile(np.float32([0, 0, 0, 0, 1, 1, 1, 1]), (8, 1)))
    return method


METHODS: dict[str, Callable[[NDArray[np.uint8], FloatArray], FloatArray]] = {
    "bilinear": bilinear,
    "fast": lambda image, probability: refine.refine(image, probability),
    "fine": lambda image, probability: refine.refine(image, probability, quality="fine"),
    "hard": lambda image, probability: refine.refine(image, probability, edge="hard"),
    "closed form": closed_form,
}


def band_of(scene: Scene) -> NDArray[np.bool_]:
    """Within three network pixels of the true outline or of a wrong answer of the network, in pixels of the scene."""
    reach = round(3 * max(scene.alpha.shape) / max(scene.probability.shape))
    wrong = np.abs(bilinear(scene.image, scene.probability) - scene.alpha) > 0.1
    open_ = wrong | ((scene.alpha > 0.02) & (scene.alpha < 0.98))
    band: NDArray[np.bool_] = cv2.dilate(open_.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    return band


def errors(alpha: FloatArray, scene: Scene, band: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Mean absolute error, root mean squared error and gradient error (Rhemann 2009, sigma 1.4), each in the band."""
    difference = (alpha - scene.alpha)[band]

    def slope(x: FloatArray) -> FloatArray:
        smooth = cv2.GaussianBlur(x, (0, 0), 1.4)
        across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
        steepness: FloatArray = np.hypot(across, down)
        return steepness

    gradient = float(np.mean(np.abs(slope(alpha) - slope(scene.alpha))[band]))
    return float(np.mean(np.abs(difference))), float(np.sqrt(np.mean(difference**2))), gradient


def reduced_scene(scene: Scene, longest: int) -> Scene:
    """The scene at most so many pixels long."""
    scale = min(1.0, longest / max(scene.alpha.shape))
    size = round(scene.alpha.shape[1] * scale), round(scene.alpha.shape[0] * scale)
    image, alpha, colors = (
        cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (scene.image, scene.alpha, scene.foreground)
    )
    return replace(scene, image=image, alpha=alpha, foreground=colors)


def halo(scene: Scene, color: NDArray[np.floating]) -> float:
    """Mean absolute error of the premultiplied foreground (0..1) where the true alpha is fractional."""
    mixed = (scene.alpha > 0.02) & (scene.alpha < 0.98)
    return float(np.mean(np.abs(color - scene.foreground)[mixed] * scene.alpha[mixed][:, None]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=8, help="scenes of each kind")
    parser.add_argument("--methods", nargs="+", default=["bilinear", "fast", "fine", "hard"], choices=list(METHODS))
    parser.add_argument("--pymatting", action="store_true", help="PyMatting's methods, too")
    parser.add_argument("--longest", type=int, default=1 << 16, help="longest side of the scenes, in pixels")
    parser.add_argument("--large", action="store_true", help="one furry scene of 4000 x 3000 instead, for the time")
    parser.add_argument("--images", type=Path, help="write scene and alphas here")
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    estimators: dict[str, Callable[[Scene], NDArray[np.generic]]] = {
        "foreground": lambda scene: foreground.estimate_foreground(scene.image, scene.alpha)
    }
    if arguments.pymatting:
        if not arguments.large:  # at 12 MP they take minutes
            METHODS.update({name: pymatting(name) for name in ("estimate_alpha_cf", "estimate_alpha_knn")})
            arguments.methods += ["closed form", "estimate_alpha_cf", "estimate_alpha_knn"]
        multi_level = importlib.import_module("pymatting").estimate_foreground_ml
        multi_level(np.zeros((8, 8, 3)), np.zeros((8, 8)))  # compiles it
        estimators["estimate_foreground_ml"] = lambda scene: multi_level(scene.image / 255, scene.alpha)
    if arguments.large:
        groups = {"fur 12 MP": furry_scenes(arguments.data, 1, rng, width=4000)}
    else:
        groups = {
            "cut-outs": cutout_scenes(arguments.data, arguments.photos, rng),
            "fur": furry_scenes(arguments.data, arguments.photos, rng),
        }
    print("| scenes | method | MAE | RMSE | gradient | processor, s |\n| --- | --- | --- | --- | --- | --- |")
    for group, scenes in groups.items():
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in arguments.methods}
        halos: dict[str, list[tuple[float, ...]]] = {}
        for scene in (reduced_scene(scene, arguments.longest) for scene in scenes):
            band = band_of(scene)
            for name in arguments.methods:
                start = time.process_time()
                alpha = METHODS[name](scene.image, scene.probability)
                seconds = time.process_time() - start
                rows[name].append((*errors(alpha, scene, band), seconds))
                if arguments.images:
                    arguments.images.mkdir(parents=True, exist_ok=True)
                    cv2.imwrite(str(arguments.images / f"{scene.name} {name}.png"), np.round(alpha * 255))
            if arguments.images:
                cv2.imwrite(str(arguments.images / f"{scene.name} truth.png"), np.round(scene.alpha * 255))
                cv2.imwrite(str(arguments.images / f"{scene.name} image.png"), scene.image[..., ::-1])
            plain = halo(scene, to_unit(scene.image))
            for name, estimate in estimators.items():
                start = time.process_time()
                color = estimate(scene)
                seconds = time.process_time() - start
                halos.setdefault(name, []).append((plain, halo(scene, to_unit(color)), seconds))
        for name, values in rows.items():
            mean = np.mean(values, axis=0)
            print(f"| {group} | {name} | {mean[0]:.4f} | {mean[1]:.4f} | {mean[2]:.4f} | {mean[3]:.2f} |")
        for name, colors in halos.items():
            before, after, seconds = np.mean(colors, axis=0)
            print(f"{group}, {name}: edge colors off by {before:.4f} before, {after:.4f} after, {seconds:.2f} s")
        print()


if __name__ == "__main__":
    main()
