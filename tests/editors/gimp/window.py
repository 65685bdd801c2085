"""GIMP's window on a screen of its own, and what the user does with it."""

from __future__ import annotations

import time
from pathlib import Path

from plugin.client.actions import ACTIONS, BY_NAME, Action
from tests.editors.display import Display, exactly, publish

from .harness import Gimp

WIDTH, HEIGHT = 1280, 800
SHORTCUTS = {
    "inlay-select-subject-at-once": "<Shift><Alt>s",
    "inlay-cutout-background-at-once": "<Shift><Alt>b",
    "inlay-fill-selection-at-once": "<Shift><Alt>f",
    "inlay-fill-object-at-once": "<Shift><Alt>o",
    "inlay-paste-harmonize-at-once": "<Shift><Alt>h",
}
"""What docs/gimp.md recommends, as the user sets it in Edit > Keyboard Shortcuts."""
IN_MANUAL = {
    "gimp-menu-select", "gimp-selection", "gimp-paste", "gimp-progress", "gimp-message",
    "gimp-select-subject", "gimp-select-class", "gimp-refine", "gimp-remove-background",
    "gimp-fill-before", "gimp-fill-after", "gimp-remove-subject-before", "gimp-remove-subject-after",
    "gimp-remove-before", "gimp-remove-dust",
    "gimp-style-dialog", "gimp-style-background", "gimp-style-layer",
    "gimp-preview-select", "gimp-preview-fill", "gimp-preview-paste", "gimp-two-fills",
    "gimp-copied-subject", "gimp-portrait-in-painting", "gimp-models",
    "gimp-select-sky", "gimp-replaced-sky", "gimp-strokes", "gimp-select-objects",
    "gimp-last-result", "gimp-settings",
}  # fmt: skip
"""The images that docs/ shows."""

LAST_RESULT, MODELS, SETTINGS = "Last Result...", "Manage Models...", "Settings..."
ENTRIES = sorted({LAST_RESULT, MODELS, SETTINGS, *(action.menu for action in ACTIONS)})
"""What is in Filters > Inlay, windows and submenus: GIMP sorts both."""


def position(action: Action, at_once: bool) -> tuple[int, int]:
    """Where its submenu stands in Filters > Inlay and where it stands in its submenu: GIMP sorts both.

    Of two entries with the same label the one with dots is the first.
    """
    beside = [other for other in ACTIONS if other.menu == action.menu]
    entries = [(f"{other.label}...", other, False) for other in beside]
    entries += [(f"{other.label}/", other, True) for other in beside if other.one_click]  # after that with dots
    order = [(other, once) for _, other, once in sorted(entries, key=lambda entry: entry[0])]
    return ENTRIES.index(action.menu), order.index((action, at_once))


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
        """Wait until the code's answer is true and the action that made it so has ended.

        A selection is there before its pixels are, for one.
        """
        self.until(code, wait)
        self.rest()

    def rest(self) -> None:
        """Wait until no action goes on."""
        end = time.monotonic() + 60
        while self.gimp.plug_in_calls():
            if time.monotonic() > end:
                raise TimeoutError(f"the action does not end, see {self.screenshot('gimp-timeout')}")
            time.sleep(0.1)

    def in_front(self, title: str) -> None:
        """Wait until the image with this in its window's title is the one that is seen, and the keyboard its own."""
        self.display.xdotool("windowactivate", "--sync", self.display.find_window(title, wait=30))

    def choose(self, name: str, at_once: bool = False) -> None:
        """Walk to an action in Filters > Inlay with the keyboard: to the entry that asks, or to that of one click."""
        action = BY_NAME[name]
        menu, entry = position(action, at_once)
        self.display.keys("alt+r", "Up", "Right", *["Down"] * menu, "Right", *["Down"] * entry)
        self.screenshot(f"gimp-menu-{action.menu.lower()}")
        self.display.keys("Return")

    def open_window(self, entry: str) -> None:
        """Walk to an entry beside the submenus with the keyboard."""
        self.display.keys("alt+r", "Up", "Right", *["Down"] * ENTRIES.index(entry))
        self.screenshot("gimp-menu-inlay")
        self.display.keys("Return")

    def fill_in(self, name: str, *keys: str, screenshot: str = "", wait: float = 30) -> None:
        """Wait for the dialog of an action, press keys in it, then OK."""
        dialog = self.display.find_window(exactly(BY_NAME[name].label), wait=wait)
        time.sleep(0.5)
        self.display.xdotool("windowactivate", "--sync", dialog)  # on a busy machine it may not be in front yet
        self.display.keys(*keys)
        self.screenshot(screenshot or f"gimp-dialog-{name.replace('.', '-')}")
        self.display.keys("alt+o")

    def screenshot(self, name: str) -> Path:
        """Photograph the screen; for the manual too, if it shows the image."""
        path = self.display.screenshot(self.screenshots / f"{name}.png")
        if name in IN_MANUAL:
            publish(path, path.name)
        return path
