"""An object from a box or a rough lasso around it: the bundled network beside OpenCV's GrabCut from the same box.

    python -m benchmarks.objects DATA [--every N] [--timed N] [--weights FILE] [--out TABLE.md]

DATA is the data folder ($INLAY_DATA), with subjects/dev. Prompts are drawn from the true masks with a seed of the
image's name: a box whose sides are off by 3 % of its size inwards to 12 % outwards, and a wobbly outline some percent
outside of the object. IoU is taken at the images' own size; the times of N images enlarged to 1024 px (longest
side) are medians, of a first prompt on an image and of a second one.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.imaging.arrays import UInt8Array
from backend.imaging.masks.regions import bounding_box
from backend.operations import Context
from benchmarks.subjects import ask, boundary, dev_images, iou, use_weights
from plugin.client.image import Box

TIMED_SIDE = 1024
GRABCUT_ROUNDS = 5
Answer = Callable[[UInt8Array, UInt8Array], UInt8Array]  # image, prompt -> mask


def box_prompt(mask: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """A filled box around the object, each side off by -3 % to 12 % of its size."""
    box = bounding_box(mask > 127)
    assert box is not None
    left, top, right, bottom = rng.uniform(-0.03, 0.12, 4)
    x0, y0 = max(0, round(box.x - left * box.width)), max(0, round(box.y - top * box.height))
    x1, y1 = round(box.x + (1 + right) * box.width), round(box.y + (1 + bottom) * box.height)
    prompt = np.zeros_like(mask)
    prompt[y0:y1, x0:x1] = 255
    return _with_background(prompt)


def lasso_prompt(mask: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """A hand's outline: hollows closed, 2 to 8 % outside of the object, straightened to some forty wobbly points."""
    box = bounding_box(mask > 127)
    assert box is not None
    size = max(box.width, box.height)
    room = size // 2
    around = cv2.copyMakeBorder((mask > 127).astype(np.uint8), room, room, room, room, cv2.BORDER_CONSTANT, value=0)
    hollow = _disc(rng.uniform(0.08, 0.2) * size)
    closed = cv2.morphologyEx(around, cv2.MORPH_CLOSE, hollow)
    grown = cv2.dilate(closed, _disc(rng.uniform(0.02, 0.08) * size))
    outlines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros_like(grown)
    for outline in outlines:
        points = outline[:: max(1, len(outline) // 40), 0].astype(np.float64)
        points += rng.normal(0, 0.012 * size, points.shape)
        cv2.fillPoly(drawn, [np.round(points).astype(np.int32)], 255)
    return _with_background(np.ascontiguousarray(drawn[room:-room, room:-room]))


def _disc(radius: float) -> UInt8Array:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _with_background(prompt: UInt8Array) -> UInt8Array:
    """A prompt that covers the whole image means nothing: its rim stays free."""
    if prompt.all():
        prompt[:2] = prompt[-2:] = 0
        prompt[:, :2] = prompt[:, -2:] = 0
    return prompt


def opencv_grabcut(image: UInt8Array, prompt: UInt8Array) -> UInt8Array:
    """cv2.grabCut as its tutorial has it: five rounds from the prompt's box."""
    box: Box | None = bounding_box(prompt)
    assert box is not None
    cv2.setRNGSeed(0)
    labels = np.zeros(image.shape[:2], np.uint8)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    rect = (box.x, box.y, box.width, box.height)
    cv2.grabCut(image, labels, rect, background, foreground, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_RECT)
    return np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)


def accuracy(data: Path, answers: dict[str, tuple[Answer, bool]], every: int) -> str:
    """A Markdown table: IoU and boundary IoU of each answer (and whether it gets the lasso) per set."""
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for stem, image, mask in dev_images(data, every):
        rng = np.random.default_rng(zlib.crc32(stem.encode()))
        box, lasso = box_prompt(mask, rng), lasso_prompt(mask, rng)
        truth = mask > 127
        for name, (answer, by_lasso) in answers.items():
            found = answer(image, lasso if by_lasso else box) > 127
            row = iou(truth, found), iou(boundary(truth), boundary(found))
            rows.setdefault((stem.split("_")[0], name), []).append(row)
    lines = ["| set | method | images | IoU | below 0.6 | boundary IoU |", "| --- | --- " + "| ---: " * 4 + "|"]
    for (group, name), values in sorted(rows.items(), key=lambda item: item[0][0]):
        overlap, edge = np.mean(values, 0)
        poor = np.mean([value[0] < 0.6 for value in values])
        lines.append(f"| {group} | {name} | {len(values)} | {overlap:.3f} | {poor:.0%} | {edge:.3f} |")
    return "\n".join(lines) + "\n"


def times(data: Path, context: Context, count: int) -> str:
    """Median seconds at 1024 px: an image's first prompt, its second, and GrabCut from the first one's box."""
    rows = []
    images = list(dev_images(data, 1))
    for stem, image, mask in images[:: max(1, len(images) // count)][:count]:
        scale = TIMED_SIDE / max(mask.shape)
        large, whole = (cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for x in (image, mask))
        rng = np.random.default_rng(zlib.crc32(stem.encode()))
        first, second = box_prompt(whole, rng), lasso_prompt(whole, rng)
        rows.append([_seconds(lambda p=p: ask("select.object", context, large, p)) for p in (first, second)])  # noqa: B023 -- called at once
        rows[-1].append(_seconds(lambda: opencv_grabcut(large, first)))  # noqa: B023 -- called at once
    first_time, second_time, grabcut_time = np.median(rows, 0)
    return (
        f"{len(rows)} images at {TIMED_SIDE} px, {torch.get_num_threads()} threads: first prompt {first_time:.2f} s, "
        f"second {second_time:.2f} s, GrabCut {grabcut_time:.2f} s, {grabcut_time / first_time:.0f} times the first.\n"
    )


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th image")
    parser.add_argument("--timed", type=int, default=8, help="how many images are timed")
    parser.add_argument("--weights", type=Path, help="a training run's weights for the network (default: the bundled)")
    parser.add_argument("--without-grabcut", action="store_true", help="the network's answers alone, no times")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    context = Context()
    use_weights(context, options.weights)

    def inlay(image: UInt8Array, prompt: UInt8Array) -> UInt8Array:
        return ask("select.object", context, image, prompt)

    answers: dict[str, tuple[Answer, bool]] = {"Inlay, box": (inlay, False), "Inlay, lasso": (inlay, True)}
    if not options.without_grabcut:
        answers["OpenCV GrabCut, box"] = (opencv_grabcut, False)
    report = accuracy(options.data, answers, options.every)
    if not options.without_grabcut:
        report += "\n" + times(options.data, context, options.timed)
    print(report)
    if options.out:
        options.out.write_text(report)


if __name__ == "__main__":
    main()
