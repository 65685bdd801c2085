"""Steps remember what was done, for what, and what was interrupted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from installer.console import Console, InstallError
from installer.machine import SOURCE
from installer.steps import Steps, replaced_folder, tree_fingerprint
from installer.venv import requirements

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_a_step_is_done_for_what_it_was_done_for(tmp_path: Path) -> None:
    steps = Steps(tmp_path / "data")
    assert not steps.done("torch", "cpu")
    with steps.running("torch", "cpu"):
        assert not steps.done("torch", "cpu")
    assert steps.done("torch", "cpu")
    assert not steps.done("torch", "cuda")
    assert steps.known("torch")
    steps.forget("torch")
    assert not steps.known("torch")


def test_an_interrupted_step_is_not_done_even_if_it_was_before(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    with steps.running("torch", "cpu"):
        pass
    with pytest.raises(KeyboardInterrupt), steps.running("torch", "cpu"):
        raise KeyboardInterrupt
    assert steps.interrupted("torch")
    assert not Steps(tmp_path).done("torch", "cpu")
    with steps.running("torch", "cpu"):
        pass
    assert steps.done("torch", "cpu")
    assert not steps.interrupted("torch")


def test_a_damaged_record_means_nothing_is_done(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    steps.record.write_text("{half")
    assert not steps.done("torch", "cpu")
    with steps.running("torch", "cpu"):
        pass
    assert steps.done("torch", "cpu")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with replaced_folder(place) as fresh:
        (fresh / "a").touch()
    with pytest.raises(ValueError, match="stop"), replaced_folder(place) as fresh:
        (fresh / "b").touch()
        raise ValueError("stop")
    assert [path.name for path in place.iterdir()] == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_fingerprints_follow_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/a.py").write_text("1")
    first = tree_fingerprint([tmp_path / "p"])
    (tmp_path / "p/__pycache__").mkdir()
    (tmp_path / "p/__pycache__/a.pyc").touch()
    assert tree_fingerprint([tmp_path / "p"]) == first
    (tmp_path / "p/a.py").write_text("2")
    assert tree_fingerprint([tmp_path / "p"]) != first


def test_a_failing_program_shows_the_end_of_its_output_and_names_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(tmp_path / "log")
    with pytest.raises(InstallError, match="log"):
        console.run(["sh", "-c", "seq 100; echo the reason; exit 3"])
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1] == "the reason"
    assert len(shown) == 30


def test_requirements_are_read_from_the_project_file() -> None:
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    for group, wanted in lists.items():
        assert requirements(group) == wanted  # "codespell[toml]" does not end a list
    with pytest.raises(InstallError, match="nonsense"):
        requirements("nonsense")
