"""One word for one thing: names that were given up stay only where old scripts may use them.

British spellings are codespell's; it runs beside this with installer/testing/glossary.txt.
"""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.client.actions import ACTIONS

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).name
PHRASES = (
    "select by kind", "color groups", "weight of place", "refine edge of selection", "cut out subject",
    "erase subject", "erase object", "blend layer into", "paste from layer", "place subject on", "stylize as a layer",
    "paint in the style", "train a style", "own styles?", "traces", "(?<!the )best there is", "share of the second",
    "blend with the", "width around the hole", "pictures?", "warmth", "strangeness", "manner of painting",
)  # fmt: skip
"""Regular expressions of labels and words; what has replaced them stands in docs/actions.md."""
NAMES = (
    "strange", "toll", "peel", "origins", "see_subject", "share_of", "lister", "abridged", "keyed", "ledger", "mend",
    "offered_by", "OfferField", "belonging", "freed", "alike", "Recent", "Line", "Seen", "View", "Look", "Floats",
    "Float", "Array", "U8", "Pixels", "Picture", "Mask", "erase_subject", "consolidate", "consolidated", "guess",
    "wish", "tell", "hear", "heard", "spoken", "judge", "Judge", "deal", "Clock", "Average", "Classroom", "lesson",
    "lessons", "careful", "stops", "relabel", "bond", "structure", "said",
)  # fmt: skip
"""Identifiers, with or without an underscore before them."""
ALIASES = {
    "plugin/client/actions/fill.py": {"traces"},
    "plugin/client/actions/style.py": {"warmth", "picture"},
    "backend/cli/style.py": {"picture"},
    "tests/cli/test_cli.py": {"traces", "warmth", "picture"},
    "tests/client/test_actions.py": {"traces"},
    "tests/editors/gimp/test_actions.py": {"traces"},
}
"""Where the old names are taken still, and where that is tested."""
OLD_LABELS = re.compile(r"\b(kind|groups?|careful|traces|across|down|manner|warmth|stops|picture|own style)\b", re.I)
"""What no label says: each of these words has another one in its place."""


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
@pytest.mark.parametrize("pattern", ["*.py", "*.md", "*.toml", "*.html", "*.action", "*.desktop"])
def test_words_that_were_given_up_are_aliases_alone(pattern: str) -> None:
    given_up = re.compile(rf"(?<![a-z])({'|'.join(PHRASES)})(?![a-z])", re.IGNORECASE)
    found = [
        f"{name}: {word}"
        for path in tracked(pattern)
        for name in [path.relative_to(ROOT).as_posix()]
        for word in given_up.findall(path.read_text(encoding="utf-8").replace("\n", " "))
        if word.lower() not in ALIASES.get(name, set())
    ]
    assert not found


@pytest.mark.usefixtures("repository")
def test_names_that_were_given_up_are_nowhere() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in tracked("*.py")
        for name, line in identifiers(path)
        if name.lstrip("_") in NAMES
    ]
    assert not found


def test_no_label_says_a_word_that_was_given_up() -> None:
    labels = [
        label
        for action in ACTIONS
        if not action.hidden
        for label in (action.label, *(p.label for p in action.parameters))
    ]
    assert len(labels) > 50
    assert not [label for label in labels if OLD_LABELS.search(label)]
