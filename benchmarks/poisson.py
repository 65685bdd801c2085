"""Seamless cloning at 12 MP beside cv2.seamlessClone and the plain grid: python -m benchmarks.poisson [--threads 2].

The masks are an ellipse of a third of the image and one of a fiftieth. Runs alternate, and the fastest of each counts.
Memory is what the process's peak grows by in one call, each in a fresh process. Processor time is printed beside the
wall clock, because on a machine with other work only it can be compared. "plain grid" is what `seamless_clone` does
where the adaptive grid is not worthwhile.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import torch
from skimage import data

from backend.imaging.arrays import AnyArray
from backend.imaging.poisson.adaptive import AdaptivePoisson
from backend.imaging.poisson.seamless_clone import seamless_clone

HEIGHT, WIDTH = 3000, 4000


CASES = (("ellipse", False), ("ellipse", True), ("small ellipse", False))
"""A mask, and whether gradients are mixed."""


def scene(shape: str) -> tuple[AnyArray, AnyArray, AnyArray]:
    """(source, target, mask) of 12 MP."""
    photographs = (data.astronaut(), data.coffee())
    source, target = (cv2.resize(p, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for p in photographs)
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    size = 1000 if shape == "ellipse" else 250
    return source, target, ((y - 1500) / size) ** 2 + ((x - 2000) / (1.27 * size)) ** 2 < 1


class NoAdaptiveGrid(AdaptivePoisson):
    """Never takes a task on."""

    def __init__(self, *_: object) -> None:
        self.worthwhile = False


def plain_grid(source: AnyArray, target: AnyArray, mask: AnyArray, mixed: bool) -> AnyArray:
    with mock.patch("backend.imaging.poisson.seamless_clone.AdaptivePoisson", NoAdaptiveGrid):
        return seamless_clone(source, target, mask, mixed)


def opencv(source: AnyArray, target: AnyArray, mask: AnyArray, mixed: bool) -> AnyArray:
    flag = cv2.MIXED_CLONE if mixed else cv2.NORMAL_CLONE
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    center = int(columns[0] + columns[-1] + 1) // 2, int(rows[0] + rows[-1] + 1) // 2
    return cv2.seamlessClone(source, target, mask.astype(np.uint8) * 255, center, flag)


SOLVERS: dict[str, Callable[[AnyArray, AnyArray, AnyArray, bool], AnyArray]] = {
    "cv2.seamlessClone": opencv, "seamless_clone": seamless_clone, "plain grid": plain_grid,
}  # fmt: skip


def peak_growth(name: str, shape: str, mixed: bool, threads: int) -> float:
    """Megabytes by which one call raises the peak of a fresh process."""
    torch.set_num_threads(threads)
    images = scene(shape)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to the present size (Linux)
    before = _peak()
    SOLVERS[name](*images, mixed)
    return _peak() - before


def _peak() -> float:
    """Peak resident size of this process in megabytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    print(f"{WIDTH} x {HEIGHT} x 3, 8 bit, {options.threads} threads\n")
    print("| mask | gradients | solver | wall clock | processor | ratio (processor) | peak memory |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for shape, mixed in CASES:
        images = scene(shape)
        label = f"{shape}, {images[2].mean():.0%} | {'mixed' if mixed else 'normal'}"
        wall: dict[str, float] = {}
        processor: dict[str, float] = {}
        for _ in range(options.runs):
            for name, clone in SOLVERS.items():
                start, start_processor = time.perf_counter(), time.process_time()
                clone(*images, mixed)
                wall[name] = min(wall.get(name, np.inf), time.perf_counter() - start)
                processor[name] = min(processor.get(name, np.inf), time.process_time() - start_processor)
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            memory = pool.starmap(peak_growth, [(name, shape, mixed, options.threads) for name in wall], chunksize=1)
        for (name, seconds), growth in zip(wall.items(), memory, strict=True):
            ratio = processor[name] / processor["seamless_clone"]
            print(f"| {label} | {name} | {seconds:.2f} s | {processor[name]:.2f} s | {ratio:.2f} | {growth:.0f} MB |")


if __name__ == "__main__":
    main()
