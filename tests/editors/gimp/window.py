"""GIMP's window on a screen of its own, and what the user does with it."""

from __future__ import annotations

import time
from pathlib import Path

from plugin.client.actions import ACTIONS, BY_NAME, Action
from tests.editors.display import Display, exactly, publish

from .harness import Gimp

WIDTH, HEIGHT = 1280, 800
IN_MANUAL = {
    "gimp-menu-select", "gimp-dialog-select-object", "gimp-selection", "gimp-paste", "gimp-progress", "gimp-message",
    "gimp-select-subject", "gimp-select-class", "gimp-refine", "gimp-remove-background",
    "gimp-fill-before", "gimp-fill-after", "gimp-remove-subject-before", "gimp-remove-subject-after",
    "gimp-style-dialog", "gimp-style-background", "gimp-style-layer",
    "gimp-copied-subject", "gimp-portrait-in-painting",
}  # fmt: skip
"""The images that docs/ shows."""


def position(action: Action) -> tuple[int, int]:
    """Where its submenu stands in Filters > Inlay and where it stands in its submenu: GIMP sorts both."""
    menus = sorted({other.menu for other in ACTIONS})
    labels = sorted(f"{other.label}..." for other in ACTIONS if other.menu == action.menu)
    return menus.index(action.menu), labels.index(f"{action.label}...")


class Window:
    """GIMP's window on a screen of its own."""

    def __init__(self, display: Display, gimp: Gimp, screenshots: Path) -> None:
        self.display, self.gimp, self.screenshots = display, gimp, screenshots
        self.until("answer = len(Gimp.get_images()) == 1")
        self.gimp.run("in_front[:] = [Gimp.get_images()[0].get_id()]")
        window = display.find_window("coffee", wait=60)
        self.display.xdotool("windowmove", "--sync", window, 0, 0)
        self.display.xdotool("windowsize", "--sync", window, WIDTH, HEIGHT - 30)
        self.display.xdotool("mousemove", WIDTH - 1, HEIGHT - 1)  # no tooltips in the way
        self.display.keys("shift+ctrl+j")  # the image as large as the window
        time.sleep(1)

    def open(self, path: str) -> None:
        """Show this image in place of the one that is shown, pixel by pixel."""
        self.gimp.run(f"show(open_image({path!r}))")
        self.until("answer = len(Gimp.get_images()) == 1")
        self.display.keys("1")
        time.sleep(1)

    def until(self, code: str, wait: float = 60) -> None:
        """Wait until the code's answer is true."""
        end = time.monotonic() + wait
        while not self.gimp.run(code):
            if time.monotonic() > end:
                raise TimeoutError(f"still not so, see {self.screenshot('gimp-timeout')}: {code}")
            time.sleep(0.1)

    def finished(self, code: str, wait: float = 60) -> None:
        """Wait until the code's answer is true and the action that made it so has ended."""
        self.until(code, wait)
        end = time.monotonic() + 30
        while self.gimp.plug_in_calls():
            if time.monotonic() > end:
                raise TimeoutError(f"the action does not end, see {self.screenshot('gimp-timeout')}")
            time.sleep(0.1)

    def choose(self, name: str) -> None:
        """Walk to an action in Filters > Inlay with the keyboard."""
        action = BY_NAME[name]
        menu, entry = position(action)
        self.display.keys("alt+r", "Up", "Right", *["Down"] * menu, "Right", *["Down"] * entry)
        self.screenshot(f"gimp-menu-{action.menu.lower()}")
        self.display.keys("Return")

    def fill_in(self, name: str, *keys: str, screenshot: str = "", wait: float = 30) -> None:
        """Wait for the dialog of an action, press keys in it, then OK."""
        self.display.find_window(exactly(BY_NAME[name].label), wait=wait)
        time.sleep(0.5)
        self.display.keys(*keys)
        self.screenshot(screenshot or f"gimp-dialog-{name.replace('.', '-')}")
        self.display.keys("alt+o")

    def screenshot(self, name: str) -> Path:
        """Photograph the screen; for the manual too, if it shows the image."""
        path = self.display.screenshot(self.screenshots / f"{name}.png")
        if name in IN_MANUAL:
            publish(path, path.name)
        return path
