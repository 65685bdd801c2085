"""Where there is no subject and nothing of a class, that is said in one wording, and the image stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.editors.krita.harness import Krita
from tests.editors.krita.user import choose_with_mouse, open_photograph, press_shortcut

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]


def test_nothing_found_is_said_and_changes_nothing(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "white", np.full((64, 96, 3), 255, np.uint8))
    krita.run("select([10, 12, 20, 16])")
    before = krita.get("snapshot()")
    press_shortcut(krita, "ctrl+alt+shift+s")
    assert "No subject was found." in krita.until("message()", wait=120)
    choose_with_mouse(krita, "Tools", "Inlay", "Select", "Select by Class…")
    krita.until("dialog() is not None and ok_button().isEnabled()", wait=120)
    krita.run("dialog().set_values({**dialog().values(), 'class_name': 'person'})")
    krita.display.keys("Return")
    assert "No person was found." in krita.until("message()", wait=120)
    assert krita.get("snapshot()") == before
    press_shortcut(krita, "ctrl+shift+a")
    krita.until("not selected()")
    before = krita.get("snapshot()")
    press_shortcut(krita, "ctrl+alt+shift+b")
    assert "No subject was found." in krita.until("message()", wait=120)
    assert krita.get("snapshot()") == before
