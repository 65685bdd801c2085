"""The window of models in the real GIMP, filled by the real command."""

from __future__ import annotations

import time

import pytest

from plugin.client.models import TITLE
from tests.editors.display import exactly

from .window import MODELS, Window

pytestmark = pytest.mark.gimp


def test_the_window_of_models_is_opened_from_the_menu_and_closed(window: Window) -> None:
    window.open_window(MODELS)
    window.display.find_window(exactly(TITLE), wait=45)
    time.sleep(3)
    window.display.keys("Down", "Down", "Down")
    time.sleep(1)
    window.screenshot("gimp-models")
    window.display.keys("Escape")
    window.choose("select.subject")  # the menu is as it was, one entry more in it
    window.fill_in("select.subject")
    window.until("answer = not Gimp.Selection.is_empty(shown())")
