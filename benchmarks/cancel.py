"""How soon each action notices that it is to stop: the longest time between two looks for a cancel, and where it lies.

    python3 -m benchmarks.cancel [--megapixels 12] [--actions fill.selection ...] [--cpu-time]

Between two looks a worker interrupts an operation (backend/worker/interrupt.py), but not what it calls in C. The first
run of an action loads its networks and is not counted. --cpu-time: of this process instead of the clock, where the
machine does other work too.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable

from backend.operations import Context, find
from tests.jobs import COMPUTING, example, keep_custom_style

RATIO = 1.5  # of the images' width to their height, about


class Looks:
    """Remembers when it was asked, and the longest gap."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.count, self.longest, self.where = clock, 0, 0.0, ""
        self.last, self.place = clock(), "start"

    def __call__(self) -> bool:
        self.count += 1
        self.note(_place())
        return False

    def note(self, place: str) -> None:
        """The end of a gap: a look, or the end of the job."""
        now = self.clock()
        if now - self.last > self.longest:
            self.longest, self.where = now - self.last, f"{self.place} .. {place}"
        self.last, self.place = now, place


def _place() -> str:
    frames = [frame for frame in traceback.extract_stack() if "/backend/" in frame.filename.replace("\\", "/")]
    own = [frame for frame in frames if frame.name not in ("stop_if", "_poll", "poll", "<lambda>")]
    last = own[-1] if own else None
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}" if last else "?"


def measured(action: str, megapixels: float, clock: Callable[[], float]) -> tuple[float, Looks]:
    """Seconds of a job of the action, and its looks."""
    context = Context()
    small, job = example(action), example(action, round((megapixels * 1e6 * RATIO) ** 0.5))
    if "name" in small.parameters:
        keep_custom_style(context)
    run = find(action)
    run(small, context)
    looks = Looks(clock)
    context.cancelled = looks
    begun = clock()
    run(job, context)
    looks.note("end")
    return clock() - begun, looks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--actions", nargs="+", default=COMPUTING)
    parser.add_argument("--cpu-time", action="store_true")
    args = parser.parse_args()
    print("| action | job, s | looks | longest gap, s | where |\n| --- | --- | --- | --- | --- |")
    for action in args.actions:
        seconds, looks = measured(action, args.megapixels, time.process_time if args.cpu_time else time.perf_counter)
        row = f"| {action} | {seconds:.1f} | {looks.count} | {looks.longest:.2f} | {looks.where} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
