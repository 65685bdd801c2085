"""The words of an editor do not appear on the command line: in messages, notes, progress, and help."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import backend
from backend.cli import Exit, wording
from backend.cli.main import COMMANDS, main
from backend.cli.runner import failed, nothing_found
from plugin.client.messages import ErrorCode, Failure

EDITORS = re.compile(
    r"\b(layers?|undo|menus?|dialog|docker|canvas|active|selection|Inlay >|Style >|Fill >|Select (the|a|what) )", re.I
)
"""Words that mean nothing where there is no editor. An option may be called `--region selection`."""

OPERATIONS = Path(backend.__file__).parent / "operations"


def sentences(path: Path) -> Iterator[tuple[str, bool]]:
    """Text that operations give to the user, and whether it is a remedy."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.endswith("OperationError"):
            for index, argument in enumerate(node.args[1:]):
                yield from ((text, index == 1) for text in literal(argument))
        elif name.endswith(("notes.append", "context.progress", "progress")):
            for argument in node.args:
                yield from ((text, False) for text in literal(argument))


def literal(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in node.values)]
    return []


FOUND = [(path.name, *found) for path in sorted(OPERATIONS.rglob("*.py")) for found in sentences(path)]


def test_there_are_sentences_to_look_at() -> None:
    assert len(FOUND) > 25


@pytest.mark.parametrize("action", ["select.subject", "fill.selection", "style.preset", "paste.harmonize",
                                    "paste.portrait", "background.blur", "cutout.background"])  # fmt: skip
def test_operations_sentences_lose_an_editors_words(action: str) -> None:
    wrong = []
    for name, text, is_remedy in FOUND:
        shown = wording.remedy(text, action) if is_remedy else wording.plain(text)
        if EDITORS.search(shown):
            wrong.append(f"{name}: {text!r} -> {shown!r}")
    assert not wrong


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in ("serve", "doctor", "demo", "train-style", "editors")]
)
def test_help_has_no_editors_words(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    text = text.replace("--region selection", "").replace("subject,selection}", "").replace("whole layer", "")
    assert not re.search(r"\b(layers?|undo|menus?|dialog|docker|canvas)\b", text, re.I), text


@pytest.mark.parametrize(("action", "options"), [
    ("select.subject", ["--box", "--point", "--target"]), ("fill.subject", ["--mask", "--target"]),
    ("style.preset", ["--mask"]), ("background.blur", ["--mask"]), ("paste.portrait", ["inlay cutout"]),
])  # fmt: skip
def test_nothing_found_has_one_wording_and_one_exit_code_and_a_remedy_of_the_command(
    action: str, options: list[str]
) -> None:
    failure = Failure(ErrorCode.NOTHING_FOUND, "No subject was found.", "Select what is to be kept.", "/a/log")
    error = failed(failure, action)
    assert error.code == Exit.BAD_INPUT == nothing_found(action).code
    assert str(error).startswith("No subject was found.")
    assert str(nothing_found(action)) == str(error)
    assert "/a/log" in str(failed(Failure(ErrorCode.INTERNAL, "A fault.", "", "/a/log"), action))
    assert all(option in str(error) for option in options)
