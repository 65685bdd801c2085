"""How far a row of jobs is, on stderr: a bar on a terminal, a line for each finished job elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .wording import plain

Report = Callable[[float, str], None]
FORMAT = "{percentage:3.0f}%|{bar:30}| {elapsed} {desc}"


class ProgressBar:
    """The progress of `total` jobs, one after the other."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=total, bar_format=FORMAT, leave=False, dynamic_ncols=True, file=sys.stderr)

    def report(self, name: str) -> Report:
        """A function to report a job's progress to."""

        def show(fraction: float, message: str) -> None:
            if self.bar is not None:
                self.bar.n = self.done + min(max(fraction, 0.0), 1.0)
                count = f"{self.done + 1}/{self.total} " if self.total > 1 else ""
                self.bar.set_description_str(f"{count}{name} {plain(message)}", refresh=True)

        return show

    def finish(self, line: str = "") -> None:
        """One job has ended."""
        self.done += 1
        if line and self.total > 1:
            self.say(f"{self.done}/{self.total} {line}")

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        if self.bar is not None:
            self.bar.clear()
        print(line, file=sys.stderr, flush=True)
        if self.bar is not None:
            self.bar.refresh()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()
