"""Training a style from the editor: begun in a process of its own, watched, paused, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.operations import Context, OperationError, find
from backend.operations.style import training_process
from models.training.style.custom import LEAST, Settings
from models.zoo import custom_styles
from plugin.client.actions import BY_NAME, Value
from plugin.client.messages import Job

from .test_stylize import layer


def train(**settings: Value) -> list[str]:
    context = Context()
    job = Job("style.train", BY_NAME["style.train"].check({"name": "mine", **settings}), {"image": layer()})
    assert find("style.train")(job, context) == []
    return context.notes


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
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda words, **_: started.append(words))
    assert "beside your work" in train(photos=str(photos), steps=50)[0]
    assert started[0][-3:] == ["--name", "mine", "--resume"]
    settings = Settings.read("mine")
    assert (settings.steps, settings.photos) == (50, str(photos))
    painting = cv2.imread(settings.painting)
    assert painting.shape == (50, 70, 3)
    folder = custom_styles.run_folder("mine")
    training_process.write_status(folder, {"pid": os.getpid(), "step": 10, "steps": 50, "seconds_left": 240.0})
    assert train(what="status") == ["mine: in training, 10 of 50 steps, about 4 min left"]
    with pytest.raises(OperationError, match="already"):
        train(what="resume")
    monkeypatch.setattr(training_process, "PATIENCE", 0.0)
    assert train(what="pause") == ["mine: pauses after this step, 10 of 50 steps"]
    assert (folder / "pause").exists()
    training_process.write_status(folder, json.loads((folder / "status.json").read_text()) | {"pid": 0})
    assert "paused at 10 of 50 steps" in train(what="status")[0]
    train(what="resume")
    assert len(started) == 2
    assert train(what="remove") == ["mine is gone."]
    assert not folder.exists()


def test_what_cannot_be_is_refused(photos: Path) -> None:
    (photos / "0.png").unlink()
    for settings, said in (
        ({"photos": str(photos)}, "holds 19 photographs"),
        ({"photos": ""}, "at least 20|holds"),
        ({"name": "My Style"}, "cannot be the name"),
        ({"command": "pause"}, "not in training"),
        ({"command": "resume"}, "was begun"),
        ({"command": "status"}, "was begun"),
    ):
        with pytest.raises(OperationError, match=said) as raised:
            train(**settings)  # type: ignore[arg-type]  # dictionaries of several types
        assert raised.value.remedy
