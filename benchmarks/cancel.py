"""How soon a cancelled action frees its worker, on images of 12 megapixels.

    python3 -m benchmarks.cancel [--megapixels 12] [--actions fill.selection ...] [--tries 4] [--inside] [--cpu-time]

Cancels jobs of a backend of its own at moments spread over their work and prints the longest time until the worker was
idle again, and how often it had to be killed. `--inside` runs the operations in this process instead and prints where
they take longest to notice: between two looks for a cancel, and, as a worker also interrupts an operation between these
(backend/worker/interrupt.py), in a single call that is not Python and cannot be interrupted. The first run of an action
loads its networks and is not counted. --cpu-time: that of the thread instead of the clock, where the machine does other
work too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType

from backend.operations import Context, find
from plugin.client.messages import Job, JobState, Progress, new_id
from tests.backends import Backend, wait_for
from tests.jobs import COMPUTING, example, keep_custom_style

SMALL = 96  # pixels, the width of a small image
TICK = 0.004  # seconds between two attempts to interrupt
PATIENCE = 600.0  # seconds for a job


class Gaps:
    """Remembers when it was asked, and the longest time between."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.count, self.longest, self.where = clock, 0, 0.0, ""
        self.last, self.place = clock(), "start"

    def note(self, place: str) -> None:
        """The end of a gap."""
        now = self.clock()
        if now - self.last > self.longest:
            self.longest, self.where = now - self.last, f"{self.place} .. {place}"
        self.last, self.place = now, place
        self.count += 1

    def row(self) -> str:
        return f"{self.longest:.2f} | {self.where}"


@contextlib.contextmanager
def interruptions(calls: Gaps) -> Iterator[None]:
    """Has `calls` note each moment at which a signal would have interrupted this thread."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        calls.note(_place(frame))

    signal.signal(signal.SIGALRM, interrupted)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _place(frame: FrameType | None) -> str:
    frames = [entry for entry in traceback.extract_stack(frame) if "/backend/" in entry.filename.replace("\\", "/")]
    own = [entry for entry in frames if entry.name not in ("stop_if", "_poll", "poll", "<lambda>")]
    last = own[-1] if own else None
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}" if last else "?"


def jobs(action: str, megapixels: float) -> tuple[Job, Job]:
    """A small job of the action, and one whose largest image has so many megapixels."""
    small = example(action, SMALL)
    largest = max(image.width * image.height for image in small.inputs.values())
    return small, example(action, round(SMALL * (megapixels * 1e6 / largest) ** 0.5))


def measured_inside(action: str, megapixels: float, clock: Callable[[], float]) -> tuple[float, Gaps, Gaps]:
    """Seconds of a job of the action, the gaps between its looks, and those between its interruptible moments."""
    context = Context()
    small, job = jobs(action, megapixels)
    if "name" in small.parameters:
        keep_custom_style(context)
    run = find(action)
    run(small, context)
    looks, calls = Gaps(clock), Gaps(clock)

    def cancelled() -> bool:
        if threading.current_thread() is threading.main_thread():
            looks.note(_place(None))
        return False

    context.cancelled = cancelled
    begun = clock()
    with interruptions(calls):
        run(job, context)
    looks.note("end")
    return clock() - begun, looks, calls


class Measured:
    """Cancels jobs of one backend."""

    def __init__(self) -> None:
        from plugin.client.net.connection import Connection

        self.backend = Backend("--lease", "60")
        self.connection = Connection("cancel", endpoint=self.backend.start())

    def close(self) -> None:
        self.connection.close()
        self.backend.stop()

    def cancel(self, job: Job, after: float) -> tuple[float, bool]:
        """Seconds until the worker is free when the job is cancelled so many seconds after its start, and whether it
        is the same worker."""
        job, workers = replace(job, id=new_id()), self.backend.workers()
        self.connection.submit(job)
        wait_for(lambda: self._running(job), "the job to run", PATIENCE)
        time.sleep(after)
        begun = time.monotonic()
        self.connection.cancel(job.id)
        self.connection.run(Job("diagnose.identity", {}, {"image": example("select.subject", 8).inputs["image"]}))
        return time.monotonic() - begun, self.backend.workers() == workers

    def _running(self, job: Job) -> bool:
        events = [event for event in self.connection.events(0.005) if isinstance(event, Progress)]
        return any(event.job == job.id and event.state is JobState.RUNNING for event in events)

    def row(self, action: str, megapixels: float, tries: int) -> str:
        small, job = jobs(action, megapixels)
        self.connection.run(small)
        begun = time.monotonic()
        self.connection.run(job)
        seconds = time.monotonic() - begun
        ends = [self.cancel(job, seconds * (number + 0.5) / tries) for number in range(tries)]
        killed = sum(not same for _, same in ends)
        return f"| {action} | {seconds:.1f} | {tries} | {max(took for took, _ in ends):.2f} | {killed} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--actions", nargs="+", default=COMPUTING)
    parser.add_argument("--tries", type=int, default=4, help="how often each action is cancelled")
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--cpu-time", action="store_true")
    args = parser.parse_args()
    if args.inside:
        print("| action | job, s | looks | longest between, s | where | longest call, s | where |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for action in args.actions:
            clock = time.thread_time if args.cpu_time else time.perf_counter
            seconds, looks, calls = measured_inside(action, args.megapixels, clock)
            print(f"| {action} | {seconds:.1f} | {looks.count} | {looks.row()} | {calls.row()} |", flush=True)
        return
    print("| action | job, s | cancelled | longest until the worker is free, s | killed |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["INLAY_DATA_DIR"] = folder
        _write_custom_style()
        measured = Measured()
        try:
            for action in args.actions:
                print(measured.row(action, args.megapixels, args.tries), flush=True)
        finally:
            measured.close()


def _write_custom_style() -> None:
    """The style that `example` names, with the code of one that comes along."""
    from backend.operations.networks import STYLES, load_network
    from models.zoo import custom_styles

    net = load_network(STYLES, Context()).net
    custom_styles.write(custom_styles.CustomStyle("mine", "none", net.codes[:1]))


if __name__ == "__main__":
    main()
