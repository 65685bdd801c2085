"""How many clicks, or keys, there are from an open photograph to the result; counted, and printed with `-s`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from plugin.client.actions import ACTIONS, BY_NAME

from .window import ENTRIES, Window, position

pytestmark = pytest.mark.gimp


class Mouse:
    """A mouse that counts its clicks. Submenus open when it rests on them."""

    def __init__(self, window: Window) -> None:
        self.window, self.display, self.clicks = window, window.display, 0

    def click(self, x: int, y: int) -> None:
        self.clicks += 1
        self.display.click(x, y)
        time.sleep(0.7)

    def rest(self, x: int, y: int) -> None:
        self.display.xdotool("mousemove", "--sync", x - 3, y, "mousemove", "--sync", x, y)
        time.sleep(0.7)

    def choose(self, name: str) -> None:
        """The entry without dots of an action, from the menu bar on."""
        menu, entry = position(BY_NAME[name], at_once=True)
        before = set(self.display.windows())
        self.display.keys("alt+r")  # only to see where the menu is
        left, top, *_ = self._opened(before)[1]
        self.display.keys("Escape", "Escape")
        self.click(left + 20, top - 12)
        shown, (left, top, width, height) = self._opened(before)
        self.rest(left + width // 2, top + height - 16)  # Inlay is the last of the filters
        shown, box = self._opened(shown)
        self.rest(*_row(box, menu, len(ENTRIES)))
        shown, box = self._opened(shown)
        beside = [action for action in ACTIONS if action.menu == BY_NAME[name].menu]
        self.click(*_row(box, entry, len(beside) + sum(action.one_click for action in beside)))

    def _opened(self, before: set[str]) -> tuple[set[str], tuple[int, int, int, int]]:
        """All windows, and the place of the one that has come."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            windows = self.display.windows()
            new = [window for window in windows if window not in before and windows[window][2] > 50]
            if new:
                return set(windows), windows[new[-1]]
            time.sleep(0.1)
        raise TimeoutError(f"no menu opens, see {self.window.screenshot('gimp-no-menu')}")


def _row(box: tuple[int, int, int, int], number: int, count: int) -> tuple[int, int]:
    left, top, width, height = box
    return left + width // 2, round(top + height * (number + 0.5) / count)


@pytest.fixture
def mouse(window: Window, astronaut: None) -> Iterator[Mouse]:
    yield Mouse(window)
    window.display.xdotool("mousemove", 1279, 799)


def test_the_subject_is_selected_with_three_clicks_at_most(mouse: Mouse) -> None:
    mouse.choose("select.subject")
    mouse.window.finished("answer = not Gimp.Selection.is_empty(shown())")
    print(f"Select Subject: {mouse.clicks} clicks")
    assert mouse.clicks <= 3


def test_an_object_that_is_marked_is_removed_with_three_clicks_at_most(mouse: Mouse) -> None:
    mouse.window.gimp.run("shown().select_ellipse(Gimp.ChannelOps.REPLACE, 218, 110, 14, 14)\nGimp.displays_flush()")
    mouse.choose("fill.object")
    mouse.window.finished("answer = len(shown().get_layers()) == 2")
    print(f"Remove Object: {mouse.clicks} clicks")
    assert mouse.clicks <= 3


@pytest.mark.parametrize(
    ("name", "keys", "done"),
    [
        ("select.subject", "shift+alt+s", "answer = selection(shown())[120 * 512 + 225] > 200"),
        ("cutout.background", "shift+alt+b", "answer = len(shown().get_layers()) == 2"),
        ("fill.selection", "shift+alt+f", "answer = shown().get_layers()[0].get_name() == 'Fill'"),
        ("fill.object", "shift+alt+o", "answer = shown().get_layers()[0].get_name() == 'Fill'"),
    ],
)
def test_with_the_keys_of_the_manual_one_is_enough(
    window: Window, astronaut: None, name: str, keys: str, done: str
) -> None:
    if name.startswith("fill"):
        window.gimp.run("shown().select_ellipse(Gimp.ChannelOps.REPLACE, 218, 110, 14, 14)\nGimp.displays_flush()")
    window.display.keys(keys)
    window.finished(done, 120)
