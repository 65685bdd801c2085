"""Seamless cloning at 12 MP beside cv2.seamlessClone, in one run: python -m benchmarks.poisson [--threads 2].

The mask is an ellipse of a third of the image. Runs alternate, and the fastest of each counts. Memory is what the
process's peak grows by in one call, each in a fresh process. Processor time is printed beside the wall clock, because
on a machine with other work only it can be compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from skimage import data

from backend.imaging.arrays import AnyArray
from backend.imaging.poisson.seamless_clone import seamless_clone

HEIGHT, WIDTH = 3000, 4000


def scene() -> tuple[AnyArray, AnyArray, AnyArray]:
    """(source, target, mask) of 12 MP."""
    photographs = (data.astronaut(), data.coffee())
    source, target = (cv2.resize(p, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for p in photographs)
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    return source, target, ((y - 1500) / 1000) ** 2 + ((x - 2000) / 1270) ** 2 < 1


def contenders(mixed: bool) -> dict[str, Callable[[AnyArray, AnyArray, AnyArray], AnyArray]]:
    flag = cv2.MIXED_CLONE if mixed else cv2.NORMAL_CLONE

    def opencv(source: AnyArray, target: AnyArray, mask: AnyArray) -> AnyArray:
        return cv2.seamlessClone(source, target, mask.astype(np.uint8) * 255, (2000, 1500), flag)

    return {
        "cv2.seamlessClone": opencv,
        "seamless_clone": lambda source, target, mask: seamless_clone(source, target, mask, mixed),
    }


def peak_growth(name: str, mixed: bool, threads: int) -> float:
    """Megabytes by which one call raises the peak of a fresh process."""
    torch.set_num_threads(threads)
    images = scene()
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to the present size (Linux)
    before = _peak()
    contenders(mixed)[name](*images)
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
    images = scene()
    print(f"{WIDTH} x {HEIGHT} x 3, 8 bit, mask {images[2].mean():.0%}, {options.threads} threads\n")
    print("| gradients | solver | wall clock | processor | ratio (wall) | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for mixed in (False, True):
        wall: dict[str, float] = {}
        processor: dict[str, float] = {}
        for _ in range(options.runs):
            for name, clone in contenders(mixed).items():
                start, start_processor = time.perf_counter(), time.process_time()
                clone(*images)
                wall[name] = min(wall.get(name, np.inf), time.perf_counter() - start)
                processor[name] = min(processor.get(name, np.inf), time.process_time() - start_processor)
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            memory = pool.starmap(peak_growth, [(name, mixed, options.threads) for name in wall], chunksize=1)
        for (name, seconds), growth in zip(wall.items(), memory, strict=True):
            ratio = wall["cv2.seamlessClone"] / seconds
            kind = "mixed" if mixed else "normal"
            print(f"| {kind} | {name} | {seconds:.2f} s | {processor[name]:.2f} s | {ratio:.1f}x | {growth:.0f} MB |")


if __name__ == "__main__":
    main()
