"""Any image as the style: one pass of the network beside Gatys' optimization, and how long the optimization takes.

    python -m benchmarks.gatys DATA [--pairs 20] [--steps 300] [--images FOLDER]
    python -m benchmarks.gatys DATA --speed [--curve FILE.png]

DATA is the data folder ($INLAY_DATA). A pair is a photograph of photos/dev and a style that was not learned: a painting
that the network's training held out, else another of these photographs (--styles FOLDER names others). Relative Gram
loss and relative content loss are measured with squeezenet1_0, images and styles at 384 px (shorter side), as
everywhere here. --any-style and --features measure weights of a run in place of the bundled ones. --speed paints
512 x 512 and draws the loss.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from models.networks import feature_net
from models.networks.feature_net import FeatureNet
from models.networks.style_predictor import SIDE, AnyStyle, any_style
from models.papers.gatys import GatysConfig, Step, gram_matrix, paint, resized, suited
from models.training.style.data import read_image, scoring_photos, to_tensor
from models.training.style.losses import LossNetwork, gram_loss
from models.zoo import store

MEASURED = 384  # px, shorter side


def load_any_style(weights: Path | None) -> tuple[AnyStyle, list[str]]:
    """The network, and the paintings that its training held out."""
    path = weights or store.locate(store.find_card("any_style"))
    if path is None:
        raise SystemExit("the bundled any_style weights are not there; name some with --any-style")
    with safe_open(path, "pt") as file:
        facts = file.metadata()
    held_out = json.loads(facts.pop("held_out", "[]"))
    net = any_style(**{name: float(value) if name == "encoder_width" else int(value) for name, value in facts.items()})
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return net.eval().requires_grad_(False), held_out


def load_features(weights: Path | None) -> FeatureNet:
    if weights is None:
        return feature_net.load()
    with safe_open(weights, "pt") as file:
        net = FeatureNet(float(file.metadata()["width"]))
    net.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return net.eval().requires_grad_(False)


def optimized(net: FeatureNet, photo: Tensor, style: Tensor, config: GatysConfig) -> list[Step]:
    """All steps, as the operation takes them; the images of all but the last are dropped."""
    from backend.operations.style.gatys import QUIET

    weights = {name: value.clone() for name, value in net.state_dict().items()}
    net.normalize([resized(photo, (256, 256)), resized(style, (256, 256))], QUIET)
    steps: list[Step] = []
    for step in paint(net, photo, style, suited(config, net)):
        if steps:
            steps[-1] = replace(steps[-1], image=torch.empty(0))
        steps.append(step)
    net.load_state_dict(weights)
    return steps


@torch.no_grad()
def measured(evaluator: LossNetwork, result: Tensor, photo: Tensor, style: Tensor) -> tuple[float, float]:
    """Relative Gram and content loss."""
    found = evaluator(result)
    targets = {tap: gram_matrix(x) for tap, x in evaluator(style).items()}
    return float(gram_loss(found, targets)), float(evaluator.content_loss(found, evaluator(photo)))


def compare(options: argparse.Namespace) -> None:
    evaluator = LossNetwork.squeezenet(options.data / "reference" / "squeezenet1_0.safetensors")
    (net, held_out), features = load_any_style(options.any_style), load_features(options.features)
    photos = scoring_photos(options.data / "photos" / "dev", shorter_side=MEASURED)
    files = [options.data / "styles" / f"{name}.jpg" for name in held_out]
    if options.styles:
        files = sorted(path for path in options.styles.iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    styles = [to_tensor(read_image(path, MEASURED)) for path in files] or photos[len(photos) // 2 :]
    print(f"styles: {', '.join(path.stem for path in files) or 'other photographs'}")
    print("| pair | photograph: Gram | one pass: Gram | content | optimized: Gram | content | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = []
    for number in range(options.pairs):
        photo, style = photos[number % len(photos)], styles[number % len(styles)]
        scale = SIDE / min(style.shape[-2:])
        seen = resized(style, (round(style.shape[-2] * scale), round(style.shape[-1] * scale)))
        with torch.no_grad():
            at_once = net(photo, seen)
        begun = time.perf_counter()
        painted = optimized(features, photo, style, GatysConfig(steps=options.steps))[-1].image
        seconds = time.perf_counter() - begun
        row = [measured(evaluator, photo, photo, style)[0], *measured(evaluator, at_once, photo, style),
               *measured(evaluator, painted, photo, style), seconds]  # fmt: skip
        rows.append(row)
        print(f"| {number + 1} | " + " | ".join(f"{value:.3f}" for value in row) + " |", flush=True)
        if options.images:
            _show(options.images / f"{number + 1:02}.jpg", [photo, style, at_once, painted])
    mean = np.mean(rows, 0)
    print("| mean | " + " | ".join(f"{value:.3f}" for value in mean) + " |")
    print(f"one pass has {mean[1] / mean[3]:.2f} times the Gram loss of {options.steps} steps")


def speed(options: argparse.Namespace) -> None:
    """One painting of 512 x 512: wall clock, and its loss by steps."""
    features = load_features(options.features)
    files = sorted((options.data / "photos" / "dev").iterdir())
    photo = resized(to_tensor(read_image(files[0], 512))[..., :512, :512].contiguous(), (512, 512))
    style = to_tensor(read_image(options.data / "styles" / "starry_night.jpg", 512))
    begun = time.perf_counter()
    steps = optimized(features, photo, style, GatysConfig(steps=options.steps))
    seconds = time.perf_counter() - begun
    print(f"512 x 512, {options.steps} steps, {torch.get_num_threads()} threads: {seconds:.1f} s")
    if options.images:
        _show(options.images / "512.jpg", [photo, style, steps[-1].image])
    if options.curve:
        _draw(steps, options.curve)


def _show(path: Path, images: Sequence[Tensor]) -> None:
    """Side by side at one height."""
    height = images[0].shape[-2]
    arrays = [
        (resized(p, (height, round(p.shape[-1] * height / p.shape[-2])))[0].permute(1, 2, 0).numpy() * 255).round()
        for p in images
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(np.hstack(arrays)[..., ::-1].astype(np.uint8)))


def _draw(steps: Sequence[Step], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4))
    numbers = [step.number for step in steps]
    for name, values in (
        ("loss", [step.loss for step in steps]),
        ("content", [step.content for step in steps]),
        ("style", [step.style for step in steps]),
    ):
        axes.plot(numbers, values, label=name, linewidth=1.2)
    axes.set(ylim=(1e-2, None), xlabel="step", yscale="log", ylabel="relative to the images' own features")
    axes.set_title("512 x 512 in the style of The Starry Night, from coarse to fine", fontsize=10)
    axes.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--styles", type=Path, help="folder of style images that were not learned")
    parser.add_argument("--any-style", type=Path, help="any_style.safetensors of a run")
    parser.add_argument("--features", type=Path, help="features.safetensors of a run")
    parser.add_argument("--images", type=Path, help="folder for the images, side by side")
    parser.add_argument("--speed", action="store_true", help="time one painting instead")
    parser.add_argument("--curve", type=Path, help="with --speed: draw the loss here")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    speed(options) if options.speed else compare(options)


if __name__ == "__main__":
    main()
