"""What pip fetches, as it goes on: gigabytes take a while, and nothing else would show that anything happens."""

from __future__ import annotations

import re
from collections.abc import Callable

LEAST_MB = 5.0
"""What is smaller is not worth a line."""

STEP = 10  # percent
_UNITS = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}
_FILE = re.compile(
    r"\s*Downloading (?:\S*/)?([A-Za-z0-9_.]+)-([0-9][^-\s]*)\S*\.(?:whl|gz|zip) \(([\d.]+) (kB|MB|GB)\)"
)
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


class Downloads:
    """Reads pip's output line by line and says which large file comes, and how much of it there is."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._name = ""  # of the file that comes, when it is large
        self._told = 0

    def line(self, text: str) -> bool:
        """Take a line of pip's; whether it was only there to be shown, not to be kept in the log."""
        if match := _PROGRESS.match(text):
            self._progress(int(match[1]), int(match[2]))
            return True
        if match := _FILE.match(text):
            size = float(match[3]) * _UNITS[match[4]]
            self._name, self._told = (match[1] if size >= LEAST_MB else ""), 0
            if self._name:
                self._say(f"  fetching {match[1]} {match[2]}, {match[3]} {match[4]}")
        return False

    def _progress(self, have: int, total: int) -> None:
        percent = 100 * have // max(total, 1)
        if self._name and percent // STEP > self._told:
            self._told = percent // STEP
            self._say(f"    {self._name}: {percent} % of {total / 1e6:.0f} MB")
