"""The window of the last result in the real GIMP: one click changes the result, within its one step of Edit > Undo."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.editors.display import exactly

from .test_window_one_click import AROUND_THE_ROCKET, select
from .window import LAST_RESULT, Window

pytestmark = pytest.mark.gimp

SOFT = "s = selection(shown())\nanswer = sum(0 < value < 255 for value in s)"
INSIDE = "s = selection(shown())\nanswer = sum(value > 127 for value in s)"
BOUNDS = """
s = selection(shown())
rows = [y for y in range(512) if any(s[512 * y : 512 * (y + 1)])]
answer = [rows[0], rows[-1] + 1] == list(Gimp.Selection.bounds(shown()))[3::2]
"""
SECOND_VARIANT = (83, 231)
"""Where in the window the thumbnail of the second of two narrow fills is."""
VISIBLE = "answer = [layer.get_visible() for layer in shown().get_layers()]"


class ResultWindow:
    """The window, on the right side of the screen."""

    def __init__(self, window: Window) -> None:
        self.window = window
        window.open_window(LAST_RESULT)
        self.id = window.display.find_window(exactly("Last Result"), wait=30)
        time.sleep(1)
        self.leave()

    def keys(self, *keys: str) -> None:
        """Press keys in it."""
        self.window.display.xdotool("windowactivate", "--sync", self.id)
        self.window.display.keys(*keys)
        self.leave()

    def click(self, x: int, y: int) -> None:
        """Click at a point of it."""
        left, top, *_ = self.window.display.windows()[self.id]
        self.window.display.click(left + x, top + y)
        self.leave()

    def leave(self) -> None:
        """Go back to the image."""
        self.window.display.xdotool("windowactivate", "--sync", self.window.display.find_window("GIMP$"))


@pytest.fixture
def result(window: Window) -> Iterator[ResultWindow]:
    """The window of the last result, open."""
    opened = ResultWindow(window)
    yield opened
    opened.keys("alt+c")
    window.finished("answer = True")


def test_the_last_selection_is_feathered_and_grown_in_place(
    window: Window, astronaut: None, result: ResultWindow
) -> None:
    window.gimp.run("shown().select_rectangle(Gimp.ChannelOps.REPLACE, 2, 3, 30, 20)\nGimp.displays_flush()")
    before = window.gimp.run("answer = sent(selection(shown()))")
    window.choose("select.subject", at_once=True)
    window.until("answer = selection(shown())[120 * 512 + 225] > 200")
    time.sleep(1)
    first, inside = window.gimp.run(SOFT), window.gimp.run(INSIDE)
    result.keys("alt+f", *["Up"] * 3)
    window.until(f"{SOFT} > {first + 2000}")
    result.keys("alt+g", *["Up"] * 9)
    window.until(f"{INSIDE} > {inside + 2000}")
    assert window.gimp.run(BOUNDS), "GIMP knows how far it reaches now"
    window.screenshot("gimp-last-result")
    window.display.keys("ctrl+z")
    window.until(f"answer = sent(selection(shown())) == {before!r}")


def test_a_variant_is_chosen_and_the_image_before_is_seen_again(
    window: Window, photographs: dict[str, str], result: ResultWindow
) -> None:
    window.open(photographs["rocket"])
    select(window, AROUND_THE_ROCKET)
    window.choose("fill.selection")
    window.fill_in("fill.selection", "alt+v", "2", "Tab")
    window.until("answer = len(shown().get_layers()) == 3")
    time.sleep(1)
    widths = window.gimp.run("answer = [layer.get_width() for layer in shown().get_layers()]")
    assert window.gimp.run(VISIBLE) == [True, False, True]
    result.keys("alt+g", *["Up"] * 10)
    window.until(f"answer = shown().get_layers()[0].get_width() >= {widths[0] + 10}")
    result.keys("alt+b")
    window.until(VISIBLE + " == [False, False, True]")
    result.keys("alt+b")
    window.until(VISIBLE + " == [True, False, True]")
    result.click(*SECOND_VARIANT)
    window.until(VISIBLE + " == [False, True, True]")
    assert window.gimp.run("answer = shown().get_selected_layers() == shown().get_layers()[1:2]")
    window.screenshot("gimp-result-variants")
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 1")
    window.choose("fill.selection")
    window.fill_in("fill.selection", "alt+v", "1", "Tab")
    window.until("answer = len(shown().get_layers()) == 2")
    window.open(photographs["coffee"])
