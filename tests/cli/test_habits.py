"""Habits of the command line: the same options in the same words, folders of every format, a bar on a terminal."""

from __future__ import annotations

import argparse
import io
import sys
from importlib import import_module
from itertools import combinations
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from backend.cli import Exit
from backend.io import formats
from tests.io.files import encoded, photograph

from .commands import run, words, write_files

WITH_FILES = ("select", "cutout", "fill", "style", "background", "paste", "compose", "replace_sky")
MANY = WITH_FILES[:-3]


def options(command: str) -> dict[str, argparse.Action]:
    """By the words that are typed; those of older spellings are left out."""
    parser = argparse.ArgumentParser()
    import_module(f"backend.cli.{command}").add_arguments(parser)
    shown = (action for action in parser._actions if action.help is not argparse.SUPPRESS)
    return {word: action for action in shown for word in action.option_strings}


@pytest.mark.parametrize("command", WITH_FILES)
def test_every_command_with_images_has_the_options_for_files(command: str) -> None:
    found = options(command)
    wanted = {"-o", "--output", "--overwrite", "--json", "--in-process"}
    assert wanted | ({"-r", "--recursive"} if command in MANY else set()) <= set(found)


@pytest.mark.parametrize(("one", "other"), list(combinations(WITH_FILES, 2)))
@pytest.mark.parametrize(
    "word", ["--output", "--overwrite", "--json", "--in-process", "--recursive", "--box", "--mask"]
)
def test_an_option_for_files_and_places_is_the_same_in_all_commands(word: str, one: str, other: str) -> None:
    """Its short form, its value and its words; what a mask marks is each command's own."""
    first, second = options(one).get(word), options(other).get(word)
    if first is None or second is None:
        return
    assert first.option_strings == second.option_strings
    assert (first.metavar, first.nargs, first.type) == (second.metavar, second.nargs, second.type)
    if word == "--mask":
        assert str(first.help).partition(": ")[2] == str(second.help).partition(": ")[2]
    elif word != "--output":  # which says the names of a command's results
        assert first.help == second.help


def test_every_readable_format_in_a_folder_is_taken_whatever_it_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], one_process: None
) -> None:
    pillow_heif.register_heif_opener()
    image, folder = Image.fromarray((photograph(24, 18) * 255).astype(np.uint8)), tmp_path / "in"
    folder.mkdir()
    for form in formats.READABLE:
        content = encoded(image, form.pillow or form.name)
        for suffix in form.suffixes:
            (folder / f"{form.name} {suffix[1:]}{suffix}").write_bytes(content)
        if form is not formats.TGA:  # which nothing but its name tells
            (folder / form.name).write_bytes(content)
            (folder / f"{form.name}.dat").write_bytes(content)
            (folder / f"{form.name} called.jpg").write_bytes(content)
    for hidden in ("._a.png", ".b.png"):
        (folder / hidden).write_bytes(encoded(image, "PNG"))
    assert run("select", folder, "--target", "colors", "-o", tmp_path / "out") == Exit.DONE
    count = sum(len(form.suffixes) + 3 for form in formats.READABLE) - 3
    assert len(list((tmp_path / "out").iterdir())) == count
    assert "passed over: 2 hidden" in capsys.readouterr().err


class Terminal(io.StringIO):
    """What is shown."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar_and_elsewhere_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_process: None
) -> None:
    names = write_files(tmp_path)
    given = [*words("fill", names, names["area"]), "-o", tmp_path / "out", "--overwrite"]
    for screen in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", screen)
        assert run(*given) == Exit.DONE
        assert ("%|" in screen.getvalue()) == screen.isatty()
        assert ("2/2" in screen.getvalue()) and ("image-filled.png" in screen.getvalue())


@pytest.mark.parametrize(("command", "names"), [
    ("select", {"image-mask.png"}), ("cutout", {"image-cutout.png"}), ("fill", {"image-filled.png"}),
    ("style", {"image-wave.png"}), ("blur", {"image-blur.png"}),
])  # fmt: skip
def test_results_have_the_same_names_every_time_and_with_whatever_else(
    command: str, names: set[str], tmp_path: Path, one_process: None
) -> None:
    paths = write_files(tmp_path)
    typed = {"select": "select colors", "cutout": "cutout colors"}.get(command, command)
    before = set(tmp_path.iterdir())
    for more in ([], [paths["area"]], []):
        assert run(*words(typed, paths, *more)) == Exit.DONE
        assert names <= {path.name for path in set(tmp_path.iterdir()) - before}
