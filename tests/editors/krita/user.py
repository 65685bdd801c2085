"""What the user does at the real Krita and sees of it: photographs, menus, keys, the marching ants."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.imaging.arrays import UInt8Array
from tests.editors.krita.harness import Krita

CANVAS = (350, 130, 1050, 900)  # on the screen, within all that surrounds it


def open_photograph(krita: Krita, folder: Path, name: str, pixels: NDArray[np.uint8]) -> None:
    """A photograph in front, with a wide view of it."""
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    krita.run("open_file(path)", path=str(path))
    krita.until("front().activeNode() is not None and K.activeWindow().activeView().document() == front()")
    krita.run("show()")


def add_hidden(krita: Krita, path: Path, name: str, place: tuple[int, int] = (0, 0)) -> None:
    """An image on a hidden layer above the lowest one, which is active; x and y of its upper left corner."""
    krita.run("import_layer(path, name, *place)", path=str(path), name=name, place=place)
    krita.until("name in names()", name=name)
    krita.run("front().setActiveNode(node(names()[0])); node(name).setVisible(False)", name=name)
    krita.until("front().activeNode().name() == names()[0]")
    krita.run("front().refreshProjection(); front().waitForDone()")


def choose_with_mouse(krita: Krita, *labels: str) -> None:
    """Click through the menus."""
    for label in labels:
        x, y = krita.until("entry_point(label)", wait=60, label=label)
        krita.display.click(x, y)
        time.sleep(0.3)


def choose_with_keys(krita: Krita, *labels: str) -> None:
    """Open the menu bar's first entry of `labels` by its letter, walk down to each of the others, press Return."""
    mnemonic = "alt+" + krita.get("mnemonic(label)", label=labels[0])
    krita.run("K.activeWindow().qwindow().activateWindow(); K.activeWindow().qwindow().setFocus()")
    for _ in range(5):  # a window that has just been given the focus can miss a key
        krita.display.keys(mnemonic)
        with contextlib.suppress(TimeoutError):
            krita.until("entry_point(label) is not None", wait=6, label=labels[1])
            break
    for label in labels[1:]:
        krita.until("entry_point(label) is not None", wait=60, label=label)
        for _ in range(40):
            if krita.get("chosen_entry()") == label:
                break
            krita.display.keys("Down", pause=0.05)
        krita.until("chosen_entry() == label", wait=5, label=label)
        krita.display.keys("Return")


def press_shortcut(krita: Krita, keys: str) -> None:
    """Press a shortcut of the main window, with the canvas in possession of the keyboard."""
    x, y = krita.run("""
        canvas = K.activeWindow().qwindow().centralWidget()
        center = canvas.mapToGlobal(canvas.rect().center())
        answer = [center.x(), center.y()]
    """)
    krita.display.click(x, y, button=2)  # changes nothing but where keys go
    krita.display.keys(keys)


def press_ctrl_z(krita: Krita) -> None:
    """Undo."""
    press_shortcut(krita, "ctrl+z")


def ask_and_accept(krita: Krita, action: str, values: dict[str, object] | None = None) -> None:
    """Choose an action, enter values in its dialog, press OK, and wait until the result is in place."""
    krita.run("extension().ask(actions.BY_NAME[action])", action=action)
    krita.until("dialog() is not None")
    krita.run("dialog().set_values({**dialog().values(), **values}); dialog().accept()", values=values or {})
    finish(krita)


def finish(krita: Krita) -> None:
    """Wait until the job that runs has come to a result that is in place; no message may come."""
    krita.until("runner().job is None and not dialog() and not extension().delivery.waiting", wait=250)
    assert krita.get("message()") == ""
    krita.run("front().waitForDone()")


def selected(krita: Krita, height: int, width: int) -> UInt8Array:
    """The selection, 0 outside to 255 inside, height x width."""
    flat = np.frombuffer(bytes.fromhex(krita.get("selected().hex()")), np.uint8)
    return flat.reshape(height, width) if flat.size else np.zeros((height, width), np.uint8)


def screenshot(krita: Krita, name: str) -> None:
    """Photograph the screen for the manual, into the folder in $INLAY_SCREENSHOTS, if it is set."""
    folder = os.environ.get("INLAY_SCREENSHOTS")
    if folder:
        time.sleep(2)  # Krita draws when it has time
        krita.display.screenshot(Path(folder) / f"krita-{name}.png")


def ants_march(krita: Krita, wait: float = 10) -> bool:
    """Whether something moves on the canvas within `wait` seconds: the selection's outline, as nothing else does."""
    end = time.monotonic() + wait
    seen = {krita.display.pixels(CANVAS)}
    while len(seen) < 4 and time.monotonic() < end:
        time.sleep(0.3)
        seen.add(krita.display.pixels(CANVAS))
    return len(seen) == 4
