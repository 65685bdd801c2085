"""One word for one thing: names that were given up stay only where old scripts may use them."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LABELS = (
    "Select by Kind", "Color Groups", "Weight of place", "Refine Edge of Selection", "Cut Out Subject",
    "Fill Selection", "Erase Subject", "Erase Object", "Blend Layer into Image", "Paste from Layer",
    "Place Subject on", "Stylize as a Layer", "Paint in the Style", "Train a Style", "Own Style", "Traces too",
    "best there is", "Share of the second", "Blend with", "Width around the hole",
)  # fmt: skip
"""Labels and phrases, with what has replaced them in docs/actions.md."""
NAMES = (
    "strangeness", "_toll", "_peel", "origins", "see_subject", "share_of", "lister", "abridged", "keyed", "_ledger",
    "_mend", "offered_by", "OfferField", "belonging", "_freed", "alike", "Recent", "Line", "Seen", "View",
    "Float", "Floats", "U8", "Pixels", "Picture", "erase_subject", "consolidate",
)  # fmt: skip
"""Identifiers of `plugin` and `backend`."""
HERE = Path(__file__).name


def tracked(*patterns: str) -> list[Path]:
    done = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if Path(name).name != HERE and (ROOT / name).exists()]


def identifiers(path: Path) -> Iterator[tuple[str, int]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.NAME:
            yield token.string, token.start[0]


@pytest.fixture(scope="module")
def repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("pattern", ["*.py", "*.md", "*.toml", "*.html", "*.action"])
def test_labels_that_were_given_up_are_nowhere(pattern: str) -> None:
    given_up = re.compile("|".join(map(re.escape, LABELS)))
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in tracked(pattern)
        for match in given_up.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.usefixtures("repository")
def test_names_that_were_given_up_are_nowhere() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in tracked("plugin/*.py", "backend/*.py")
        for name, line in identifiers(path)
        if name in NAMES
    ]
    assert not found
