"""GIMP with its window, used as a person does: the menu, the dialogs, undo, the progress bar's Cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.client.actions import ACTIONS, BY_NAME, Action
from tests.editors.display import Display, publish

from .harness import Backend, Gimp, Tree

pytestmark = pytest.mark.gimp

WIDTH, HEIGHT = 1280, 800
IN_MANUAL = {
    f"gimp-{name}" for name in ("menu-select", "dialog-select-object", "selection", "paste", "progress", "message")
}
"""The pictures that docs/gimp.md shows."""


def position(action: Action) -> tuple[int, int]:
    """Where its submenu stands in Filters > Inlay and where it stands in its submenu: GIMP sorts both."""
    menus = sorted({other.menu for other in ACTIONS})
    labels = sorted(other.label for other in ACTIONS if other.menu == action.menu)
    return menus.index(action.menu), labels.index(action.label)


class Window:
    """GIMP's window on a screen of its own."""

    def __init__(self, display: Display, gimp: Gimp, pictures: Path) -> None:
        self.display, self.gimp, self.pictures = display, gimp, pictures
        self.until("answer = len(Gimp.get_images()) == 1")
        window = display.find_window("coffee", wait=60)
        display.xdotool("windowmove", "--sync", window, 0, 0)
        display.xdotool("windowsize", "--sync", window, WIDTH, HEIGHT - 30)
        display.xdotool("mousemove", WIDTH - 1, HEIGHT - 1)  # no tooltips in the way
        display.keys("shift+ctrl+j")  # fit the image in the window
        time.sleep(1)

    def until(self, code: str, wait: float = 60) -> None:
        """Wait until the code's answer is true."""
        end = time.monotonic() + wait
        while not self.gimp.run(code):
            if time.monotonic() > end:
                raise TimeoutError(f"still not so, see {self.picture('gimp-timeout')}: {code}")
            time.sleep(0.1)

    def choose(self, name: str) -> None:
        """Walk to an action in Filters > Inlay with the keyboard."""
        action = BY_NAME[name]
        menu, entry = position(action)
        self.display.keys("alt+r", "Up", "Right", *["Down"] * menu, "Right", *["Down"] * entry)
        self.picture(f"gimp-menu-{action.menu.lower()}")
        self.display.keys("Return")

    def fill_in(self, name: str, *keys: str) -> None:
        """Wait for the dialog of an action, press keys in it, then OK."""
        self.display.find_window(f"^{BY_NAME[name].label}$", wait=30)
        time.sleep(0.5)
        self.display.keys(*keys)
        self.picture(f"gimp-dialog-{name.replace('.', '-')}")
        self.display.keys("alt+o")

    def picture(self, name: str) -> Path:
        """Photograph the screen; for the manual too, if it shows the picture."""
        path = self.display.screenshot(self.pictures / f"{name}.png")
        if name in IN_MANUAL:
            publish(path, path.name)
        return path


@pytest.fixture(scope="module")
def window(
    tree: Tree, host: Backend, photographs: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Window]:
    with Display(WIDTH, HEIGHT) as display:
        environment = {**host.environment, "INLAY_DIAGNOSE": "1", "DISPLAY": display.name}
        gimp = Gimp(tree, "gimp-3.0", environment, photographs["coffee"])
        yield Window(display, gimp, tmp_path_factory.mktemp("pictures"))
        printed = gimp.close()
    assert "Traceback" not in printed and "no mnemonic" not in printed, printed


def test_a_selection_is_made_from_the_menu_and_undone_in_one_step(window: Window) -> None:
    window.gimp.run("shown().select_rectangle(Gimp.ChannelOps.REPLACE, 65, 8, 425, 385)\nGimp.displays_flush()")
    box = "sum(selection(shown())) == 255 * 425 * 385"
    window.choose("select.object")
    window.fill_in("select.object", "alt+m", "End")  # the last of the methods is GrabCut
    window.until(f"answer = not ({box})")
    time.sleep(0.5)
    window.picture("gimp-selection")
    look = (
        "s = selection(shown())\nanswer = [s[y * 600 + x] for x, y in ((290, 150), (120, 200), (470, 40), (80, 380))]"
    )
    assert window.gimp.run(look) == [255, 255, 0, 0]  # the coffee, the saucer, the table twice
    window.display.keys("ctrl+z")
    window.until(f"answer = {box}", 5)
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())", 5)


def test_a_pasted_layer_is_blended_and_undone_in_one_step(window: Window, photographs: dict[str, str]) -> None:
    window.gimp.run(
        f"""
        image = shown()
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(layer, None, 0)
        layer.resize(150, 175, -150, -15)
        layer.scale(90, 105, False)
        layer.set_offsets(245, 92)
        layer.add_alpha()
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 252, 97, 72, 92)
        Gimp.Selection.invert(image)
        layer.edit_clear()
        Gimp.Selection.none(image)
        Gimp.displays_flush()
        """
    )
    window.choose("paste.poisson")
    window.fill_in("paste.poisson")
    window.until("answer = shown().get_layers()[0].get_name() == 'Blended'")
    time.sleep(0.5)
    window.picture("gimp-paste")
    offset = window.gimp.run("answer = shown().get_layers()[0].get_offsets()[1:]")
    assert offset == [252, 97]
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 2", 5)
    assert window.gimp.run("answer = shown().get_layers()[0].get_offsets()[1:]") == [245, 92]


def test_the_cancel_button_stops_a_long_job_within_half_a_second(window: Window, host: Backend) -> None:
    before = window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()]")
    window.choose("diagnose.identity")
    window.fill_in("diagnose.identity", "alt+w", "6", "0")
    host.until("busy")
    time.sleep(1)
    window.picture("gimp-progress")
    clicked = time.monotonic()
    window.display.click(WIDTH - 276, HEIGHT - 28)
    host.until("idle", wait=30)
    seconds = time.monotonic() - clicked
    time.sleep(0.5)
    window.picture("gimp-cancelled")
    assert window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()]") == before
    outcome = window.gimp.run("answer = call('inlay-diagnose-identity', shown(), [shown().get_layers()[0]])")
    assert outcome["status"] == "success"
    print(f"the worker was idle {seconds:.2f} s after the click")
    assert seconds < 0.5


def test_what_cannot_be_done_is_said_in_a_message(window: Window) -> None:
    window.gimp.run("Gimp.Selection.none(shown())")
    window.choose("select.object")
    window.display.find_window("GIMP Message", wait=30)
    window.picture("gimp-message")
    window.display.keys("Return")


def test_ctrl_f_repeats_the_last_action_with_its_settings(window: Window) -> None:
    layers = window.gimp.run("answer = len(shown().get_layers())")
    window.choose("diagnose.identity")
    window.fill_in(
        "diagnose.identity", "alt+w", "0", "alt+f", "End"
    )  # the last of the faults: short of memory at first
    for new in (1, 2):
        window.until(f"answer = len(shown().get_layers()) == {layers + new}", 30)
        time.sleep(0.5)
        window.picture("gimp-note")  # the status bar says that it took smaller steps
        window.display.keys(*["ctrl+f"] * (new == 1))
