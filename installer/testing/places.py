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
    """Folders of the test environment. INLAY_TEST_VENV and INLAY_GIMP_TREE name others than those in `cache`."""

    cache: Path
    venv: Path
    gimp_tree: Path

    @classmethod
    def this(cls) -> Places:
        """The places on this machine."""
        cache = Path.home() / ".cache/inlay-tests"
        return cls(
            cache,
            Path(os.environ.get("INLAY_TEST_VENV") or cache / "venv"),
            Path(os.environ.get("INLAY_GIMP_TREE") or cache / "gimp-tree"),
        )
