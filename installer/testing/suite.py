"""Lint, types and tests; the editors' tests in the oldest, the newest and the coming editors."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..console import Console, InstallError, clean_environment
from ..machine import SOURCE
from .places import FILE, MARKERS, Places

GLOSSARY = Path(__file__).with_name("glossary.txt")
"""Words that are not ours, and what we say instead: a dictionary of codespell's."""
SPELLED = (
    "plugin", "backend", "models", "installer", "tests", "benchmarks", "docs", "README.md", "CONTRIBUTING.md",
    "pyproject.toml", ".ci",
)  # fmt: skip

EDITORS = "tests/editors"
NEWEST = ["-m", "(krita or gimp) and not photographs", EDITORS]
"""What runs in the newest editors: all but what judges the looks of a result, which no editor has a part in."""

KRITA6 = ["-m", "krita and smoke", EDITORS]


class Suite:
    """The checks, one after the other; `failed` names those that did not pass."""

    def __init__(self, places: Places, console: Console) -> None:
        self.places, self.console = places, console
        self.python = places.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.failed: list[str] = []

    def check(self, name: str, words: Sequence[str], environment: Mapping[str, str] | None = None) -> bool:
        """Run a module of Python; whether it ended well."""
        self.console.say(f"== {name}")
        command = [str(self.python), "-m", *words]
        passed = subprocess.run(command, cwd=SOURCE, env=environment, check=False).returncode == 0
        if not passed:
            self.failed.append(name)
        return passed

    def pytest(self, name: str, arguments: Sequence[str], variables: Mapping[str, str], editors: Sequence[str]) -> None:
        """Run tests; those that fail run once more. With `editors`, one of which no test has passed is a failure."""
        tally = self.places.cache / "tally.json"
        tally.unlink(missing_ok=True)
        own = {FILE: str(tally), "INLAY_PYTHON": str(self.python)}
        environment = {**clean_environment(), **own, **variables}
        words = ["pytest", "-p", "installer.testing.tally", *arguments]
        if not self.check(name, words, environment):
            # a busy machine can make an editor miss a moment; what fails twice has failed
            again = [*words, "--last-failed", "--last-failed-no-failures", "none"]
            if self.check(f"{name}, the failed tests once more", again, environment):
                self.failed.remove(name)
            else:
                self.failed.pop()
        if missing := absent(tally, editors):
            self.failed.append(f"{name}: no test ran in {' and '.join(missing)}")


def run(
    places: Places, console: Console, editors: bool, extra: Sequence[str], newer: Callable[[], None] | None = None
) -> bool:
    """Run all of it and say at the end what failed. With `editors`, a suite in which one did not run has failed.

    newer: waits until the trees of the newer editors are there; without it the tests run in the oldest ones alone.
    """
    suite = Suite(places, console)
    environment = clean_environment()
    suite.check("ruff check", ["ruff", "check", "."], environment)
    suite.check("ruff format", ["ruff", "format", "--check", "."], environment)
    suite.check("codespell", ["codespell_lib", "-D", "-", "-D", str(GLOSSARY), *SPELLED], environment)
    suite.check("mypy", ["mypy"], environment)
    leave_out = [] if editors else ["-m", "not krita and not gimp"]
    oldest = {"INLAY_GIMP_TREE": str(places.gimp_tree), "INLAY_KRITA_TREE": ""}
    suite.pytest("pytest", [*leave_out, *extra], oldest, MARKERS if editors and not extra else ())
    if newer is not None:
        _run_newer(suite, newer)
    if suite.failed:
        console.say(f"failed: {', '.join(suite.failed)}")
    return not suite.failed


def _run_newer(suite: Suite, newer: Callable[[], None]) -> None:
    try:
        newer()
    except InstallError as error:
        suite.console.say(str(error))
        suite.failed.append("the trees of the newer editors")
        return
    newest, krita6 = str(suite.places.newest_tree), str(suite.places.krita6_tree)
    suite.pytest("the newest editors", NEWEST, {"INLAY_GIMP_TREE": newest, "INLAY_KRITA_TREE": newest}, MARKERS)
    suite.pytest("Krita 6", KRITA6, {"INLAY_KRITA_TREE": krita6}, ("krita",))


def absent(tally: Path, editors: Sequence[str] = MARKERS) -> list[str]:
    """The editors of which no test has passed."""
    counts = json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {}
    return [marker for marker in editors if not counts.get(marker)]
