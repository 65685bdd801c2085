"""The window of the settings in the real GIMP: what is entered is kept for every program, and the log is read there."""

from __future__ import annotations

import json
import time

import pytest

from tests.editors.display import exactly

from .window import SETTINGS, Window

pytestmark = pytest.mark.gimp


def test_the_backends_settings_are_kept_for_every_program(window: Window) -> None:
    window.open_window(SETTINGS)
    window.display.find_window(exactly("Inlay Settings"), wait=30)
    time.sleep(1)
    keys = ["alt+d", "ctrl+a", "c", "p", "u", "Tab", "alt+m", "ctrl+a", "2", "Tab", "alt+a", "ctrl+a", "2", "0", "Tab"]
    window.display.keys(*keys)
    window.screenshot("gimp-settings")
    window.display.keys("alt+o")
    kept = window.gimp.log.parent / ".local/share/inlay/preferences.json"  # in this GIMP's home
    end = time.monotonic() + 20
    while not kept.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert json.loads(kept.read_text()) == {"device": "cpu", "memory": 2.0, "idle": 20}
    kept.unlink()
