"""`inlay train-style`: a style trained, paused and resumed; how far it is; what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.cli import Exit
from backend.cli.main import main
from backend.operations.style import training_process
from models.zoo import custom_styles
from tests.models.training.test_custom_style import own  # noqa: F401 - a fixture
from tests.operations.style.test_train_custom import starting


def run(*words: str | Path) -> int:
    return main(["train-style", *map(str, words)])


def begin(own: Path, *more: str) -> int:  # noqa: F811 - the fixture's value
    return run(own / "painting.png", "--name", "mine", "--photos", own / "photos", "--steps", "3", *more)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.training.style import custom

    monkeypatch.setattr(custom.Settings, "__init__", _small_init(custom.Settings.__init__))


def _small_init(init: object) -> object:
    def small_init(self: object, *given: object, **named: object) -> None:
        init(self, *given, **({"size": 32, "batch": 1} | named))  # type: ignore[operator]  # a dataclass's own

    return small_init


def test_a_style_is_trained_and_listed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811 - the fixture's value
    assert begin(own) == Exit.DONE
    printed = capsys.readouterr()
    assert "mine is trained" in printed.out
    assert "This takes about" in printed.err
    assert custom_styles.names() == ["mine"]
    assert not custom_styles.run_folder("mine").exists()
    assert run("--list") == Exit.DONE
    assert capsys.readouterr().out == "mine: trained\n"


def test_it_is_paused_and_goes_on(
    own: Path,  # noqa: F811 - the fixture's value
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write = training_process.write_status

    def pausing(folder: Path, status: dict[str, object]) -> None:
        write(folder, status)
        if status["step"] == 2 and status["pid"]:
            (folder / "pause").touch()  # what --pause does from another terminal

    monkeypatch.setattr(training_process, "write_status", pausing)
    assert begin(own) == Exit.DONE
    assert "Paused after 2 of 3 steps" in capsys.readouterr().err
    assert run("--name", "mine", "--status") == Exit.DONE
    assert "paused at 2 of 3 steps" in capsys.readouterr().out
    assert begin(own) == Exit.BAD_INPUT
    assert "--resume" in capsys.readouterr().err
    monkeypatch.setattr(training_process, "write_status", write)
    assert run("--name", "mine", "--resume") == Exit.DONE
    assert custom_styles.names() == ["mine"]


def test_a_style_and_a_training_are_forgotten(own: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811 - the fixture's value
    assert run("--name", "mine", "--remove") == Exit.BAD_INPUT
    assert "no style 'mine'" in capsys.readouterr().err
    custom_styles.run_folder("mine").mkdir(parents=True)
    custom_styles.path_of("mine").touch()
    assert run("--name", "mine", "--remove") == Exit.DONE
    assert custom_styles.names() == []
    assert not custom_styles.run_folder("mine").exists()


def test_in_the_background_it_is_another_process(
    own: Path,  # noqa: F811 - the fixture's value
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started = starting(monkeypatch)
    assert begin(own, "--background") == Exit.DONE
    assert started[0][1:] == ["-m", "backend", "train-style", "--name", "mine", "--resume"]
    assert "in training" in capsys.readouterr().out


def test_what_cannot_be_is_said(own: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811 - the fixture's value
    assert run() == Exit.USAGE
    assert run("--name", "mine") == Exit.USAGE
    assert run("--name", "wave", "--status") == Exit.BAD_INPUT
    assert "come along" in capsys.readouterr().err
    assert run("--name", "mine", "--pause") == Exit.BAD_INPUT
    assert run(own / "nothing.png", "--name", "mine", "--photos", own / "photos") == Exit.BAD_INPUT
    assert run(own / "painting.png", "--name", "mine", "--photos", own / "empty") == Exit.BAD_INPUT
    assert "at least 20" in capsys.readouterr().err
    status = json.loads((custom_styles.run_folder("mine") / "status.json").read_text())
    assert status["pid"] == 0
