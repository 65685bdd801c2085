"""Lint, types and tests."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..console import Console, clean_environment
from ..machine import SOURCE
from .places import FILE, MARKERS, Places

GLOSSARY = Path(__file__).with_name("glossary.txt")
"""Words that are not ours, and what we say instead: a dictionary of codespell's."""
SPELLED = (
    "plugin", "backend", "models", "installer", "tests", "benchmarks", "docs", "README.md", "CONTRIBUTING.md",
    "pyproject.toml", ".ci",
)  # fmt: skip


def run(places: Places, console: Console, editors: bool, extra: Sequence[str]) -> bool:
    """Run all of it and say at the end what failed. With `editors`, a suite in which one did not run has failed."""
    python = places.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    tally = places.cache / "tally.json"
    tally.unlink(missing_ok=True)
    environment = clean_environment()
    environment |= {FILE: str(tally), "INLAY_GIMP_TREE": str(places.gimp_tree), "INLAY_PYTHON": str(python)}
    leave_out = [] if editors else ["-m", "not krita and not gimp"]
    checks: dict[str, list[str | Path]] = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "codespell": [python, "-m", "codespell_lib", "-D", "-", "-D", GLOSSARY, *SPELLED],
        "mypy": [python, "-m", "mypy"],
        "pytest": [python, "-m", "pytest", "-p", "installer.testing.tally", *leave_out, *extra],
    }
    failed = [name for name, command in checks.items() if not _succeeds(console, name, command, environment)]
    if "pytest" in failed:
        # a busy machine can make an editor miss a moment; what fails twice has failed
        again = [*checks["pytest"], "--last-failed", "--last-failed-no-failures", "none"]
        if _succeeds(console, "pytest, the failed tests once more", again, environment):
            failed.remove("pytest")
    if editors and not extra and (missing := absent(tally)):
        failed.append(f"no test ran in {' and '.join(missing)}")
    if failed:
        console.say(f"failed: {', '.join(failed)}")
    return not failed


def _succeeds(console: Console, name: str, command: Sequence[str | Path], environment: dict[str, str]) -> bool:
    console.say(f"== {name}")
    return subprocess.run([str(word) for word in command], cwd=SOURCE, env=environment, check=False).returncode == 0


def absent(tally: Path) -> list[str]:
    """The editors of which no test has passed."""
    counts = json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {}
    return [marker for marker in MARKERS if not counts.get(marker)]
