"""Training a style from the editor: begun in a process of its own, watched, paused, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli.main import main
from backend.operations import Context, OperationError, find
from backend.operations.style import training_process
from models.training.style.custom import LEAST, Settings
from models.zoo import custom_styles
from models.zoo.custom_styles import CustomStyleError
from plugin.client.actions import BY_NAME, Value
from plugin.client.messages import Job
from plugin.client.server.launcher import take_lock

from .test_stylize import layer


def train(**settings: Value) -> list[str]:
    context = Context()
    job = Job(
        "style.train",
        BY_NAME["style.train"].check({"name": "mine", **settings}),
        {"image": replace(layer(), profile=b"")},
    )
    assert find("style.train")(job, context) == []
    return context.notes


RUNNING = {"pid": 1, "step": 10, "steps": 50, "seconds_left": 240.0}


def starting(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """No process is started; the commands that would be."""
    started: list[list[str]] = []

    class Started:
        returncode = 0

        def __init__(self, words: list[str], **settings: object) -> None:
            started.append(words)

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Started)
    return started


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of photographs; a place for styles."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "inlay"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(LEAST):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((4, 4, 3), np.uint8))
    return folder


def test_it_is_begun_watched_and_paused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = starting(monkeypatch)
    assert "beside your work" in train(photos=str(photos), steps=50)[0]
    assert started[0][-3:] == ["--name", "mine", "--resume"]
    settings = Settings.read("mine")
    assert (settings.steps, settings.photos) == (50, str(photos))
    painting = cv2.imread(settings.painting)
    assert painting.shape == (50, 70, 3)
    folder = custom_styles.run_folder("mine")
    training_process.write_status(folder, RUNNING)
    lock = take_lock(folder / "lock")
    assert lock is not None
    assert train(what="status") == ["mine: in training, 10 of 50 steps, about 4 min left"]
    with pytest.raises(OperationError, match="already"):
        train(what="resume")
    monkeypatch.setattr(training_process, "PATIENCE", 0.0)
    assert train(what="pause") == ["mine: pauses after this step, 10 of 50 steps"]
    assert (folder / "pause").exists()
    lock.close()
    training_process.write_status(folder, RUNNING | {"pid": 0})
    assert "paused at 10 of 50 steps" in train(what="status")[0]
    train(what="resume")
    assert len(started) == 2
    assert train(what="remove") == ["mine is gone."]
    assert not folder.exists()


def test_what_cannot_be_is_refused(photos: Path) -> None:
    (photos / "0.png").unlink()
    for settings, printed in (
        ({"photos": str(photos)}, "holds 19 photographs"),
        ({"photos": ""}, "at least 20|holds"),
        ({"name": "a/b"}, "cannot be the name"),
        ({"command": "pause"}, "not in training"),
        ({"command": "resume"}, "was begun"),
        ({"command": "status"}, "was begun"),
    ):
        with pytest.raises(OperationError, match=printed) as raised:
            train(**settings)  # type: ignore[arg-type]  # dictionaries of several types
        assert raised.value.remedy


def status_of(**values: object) -> Path:
    """A training that was begun, with this status; its folder."""
    folder = custom_styles.run_folder("mine")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text("{}")
    training_process.write_status(folder, RUNNING | values)
    return folder


def test_beginning_again_changes_nothing_of_a_training_that_is_paused(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = starting(monkeypatch)
    train(photos=str(photos), steps=50)
    folder = custom_styles.run_folder("mine")
    (folder / "last.pt").write_bytes(b"what it has learned")
    (folder / "painting.png").write_bytes(b"the painting it learns from")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OperationError, match="begun already"):
        train(photos=str(photos), steps=70)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(started) == 1


def test_a_number_that_another_process_has_got_is_no_training(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starting(monkeypatch)
    status_of(pid=os.getpid())  # this process lives, but trains nothing
    printed = training_process.describe("mine")
    assert "stopped unexpectedly at 10 of 50 steps" in printed and "log.txt" in printed
    training_process.start("mine")
    training_process.remove("mine")
    assert not custom_styles.run_folder("mine").exists()


def test_a_training_that_is_killed_lets_go_at_once(photos: Path) -> None:
    folder = status_of()
    code = "import sys, time; from backend.operations.style.training_process import held\n"
    code += "with held('mine'): print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        assert training_process.alive("mine")
        with pytest.raises(CustomStyleError, match="in training already"):
            training_process.begin("mine", b"png", photos, 5)
        assert not (folder / "painting.png").exists()
        process.kill()
        end = time.monotonic() + 10  # not waited for: it is a zombie
        while training_process.alive("mine") and time.monotonic() < end:
            time.sleep(0.02)
        assert not training_process.alive("mine")
    assert "stopped unexpectedly" in training_process.describe("mine")


def test_a_training_that_ends_as_it_starts_is_told(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status_of(pid=0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CustomStyleError, match=r"ended as it started. .*log.txt"):
        training_process.start("mine")


def test_on_windows_a_training_opens_no_console(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = []

    class Started:
        returncode = 0

        def __init__(self, words: list[str], **settings: object) -> None:
            flags.append(settings["creationflags"])

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Started)
    status_of(pid=0)
    training_process.start("mine")
    assert flags[0] & 0x08000000


DAMAGE = {
    "half a file": lambda path: path.write_text('{"pid": 0, "st'),
    "not an object": lambda path: path.write_text("[1]"),
    "without its numbers": lambda path: path.write_text('{"pid": 0}'),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "numbers as text": lambda path: path.write_text(path.with_name("sound.json").read_text().replace("50", '"50"')),
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/dev/zero"),
    "huge": lambda path: path.write_bytes(bytes(2 << 20)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("name", ["status.json", "settings.json"])
def test_a_damaged_file_of_a_training_is_named_with_what_to_do(
    photos: Path, damage: Callable[[Path], object], name: str
) -> None:
    Settings("mine", "a.png", "b", 50).write()
    sound = (custom_styles.run_folder("mine") / "settings.json").read_text()
    path = status_of(pid=0) / name
    path.with_name("sound.json").write_text(sound if name == "settings.json" else path.read_text())
    path.unlink()
    damage(path)
    if name == "status.json":
        assert f"{path} is damaged; remove that file" in training_process.describe("mine")
    else:
        with pytest.raises(CustomStyleError, match=r"settings.json is damaged.*--remove"):
            Settings.read("mine")
    training_process.remove("mine")


def test_a_folder_without_a_status_is_listed(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    custom_styles.run_folder("empty").mkdir(parents=True)
    status_of(pid=0)
    (custom_styles.run_folder("mine") / "status.json").unlink()
    assert main(["train-style", "--list"]) == 0
    printed = capsys.readouterr().out
    assert "empty: its folder holds no training; `inlay train-style --name empty --remove`" in printed
    assert "mine: begun, but no step was made" in printed


def test_how_far_a_training_is_comes_as_progress_and_its_end_as_a_note(photos: Path) -> None:
    printed: list[tuple[float, str]] = []
    context = Context(progress=lambda fraction, message, preview: printed.append((fraction, message)))

    def ask(name: str = "mine") -> list[str]:
        context.notes.clear()
        assert find("style.training")(Job("style.training", {"name": name}, {}), context) == []
        return list(context.notes)

    with pytest.raises(OperationError, match="was begun"):
        ask()
    folder = status_of()
    lock = take_lock(folder / "lock")
    assert lock is not None
    assert ask() == [] and printed == [(0.2, "mine: in training, 10 of 50 steps, about 4 min left")]
    (folder / "status.json").rename(folder / "kept")
    assert ask() == [] and printed[1:] == [(0.0, "mine: in training, about to begin")]  # it loads its networks first
    (folder / "kept").rename(folder / "status.json")
    lock.close()
    assert "stopped unexpectedly" in ask()[0] and len(printed) == 2


def test_names_that_only_capitals_tell_apart_are_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starting(monkeypatch)
    train(photos=str(photos))
    with pytest.raises(OperationError, match="more than capitals"):
        train(name="Mine", photos=str(photos))
