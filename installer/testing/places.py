"""Where the test environment is kept: outside the checkout, so that it serves again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MARKERS = ("krita", "gimp")
"""Markers of the tests that run a real editor."""

FILE = "INLAY_TALLY"
"""Environment variable: the file that the counts of these tests are written to."""


@dataclass(frozen=True)
class Places:
    """Folders of the test environment, each of which an environment variable names instead of a folder in `cache`."""

    cache: Path
    venv: Path  # INLAY_TEST_VENV
    gimp_tree: Path  # INLAY_GIMP_TREE: the oldest GIMP 3; the oldest Krita is this machine's own
    newest_tree: Path  # INLAY_NEWEST_TREE: the newest GIMP and Krita 5
    krita6_tree: Path  # INLAY_KRITA6_TREE

    @classmethod
    def this(cls) -> Places:
        """The places on this machine."""
        cache = Path.home() / ".cache/inlay-tests"

        def place(variable: str, name: str) -> Path:
            return Path(os.environ.get(variable) or cache / name)

        return cls(
            cache,
            place("INLAY_TEST_VENV", "venv"),
            place("INLAY_GIMP_TREE", "gimp-tree"),
            place("INLAY_NEWEST_TREE", "forky-tree"),
            place("INLAY_KRITA6_TREE", "krita6-tree"),
        )
