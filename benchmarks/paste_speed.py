"""Time and memory of blending: python -m benchmarks.paste_speed [--weights RUN/best.safetensors] [--width 40].

A smooth image with grain, a disc of it pasted elsewhere, with the network (untrained where no weights are given,
which takes as long) and by Poisson cloning alone. Each case runs in a process of its own; the memory is the peak of
that process less what it had with everything imported and the images made.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.paste.deep_copy_paste import NAME
from backend.operations.paste.harmonize import Options, harmonize
from models.papers.copy_paste import CopyPasteConfig, CopyPasteNet
from models.training.paste.train import load
from models.zoo import store

CASES = ((1024, 2048, 700), (3000, 4000, 2000))
"""Height, width, and the paste's diameter in pixels."""
UNIT = 1 << 10 if sys.platform != "darwin" else 1  # bytes in which ru_maxrss counts


def measure(
    case: tuple[int, int, int], method: str, kind: str, weights: Path | None, width: int
) -> tuple[float, float, float]:
    """Seconds by the wall clock and by the processor, and MiB."""
    height, columns, diameter = case
    rng = np.random.default_rng(0)
    full = np.iinfo(kind).max
    slope = np.linspace(0.3, 0.6, columns, dtype=np.float32)[None, :, None] * np.float32([1, 0.9, 0.8])
    target = ((slope + rng.normal(0, 0.02, (height, columns, 1)).astype(np.float32)) * full).astype(kind)
    source = np.ascontiguousarray(target[::-1, ::-1])
    rows, across = np.ogrid[:height, :columns]
    mask = (rows - height // 2) ** 2 + (across - columns // 2) ** 2 < (diameter // 2) ** 2
    net = load(weights) if weights else CopyPasteNet(CopyPasteConfig(width, True, True, 4)).eval()
    context = Context(
        cache={cache_key(NAME): Network(net, SimpleNamespace(input_size=store.find_card(NAME).input_size))}
    )
    harmonize(source[:64, :64], target[:64, :64], np.eye(64, dtype=bool), False, Options(), context)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, processor = time.perf_counter(), time.process_time()
    harmonize(source, target, mask, False, Options(method), context)
    seconds = time.perf_counter() - wall, time.process_time() - processor
    return *seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * UNIT / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="an exported network")
    parser.add_argument("--width", type=int, default=40, help="of the untrained network")
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads\n")
    print("| image | paste | samples | method | wall clock (s) | processor (s) | memory (MiB) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        for kind in ("uint8", "uint16"):
            for method in ("auto", "poisson"):
                with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                    found = pool.submit(measure, case, method, kind, options.weights, options.width).result()
                shown = " | ".join(f"{value:.2f}" for value in found[:2])
                print(f"| {case[1]} x {case[0]} | {case[2]} px | {kind} | {method} | {shown} | {found[2]:.0f} |")


if __name__ == "__main__":
    main()
