"""The test command: what it reads from the machine, and that it notices editors that did not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installer.console import Console, InstallError
from installer.machine import SOURCE
from installer.testing import environment, suite
from installer.testing.places import FILE, Places

MARKED = """
import pytest

@pytest.mark.krita
def test_in_krita(): pass

@pytest.mark.gimp
def test_in_gimp(): assert {gimp}

def test_elsewhere(): pass
"""


def places(folder: Path) -> Places:
    return Places(folder, folder / "venv", folder / "gimp-tree")


def tally(folder: Path, gimp: bool) -> dict[str, int]:
    """Counts after a run of `MARKED`, whose test in GIMP passes or fails."""
    (folder / "test_marked.py").write_text(MARKED.format(gimp=gimp))
    counts = folder / "tally.json"
    command = [sys.executable, "-m", "pytest", "-p", "installer.testing.tally", "-p", "no:cacheprovider"]
    markers = ["-o", "markers=krita\ngimp", "--rootdir", str(folder), "-c", os.devnull, str(folder)]
    subprocess.run(
        [*command, *markers], env={**os.environ, FILE: str(counts)}, cwd=SOURCE, capture_output=True, check=False
    )
    found: dict[str, int] = json.loads(counts.read_text())
    return found


def test_the_installer_runs_on_a_bare_python() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import installer.__main__ as m; m.main(['test', '--help'])"
    bare = [sys.executable, "-I", "-S", "-c", code, str(SOURCE)]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--without-editors" in done.stdout


def test_passed_tests_in_editors_are_counted_and_failed_ones_are_not(tmp_path: Path) -> None:
    assert tally(tmp_path, gimp=False) == {"krita": 1, "gimp": 0}
    assert tally(tmp_path, gimp=True) == {"krita": 2, "gimp": 1}, "a second run adds to the first"


@pytest.mark.parametrize(
    ("counts", "absent"),
    [(None, ["krita", "gimp"]), ({"krita": 3, "gimp": 0}, ["gimp"]), ({"krita": 3, "gimp": 2}, [])],
)
def test_an_editor_without_a_passed_test_is_named(
    tmp_path: Path, counts: dict[str, int] | None, absent: list[str]
) -> None:
    if counts is not None:
        (tmp_path / "tally.json").write_text(json.dumps(counts))
    assert suite.absent(tmp_path / "tally.json") == absent


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://m.example/debian\nSuites: x\n", "http://m.example/debian"),
        ("sources.list", "deb [signed-by=/k] https://m.example/debian/ bookworm main\n", "https://m.example/debian"),
        ("sources.list", "deb http://security.example/debian-security x main\n", "http://deb.debian.org/debian"),
    ],
)  # fmt: skip
def test_the_tree_comes_from_the_mirror_that_the_machine_uses(
    tmp_path: Path, name: str, text: str, mirror: str
) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert environment.mirror(tmp_path) == mirror


def test_an_environment_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    mine = places(tmp_path)
    mine.venv.mkdir()
    with pytest.raises(InstallError, match="was not made by this command"):
        environment.prepare_venv(mine, Console(tmp_path / "log"))
    assert list(mine.venv.iterdir()) == []
