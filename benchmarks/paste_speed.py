"""Time and memory of pasting: python -m benchmarks.paste_speed.

A smooth image with grain, a disc of another pasted into it: as an object (cut out, through the harmonizer), seamlessly
(the whole layer with a selection, through Poisson cloning), and by cv2.seamlessClone. Each case runs in a process of
its own, once to load networks and code and once for the clock; the memory is the peak of that process less what it had
before the second time, with the target made.
"""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.io.rasters import from_array
from backend.operations import Context
from backend.operations.paste.paste import blend
from plugin.client.actions import BY_NAME

CASES = ((1024, 2048, 700), (3000, 4000, 2000))
"""Height, width, and the paste's diameter in pixels."""
METHODS = ("object", "seamless", "cv2.seamlessClone")
UNIT = 1 << 10 if sys.platform != "darwin" else 1  # bytes in which ru_maxrss counts


def scene(height: int, width: int, kind: str, seed: int) -> NDArray[np.unsignedinteger]:
    """Grain and a slope of light, made of tiles so that making it takes no memory to speak of."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0.3, 0.6, 256, dtype=np.float32)[None, :, None] * np.float32([1, 0.9, 0.8 - 0.2 * seed])
    tile = slope + rng.normal(0, 0.02, (256, 256, 1)).astype(np.float32)
    tile = (np.hstack([tile, tile[:, ::-1]]) * np.iinfo(kind).max).astype(kind)
    return np.tile(tile, (-(-height // 256), -(-width // 512), 1))[:height, :width].copy()


def paste(target: NDArray[np.unsignedinteger], diameter: int, method: str, context: Context) -> None:
    """A disc in the middle of the target."""
    kind = target.dtype.name
    height, width = target.shape[:2]
    source = scene(diameter + 8, diameter + 8, kind, 1)
    rows, columns = np.ogrid[: diameter + 8, : diameter + 8]
    disc = np.hypot(rows - diameter / 2 - 3.5, columns - diameter / 2 - 3.5) < diameter / 2
    x, y = (width - diameter) // 2 - 4, (height - diameter) // 2 - 4
    if method == "cv2.seamlessClone":
        if kind != "uint8":
            raise ValueError("cv2.seamlessClone takes 8-bit images alone")
        cv2.seamlessClone(source, target, disc.astype(np.uint8) * 255, (width // 2, height // 2), cv2.NORMAL_CLONE)
        return
    parameters = BY_NAME["paste.harmonize"].check({"edge": method})
    if method == "object":
        alpha = (disc * np.iinfo(kind).max).astype(kind)
        layer, selection = from_array(np.dstack([source, alpha]), b"", x, y), None
    else:
        layer, selection = from_array(source, b"", x, y), from_array(disc.astype(np.uint8) * 255, b"", x, y)
    blend(layer, from_array(target), selection, parameters, context)


def measure(case: tuple[int, int, int], method: str, kind: str) -> tuple[float, float, float]:
    """Seconds by the wall clock and by the processor, and MiB."""
    height, width, diameter = case
    context, target = Context(), scene(height, width, kind, 0)
    paste(scene(160, 200, kind, 0), 80, method, context)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, processor = time.perf_counter(), time.process_time()
    paste(target, diameter, method, context)
    seconds = time.perf_counter() - wall, time.process_time() - processor
    return *seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * UNIT / 2**20


def main() -> None:
    print(f"{torch.get_num_threads()} threads\n")
    print("| image | paste | samples | method | wall clock (s) | processor (s) | memory (MiB) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        for kind in ("uint8", "uint16"):
            for method in METHODS:
                if kind == "uint16" and method.startswith("cv2"):
                    continue
                with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                    found = pool.submit(measure, case, method, kind).result()
                shown = " | ".join(f"{value:.2f}" for value in found[:2])
                print(f"| {case[1]} x {case[0]} | {case[2]} px | {kind} | {method} | {shown} | {found[2]:.0f} |")


if __name__ == "__main__":
    main()
