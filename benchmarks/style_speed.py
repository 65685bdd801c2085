"""How long a style takes from submit to result, with a warm backend process.

    python -m benchmarks.style_speed [--rounds 5] [--large-rounds 1] [--image FILE]

A preset on an image of 600 x 800, a preset on its background alone (the subject is searched for beside the painting),
and a preset on 12 megapixels; every time on an image that the backend has not seen. Peak memory is that of the worker
process over the whole run (Linux).
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.select_speed import photograph, timed
from plugin.client.messages import Job

SMALL = (800, 600)  # width, height


def job(action: str, image: NDArray[np.uint8], number: int) -> Job:
    """An action with its own settings on an image made unlike the others by one pixel."""
    from backend.io.rasters import from_array
    from plugin.client.actions import BY_NAME

    own = image.copy()
    own[0, 0, 0] = number
    return Job(action, BY_NAME[action].check({}), {"image": from_array(own)})


def report(what: str, seconds: list[float]) -> None:
    print(f"{what}: median {statistics.median(seconds):.2f}, least {min(seconds):.2f}, most {max(seconds):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of the thumbnail")
    parser.add_argument("--large-rounds", type=int, default=1, help="of 12 megapixels, 0 for none")
    parser.add_argument("--image", type=Path)
    options = parser.parse_args()
    large = photograph(options.image)
    small = cv2.resize(large, SMALL, interpolation=cv2.INTER_AREA).astype(np.uint8)
    actions = ("style.preset", "style.background")

    def jobs(number: int) -> Iterator[Job]:
        for action in actions:
            yield job(action, small, 2 * number + actions.index(action))
        if options.rounds - options.large_rounds < number:
            yield job("style.preset", large, number)

    times, memory = timed(jobs, options.rounds)
    print(f"{os.cpu_count()} cores, seconds from submit to result, {options.rounds} rounds")
    report("style.preset, 600 x 800", [row[0] for row in times])
    report("style.background, 600 x 800", [row[1] for row in times])
    if options.large_rounds:
        report(f"style.preset, {large.shape[0]} x {large.shape[1]}", [row[2] for row in times if len(row) > 2])
    print(f"peak memory of the worker: {memory} MiB")


if __name__ == "__main__":
    main()
