"""Lint, types and tests; the editors' tests in the oldest, the newest and the coming editors.

Two runs of pytest go on beside each other: editors mostly wait. Tests that fail run once more when all have ended.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

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
ANY_EDITOR = " or ".join(MARKERS)
NO_EDITOR = f"not ({ANY_EDITOR})"
NEWEST = f"({ANY_EDITOR}) and not photographs"
"""What runs in the newest editors: all but what judges the looks of a result, which no editor has a part in."""

KRITA6 = "krita and smoke"


@dataclass(frozen=True)
class Tests:
    """A run of pytest. One of `editors` in which no test has passed is a failure."""

    name: str
    arguments: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    editors: Sequence[str] = ()


class Suite:
    """The checks; `failed` names those that did not pass."""

    def __init__(self, places: Places, console: Console) -> None:
        self.places, self.console = places, console
        self.python = places.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.failed: list[str] = []
        self._again: list[Tests] = []

    def check(self, name: str, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run a module of Python."""
        self.console.say(f"== {name}")
        if not self._passed(words, environment):
            self.failed.append(name)

    def run(self, tests: Tests, out: IO[bytes] | None = None) -> None:
        """Run tests; what they print goes to `out`, where there is one. Those that fail are noted for `repeat`."""
        self._tally(tests).unlink(missing_ok=True)
        if not self._passed(self._pytest(tests), self._environment(tests), out):
            self._again.append(tests)

    def say_and_run(self, tests: Tests) -> None:
        """The same, under a heading."""
        self.console.say(f"== {tests.name}")
        self.run(tests)

    def run_into_log(self, tests: Tests) -> None:
        """The same beside others: what they print goes to a log and, when they have ended, to the console."""
        path = self.places.cache / f"{tests.name.replace(' ', '-')}.log"
        self.console.say(f"{tests.name}: {path}")
        with path.open("wb") as out:
            self.run(tests, out)
        self.console.say(f"== {tests.name}\n{path.read_text(encoding='utf-8', errors='replace')}")

    def repeat(self) -> None:
        """Run once more what failed: a busy machine can make an editor miss a moment; what fails twice has failed."""
        for tests in self._again:
            words = [*self._pytest(tests), "--last-failed", "--last-failed-no-failures", "none"]
            self.console.say(f"== {tests.name}, the failed tests once more")
            if not self._passed(words, self._environment(tests)):
                self.failed.append(tests.name)
        self._again.clear()

    def count(self, tests: Tests) -> None:
        """Notice editors in which no test has passed."""
        if missing := absent(self._tally(tests), tests.editors):
            self.failed.append(f"{tests.name}: no test ran in {' and '.join(missing)}")

    def _passed(
        self, words: Sequence[str], environment: Mapping[str, str] | None, out: IO[bytes] | None = None
    ) -> bool:
        command = [str(self.python), "-m", *words]
        done = subprocess.run(command, cwd=SOURCE, env=environment, stdout=out, stderr=out, check=False)
        return done.returncode == 0

    def _pytest(self, tests: Tests) -> list[str]:
        cache = self.places.cache / "pytest" / tests.name.replace(" ", "-")  # each knows its own failures
        return ["pytest", "-p", "installer.testing.tally", "-o", f"cache_dir={cache}", *tests.arguments]

    def _environment(self, tests: Tests) -> dict[str, str]:
        own = {FILE: str(self._tally(tests)), "INLAY_PYTHON": str(self.python)}
        return {**clean_environment(), **own, **tests.variables}

    def _tally(self, tests: Tests) -> Path:
        return self.places.cache / f"tally-{tests.name.replace(' ', '-')}.json"


def run(
    places: Places, console: Console, editors: bool, extra: Sequence[str], newer: Callable[[], None] | None = None
) -> bool:
    """Run all of it and say at the end what failed. With `editors`, a suite in which one did not run has failed.

    Args:
        places: of the test environment.
        console: says what runs.
        editors: whether there are any.
        extra: arguments for pytest; with some, one run of it in the oldest editors is all.
        newer: waits until the trees of the newer editors are there; without it the tests run in the oldest ones alone.
    """
    suite = Suite(places, console)
    environment = clean_environment()
    suite.check("ruff check", ["ruff", "check", "."], environment)
    suite.check("ruff format", ["ruff", "format", "--check", "."], environment)
    suite.check("codespell", ["codespell_lib", "-D", "-", "-D", str(GLOSSARY), *SPELLED], environment)
    suite.check("mypy", ["mypy"], environment)
    oldest = {"INLAY_GIMP_TREE": str(places.gimp_tree), "INLAY_KRITA_TREE": ""}
    plain = Tests("tests", ["-m", NO_EDITOR, *extra])
    all_tests = [plain]
    if editors and extra:
        all_tests = [Tests("tests", list(extra), oldest)]
    if editors and not extra:
        all_tests = [plain, Tests("the oldest editors", ["-m", ANY_EDITOR], oldest, MARKERS)]
        if newer is not None:
            newest, krita6 = str(places.newest_tree), str(places.krita6_tree)
            both = {"INLAY_GIMP_TREE": newest, "INLAY_KRITA_TREE": newest}
            all_tests.append(Tests("the newest editors", ["-m", NEWEST, EDITORS], both, MARKERS))
            all_tests.append(Tests("Krita 6", ["-m", KRITA6, EDITORS], {"INLAY_KRITA_TREE": krita6}, ("krita",)))
    if len(all_tests) == 1:
        suite.say_and_run(all_tests[0])
    else:
        _run_two_by_two(suite, all_tests, newer)
    suite.repeat()
    for tests in all_tests:
        suite.count(tests)
    if suite.failed:
        console.say(f"failed: {', '.join(suite.failed)}")
    return not suite.failed


def _run_two_by_two(suite: Suite, all_tests: Sequence[Tests], newer: Callable[[], None] | None) -> None:
    """Two of the tests at a time, in their order; those after the first two need the trees of the newer editors."""

    def run_later(tests: Tests) -> None:
        if newer is not None:
            newer()
        suite.run_into_log(tests)

    with ThreadPoolExecutor(2, "tests") as pool:
        first = [pool.submit(suite.run_into_log, tests) for tests in all_tests[:2]]
        later = [pool.submit(run_later, tests) for tests in all_tests[2:]]
    for running in first:
        running.result()
    try:
        for running in later:
            running.result()
    except InstallError as error:
        suite.console.say(str(error))
        suite.failed.append("the trees of the newer editors")


def absent(tally: Path, editors: Sequence[str] = MARKERS) -> list[str]:
    """The editors of which no test has passed."""
    counts = json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {}
    return [marker for marker in editors if not counts.get(marker)]
