"""A pytest plug-in that counts the passed tests of each editor, so that none can be missing unnoticed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .places import FILE, MARKERS


class Tally:
    """Counts passed tests by marker and writes the counts at the end of the session."""

    def __init__(self) -> None:
        path = Path(os.environ[FILE])
        self.passed: dict[str, int] = dict.fromkeys(MARKERS, 0)
        if path.exists():  # of the run before, whose failed tests this one repeats
            self.passed |= json.loads(path.read_text(encoding="utf-8"))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def] # a generator of pytest's own types
        """Count a test whose body has passed."""
        outcome = yield
        if call.when == "call" and outcome.get_result().passed:
            for marker in MARKERS:
                self.passed[marker] += item.get_closest_marker(marker) is not None

    def pytest_sessionfinish(self) -> None:
        """Write the counts to the file that INLAY_TALLY names."""
        Path(os.environ[FILE]).write_text(json.dumps(self.passed), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest."""
    config.pluginmanager.register(Tally())
