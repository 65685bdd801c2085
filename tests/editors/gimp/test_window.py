"""GIMP with its window, used as a person does: the menu, the dialogs, undo, the progress bar's Cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.display import Display, publish

from .harness import Backend, Gimp, Tree

pytestmark = pytest.mark.gimp

WIDTH, HEIGHT = 1280, 800
MENUS = {"Diagnose": 0, "Paste": 1, "Select": 2}
"""Where each submenu of Filters > Inlay stands; GIMP sorts them."""


class Window:
    """GIMP's window on a screen of its own."""

    def __init__(self, display: Display, gimp: Gimp, pictures: Path) -> None:
        self.display, self.gimp, self.pictures = display, gimp, pictures
        self.until("answer = len(Gimp.get_images()) == 1")
        window = display.find_window("astronaut", wait=60)
        display.xdotool("windowmove", "--sync", window, 0, 0)
        display.xdotool("windowsize", "--sync", window, WIDTH, HEIGHT - 30)
        display.xdotool("mousemove", WIDTH - 1, HEIGHT - 1)  # no tooltips in the way
        time.sleep(1)

    def until(self, code: str, wait: float = 60) -> None:
        """Wait until the code's answer is true."""
        end = time.monotonic() + wait
        while not self.gimp.run(code):
            if time.monotonic() > end:
                raise TimeoutError(f"still not so, see {self.picture('gimp-timeout')}: {code}")
            time.sleep(0.1)

    def choose(self, menu: str, entry: int = 0) -> None:
        """Walk through Filters > Inlay with the keyboard."""
        self.display.keys("alt+r", "Up", "Right", *["Down"] * MENUS[menu], "Right", *["Down"] * entry)
        self.picture(f"gimp-menu-{menu.lower()}")
        self.display.keys("Return")

    def accept(self, title: str) -> None:
        """Press OK in the dialog of this title, once it is there."""
        self.display.find_window(f"^{title}$")
        time.sleep(0.5)
        self.picture(f"gimp-dialog-{title.split()[0].lower()}")
        self.display.keys("alt+o")

    def picture(self, name: str) -> Path:
        """Photograph the screen, for the manual too."""
        path = self.display.screenshot(self.pictures / f"{name}.png")
        publish(path, path.name)
        return path


@pytest.fixture(scope="module")
def window(
    tree: Tree, host: Backend, photographs: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Window]:
    with Display(WIDTH, HEIGHT) as display:
        environment = {**host.environment, "INLAY_DIAGNOSE": "1", "DISPLAY": display.name}
        gimp = Gimp(tree, "gimp-3.0", environment, photographs["astronaut"])
        yield Window(display, gimp, tmp_path_factory.mktemp("pictures"))
        printed = gimp.close()
    assert "Traceback" not in printed and "no mnemonic" not in printed, printed


def test_a_selection_is_made_from_the_menu_and_undone_in_one_step(window: Window) -> None:
    window.gimp.run("shown().select_rectangle(Gimp.ChannelOps.REPLACE, 80, 10, 260, 470)\nGimp.displays_flush()")
    box = "sum(selection(shown())) == 255 * 260 * 470"
    window.choose("Select")
    window.accept("Select Object")
    window.until(f"answer = not ({box})")
    time.sleep(0.5)
    window.picture("gimp-selection")
    face, wall = window.gimp.run("s = selection(shown())\nanswer = [s[120 * 512 + 225], s[30 * 512 + 320]]")
    assert (face, wall) == (255, 0)
    window.display.keys("ctrl+z")
    window.until(f"answer = {box}", 5)
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())", 5)


def test_a_pasted_layer_is_blended_and_undone_in_one_step(window: Window, photographs: dict[str, str]) -> None:
    window.gimp.run(
        f"""
        image = shown()
        file = Gio.File.new_for_path({photographs["coffee"]!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(layer, None, 0)
        layer.scale(200, 133, False)
        layer.set_offsets(290, 20)
        Gimp.displays_flush()
        """
    )
    window.choose("Paste")
    window.accept("Blend Layer into Picture")
    window.until("answer = [layer.get_name() for layer in shown().get_layers()][0] == 'Blended'")
    time.sleep(0.5)
    window.picture("gimp-paste")
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 2", 5)
    assert window.gimp.run("answer = shown().get_layers()[0].get_offsets()[1:]") == [290, 20]


def test_the_cancel_button_stops_a_long_job_within_half_a_second(window: Window, host: Backend) -> None:
    before = window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()]")
    window.choose("Diagnose")
    window.display.find_window("^Send There and Back$")
    window.display.keys("alt+w")
    window.display.xdotool("type", "60")
    window.accept("Send There and Back")
    host.until("busy")
    time.sleep(1)
    window.picture("gimp-progress")
    window.display.click(WIDTH - 276, HEIGHT - 28)
    seconds = host.until("idle", wait=30)
    time.sleep(0.5)
    window.picture("gimp-cancelled")
    assert window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()]") == before
    outcome = window.gimp.run("answer = call('inlay-diagnose-identity', shown(), [shown().get_layers()[0]])")
    assert outcome["status"] == "success"
    print(f"the worker was idle {seconds:.2f} s after the click")
    assert seconds < 0.5


def test_what_cannot_be_done_is_said_in_a_message(window: Window) -> None:
    window.choose("Select")
    window.display.find_window("GIMP Message")
    window.picture("gimp-message")
    window.display.keys("Return")
