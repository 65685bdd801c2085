"""The test command: what it reads from the machine, and that it notices editors that did not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from installer import torch_build
from installer.__main__ import main as installer_main
from installer.console import Console, InstallError
from installer.machine import SOURCE
from installer.testing import environment, suite, trees
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
    return Places(folder, folder / "venv", folder / "gimp-tree", folder / "newest-tree", folder / "krita6-tree")


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
    assert trees.mirror(tmp_path) == mirror


def test_an_environment_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    mine = places(tmp_path)
    mine.venv.mkdir()
    with pytest.raises(InstallError, match="was not made by this command"):
        environment.prepare_venv(mine, Console(tmp_path / "log"))
    assert list(mine.venv.iterdir()) == []


class Asked(Console):
    """A console that notes the commands and makes what mmdebstrap and venv would make; those in `fail` fail."""

    def __init__(self, folder: Path, fail: str = "") -> None:
        super().__init__(folder / "log")
        self.commands: list[list[str]] = []
        self.fail = fail

    def run(self, command: Sequence[str | Path], *_: object, **__: object) -> None:
        words = [str(word) for word in command]
        self.commands.append(words)
        if words[0] == "mmdebstrap":
            target = Path(words[words.index("forky") + 1])
            (target / "usr/bin").mkdir(parents=True)
            if not self.fail:
                (target / "usr/bin/gimp-console-3").touch()
        if self.fail and self.fail in words:
            raise InstallError("failed")


def test_an_environment_of_an_earlier_list_of_requirements_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, console = places(tmp_path), Asked(tmp_path)
    monkeypatch.setattr(torch_build, "source", lambda machine, build, venv: ([], [], "a mirror"))
    monkeypatch.setattr("installer.venv._succeeds", lambda command: True)
    (mine.venv / "bin").mkdir(parents=True)
    (mine.venv / "bin/python").touch()
    (tmp_path / "steps.json").write_text(json.dumps({"venv": "of an earlier list"}))
    environment.prepare_venv(mine, console)
    installed = [words for words in console.commands if "install" in words]
    assert any(name.startswith("pytest") for words in installed for name in words)
    console.commands.clear()
    environment.prepare_venv(mine, console)
    assert console.commands == []


def test_a_tree_appears_whole_or_not_at_all_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    tree = tmp_path / "cache/tree"
    with pytest.raises(InstallError):
        trees.make(trees.NEWEST, tree, Asked(tmp_path, fail="forky"))
    assert not tree.exists()
    console = Asked(tmp_path)
    for _ in range(2):
        trees.make(trees.NEWEST, tree, console)
    assert len(console.commands) == 1
    assert trees.NEWEST.is_made(tree)
    assert [path.name for path in tree.parent.iterdir()] == ["tree"]


def test_krita_6_comes_from_experimental_and_all_else_from_sid() -> None:
    words = trees.command(trees.KRITA6, Path("/tree"), "http://m.example/debian")
    assert words[-2:] == ["deb http://m.example/debian sid main", "deb http://m.example/debian experimental main"]
    hook = next(word for word in words if word.startswith("--setup-hook="))
    assert "Package: krita*" in hook and "a=experimental" in hook


PYTHON = """#!/bin/sh
echo "$INLAY_GIMP_TREE|$INLAY_KRITA_TREE|$*" >> {log}
case "$*" in *pytest*) echo '{{"krita": 1, "gimp": {gimp}}}' > "$INLAY_TALLY";; esac
"""


@pytest.mark.parametrize(("gimp", "passed"), [(1, True), (0, False)])
def test_the_editors_suites_run_in_the_oldest_and_the_newest_editors(tmp_path: Path, gimp: int, passed: bool) -> None:
    mine, log = places(tmp_path), tmp_path / "log"
    python = mine.venv / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(log=log, gimp=gimp))
    python.chmod(0o755)
    waited = []
    assert suite.run(mine, Console(tmp_path / "console"), True, [], lambda: waited.append("for the trees")) is passed
    assert set(waited) == {"for the trees"}
    lines = [line.split("|") for line in log.read_text().splitlines() if "pytest" in line]
    alone = [words for *_, words in lines if suite.NO_EDITOR in words]
    assert len(alone) == 1  # beside the others
    lines = [line for line in lines if suite.NO_EDITOR not in line[2]]
    trees_used = {(Path(gimp).name, Path(krita).name): words for gimp, krita, words in lines}
    assert {("gimp-tree", ""), ("newest-tree", "newest-tree")} < set(trees_used)  # the oldest Krita is this machine's
    assert ["smoke" in words for (_, krita), words in trees_used.items() if krita == "krita6-tree"] == [True]
    assert len(trees_used) == len(lines) == 3


FAILING = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
*pytest*last-failed*) exit {again};;
*pytest*"not (krita or gimp)"*) echo "one has failed"; exit 1;;
*pytest*) echo '{{"krita": 1, "gimp": 1}}' > "$INLAY_TALLY";;
esac
"""


@pytest.mark.parametrize(("again", "passed"), [(0, True), (1, False)])
def test_what_fails_runs_once_more_at_the_end(
    tmp_path: Path, again: int, passed: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    mine, log = places(tmp_path), tmp_path / "log"
    python = mine.venv / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(FAILING.format(log=log, again=again))
    python.chmod(0o755)
    assert suite.run(mine, Console(tmp_path / "console"), True, [], lambda: None) is passed
    lines = [line for line in log.read_text().splitlines() if "pytest" in line]
    assert ["last-failed" in line for line in lines] == [False] * 4 + [True]
    assert suite.NO_EDITOR in lines[-1]
    output = capfd.readouterr().out
    assert "one has failed" in output
    assert output.rstrip().endswith("failed: tests") is not passed


def test_trees_that_cannot_be_made_fail_the_suite(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mine = places(tmp_path)
    python = mine.venv / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(log=tmp_path / "log", gimp=1))
    python.chmod(0o755)

    def no_trees() -> None:
        raise InstallError("the mirror is gone")

    assert not suite.run(mine, Console(tmp_path / "console"), True, [], no_trees)
    assert "the mirror is gone" in capfd.readouterr().out


def test_a_home_that_is_not_known_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert installer_main(["--dry-run"]) == 1
    assert "set HOME" in capsys.readouterr().err
