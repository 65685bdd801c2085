"""A custom style in training, followed in the real Krita: how far it is, beside other jobs, and a notice at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.krita.harness import Krita
from tests.editors.krita.test_layers import halves
from tests.editors.krita.user import choose_with_mouse, finish, open_photograph, press_shortcut
from tests.editors.trainings import Training

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)

SHOWN = "[docker_child('inlay-message-line').text(), docker_child('inlay-progress').value()]"


def test_a_training_is_followed_to_its_end(krita: Krita, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(krita.home / "data"))
    open_photograph(krita, tmp_path, "halves", halves())
    with Training("Evening") as training:
        choose_with_mouse(krita, "Tools", "Inlay", "Style", "Train Custom Style…")
        krita.until("dialog() is not None", wait=10)
        krita.run("dialog().set_values({**dialog().values(), 'name': 'Evening', 'command': 'status'})")
        krita.display.keys("Return")
        finish(krita)
        krita.until(f"{SHOWN} == ['Evening: in training, 10 of 50 steps, about 4 min left', 200]")
        krita.run("select([20, 10, 12, 12])")
        press_shortcut(krita, "ctrl+alt+shift+f")  # another job is not in its way
        krita.until("'Fill' in names()", wait=120)
        training.at(40)
        krita.until(f"{SHOWN} == ['Evening: in training, 40 of 50 steps, about 60 s left', 800]")
        assert not krita.get("runner().log[-1]").endswith("Stylize with Custom Style.")
    ended = "Evening: trained. It is in the list of Style > Stylize with Custom Style."
    krita.until("runner().log[-1].endswith(ended)", ended=ended)
    assert krita.get("docker_child('inlay-message-line').text()") == ended
