"""A custom style in training, followed in the real GIMP: a progress bar, and a window at the end."""

from __future__ import annotations

import json
import time

import pytest

from tests.editors.backend import Backend
from tests.editors.display import exactly
from tests.editors.trainings import Training

from .window import Window

pytestmark = pytest.mark.gimp


def test_a_training_is_followed_to_its_end(
    window: Window, host: Backend, astronaut: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(host.home))
    settings = json.dumps({"name": "Evening", "command": "status"})
    window.gimp.run(f"Gimp.attach_parasite(Gimp.Parasite.new('inlay-style-train-settings', 0, {settings!r}.encode()))")
    with Training("Evening") as training:
        window.choose("style.train")
        window.fill_in("style.train")
        bar = []
        for step in (10, 40):
            training.at(step)
            time.sleep(5)
            window.screenshot(f"gimp-training-{step}")
            bar.append(window.display.pixels((300, 740, 1280, 770)))
        assert bar[0] != bar[1]
        assert len(window.gimp.plug_in_calls()) == 1
    message = window.display.find_window(exactly("Custom Style"), wait=60)
    window.screenshot("gimp-trained")
    window.display.xdotool("windowactivate", "--sync", message)
    window.display.keys("Return")
    window.finished("answer = len(shown().get_layers()) == 1")
