"""How long a selection takes from submit to mask, on a photograph of 12 megapixels, with a warm backend process.

    python -m benchmarks.select_speed [--rounds 5] [--image FILE]

The first prompt (select.subject) is timed on images the backend has not seen, the second one (select.object from a
box) on the same images afterwards. Peak memory is that of the worker process over the whole run (Linux). `--inside`
runs the same jobs in this process instead and prints where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plugin.client.messages import Job

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 4000, 3000
BOX = (0.1, 0.02, 0.75, 0.98)  # left, top, right, bottom, of the image's sides


def photograph(path: Path | None) -> NDArray[np.uint8]:
    """The image (scikit-image's cat when None) at 12 megapixels, HEIGHT x WIDTH x 4 RGBA."""
    if path is None:
        from skimage import data

        image = data.chelsea()
    else:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    large = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.dstack([large, np.full((HEIGHT, WIDTH), 255, np.uint8)])


def jobs(image: NDArray[np.uint8], number: int) -> Iterator[Job]:
    """The first and the second job on an image made unlike the others by one pixel."""
    from backend.io.rasters import from_array
    from plugin.client.actions import BY_NAME

    own = image.copy()
    own[0, 0, 0] = number
    box = np.zeros((HEIGHT, WIDTH), np.uint8)
    left, top, right, bottom = (round(share * side) for share, side in zip(BOX, (WIDTH, HEIGHT) * 2, strict=True))
    box[top:bottom, left:right] = 255
    subject, thing = (BY_NAME[name].check({}) for name in ("select.subject", "select.object"))
    yield Job("select.subject", subject, {"image": from_array(own)})
    yield Job("select.object", thing, {"image": from_array(own), "selection": from_array(box)})


def worker_memory(backend: int) -> int:
    """Peak resident memory of the backend's worker in MiB."""
    children = subprocess.run(["pgrep", "-P", str(backend)], capture_output=True, text=True, check=False).stdout.split()
    peaks = [int(line.split()[1]) for pid in children for line in Path(f"/proc/{pid}/status").read_text().splitlines()
             if line.startswith("VmHWM")]  # fmt: skip
    return max(peaks, default=0) // 1024


def timed(jobs: Callable[[int], Iterable[Job]], rounds: int) -> tuple[list[list[float]], int]:
    """Seconds from submit to result of each job of jobs(1) ... jobs(rounds), one list for each round, by a backend
    process that jobs(0) has warmed up; and its worker's peak memory in MiB."""
    with tempfile.TemporaryDirectory(prefix="inlay-bench-") as folder:
        os.environ |= {"INLAY_RUN_DIR": folder, "INLAY_DATA_DIR": folder}
        from plugin.client.net.connection import Connection
        from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint
        from plugin.client.server.launcher import Installation

        times: list[list[float]] = []
        with Connection("benchmark", installation=Installation(Path(sys.executable), ROOT)) as connection:
            for number in range(rounds + 1):
                times.append([])
                for job in jobs(number):
                    begun = time.perf_counter()
                    result = connection.run(job)
                    times[-1].append(time.perf_counter() - begun)
                    assert result.outputs[0].raster.box == job.inputs["image"].box
            memory = worker_memory(read_endpoint(Path(folder) / CONNECTION_FILE).pid)
            connection.shutdown()
    return times[1:], memory


def through_backend(image: NDArray[np.uint8], rounds: int) -> None:
    times, memory = timed(lambda number: jobs(image, number), rounds)
    print(f"{WIDTH} x {HEIGHT} RGBA, {os.cpu_count()} cores, seconds from submit to mask, {rounds} rounds")
    names = ("select.subject, new image", "select.object, same image")
    for name, row in zip(names, zip(*times, strict=True), strict=True):
        print(f"{name}: median {statistics.median(row):.2f}, least {min(row):.2f}, most {max(row):.2f}")
    print(f"peak memory of the worker: {memory} MiB")


def inside(image: NDArray[np.uint8], rounds: int) -> None:
    """The operations alone, under the profiler."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker has it
    from backend.operations import Context
    from backend.worker.execute import execute

    context = Context()
    profiler = cProfile.Profile(time.process_time)
    for number in range(rounds + 1):
        for job in jobs(image, number):
            if number:
                profiler.enable()
            begun = time.process_time(), time.perf_counter()
            execute(job, "cpu", context.progress, context.cancelled, context.cache)
            profiler.disable()
            print(
                f"{job.action}: {time.perf_counter() - begun[1]:.3f} s, {time.process_time() - begun[0]:.3f} s of CPU"
            )
    pstats.Stats(profiler).sort_stats("tottime").print_stats(16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--inside", action="store_true", help="profile the operations in this process")
    options = parser.parse_args()
    (inside if options.inside else through_backend)(photograph(options.image), options.rounds)


if __name__ == "__main__":
    main()
