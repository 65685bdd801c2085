"""How many clicks, or keys, there are from an open photograph to the result, in the real Krita and the real GIMP.

    python -m benchmarks.clicks [krita] [gimp]

The editors are driven with the mouse and the keyboard; every press of either counts, and each way is followed until
its result is there. The editors come from where the tests have them (INLAY_KRITA_TREE, INLAY_GIMP_TREE).
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from skimage import data

from benchmarks.krita_responsiveness import krita_with_inlay
from tests.editors.backend import Backend
from tests.editors.display import Display, exactly
from tests.editors.gimp.harness import Gimp, Tree
from tests.editors.gimp.test_clicks import Mouse
from tests.editors.gimp.window import HEIGHT, LAST_RESULT, SHORTCUTS, WIDTH, Window
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import finish, open_photograph
from tests.editors.program import install

PLUS = (-30, 90)
"""Where the plus of the field Feather is in GIMP's window of the last result: from its right, from its top."""
HEAD = [180, 40, 90, 170]  # of the astronaut, the object that is removed: left, top, width, height


class Counting(Display):
    """Counts what is pressed."""

    presses = 0

    def keys(self, *keys: str, pause: float = 0.25) -> None:
        """Press keys, each of which counts."""
        self.presses += len(keys)
        super().keys(*keys, pause=pause)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click, which counts."""
        self.presses += 1
        super().click(x, y, button)


def main() -> int:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("editors", nargs="*", choices=["krita", "gimp"], default=["krita", "gimp"])
    editors = parser.parse_args().editors
    with tempfile.TemporaryDirectory(prefix="ik-") as folder:
        print("| editor | job | way | |\n| --- | --- | --- | --- |")
        rows = {"krita": lambda: in_krita(Path(folder)), "gimp": in_gimp}
        for editor, job, way, count in itertools.chain.from_iterable(rows[name]() for name in editors):
            print(f"| {editor} | {job} | {way} | {count} |", flush=True)
    return 0


def in_krita(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """The rows of Krita."""
    with Counting() as display, krita_with_inlay(display, folder) as krita:
        krita.run("K.activeWindow().qwindow().showMaximized()")
        chosen = "bool(selected())"
        removed = "'Fill' in names()"
        for job, keys, button, menu, done in (
            ("Select Subject", "ctrl+alt+shift+s", "inlay-select-subject", "Select", chosen),
            ("Remove Object", "ctrl+alt+shift+o", "inlay-fill-object", "Fill", removed),
        ):
            for way in ("shortcut", "docker", "menu"):
                open_photograph(krita, folder, "astronaut", data.astronaut())
                if done == removed:
                    krita.run("select(box)", box=HEAD)
                time.sleep(1)
                display.presses = 0
                if way == "shortcut":
                    display.keys(keys)
                elif way == "docker":
                    display.click(*_middle(krita, button))
                else:
                    _walk(krita, display, "Tools", "Inlay", menu, job)
                krita.until(done, wait=120)
                finish(krita)
                yield "Krita", job, way, _words(display.presses, "key" if way == "shortcut" else "click")
        open_photograph(krita, folder, "astronaut", data.astronaut())
        display.keys("ctrl+alt+shift+s")
        krita.until(chosen, wait=120)
        finish(krita)
        krita.run("show()")
        soft = krita.get("sum(0 < value < 255 for value in selected())")
        x, y = _middle(krita, "inlay-live-feather", "part.width() - 8, part.height() // 4")
        display.presses = 0
        display.click(x, y)
        krita.until("sum(0 < value < 255 for value in selected()) > soft", soft=soft)
        yield "Krita", "Change the feather of the result", "docker", _words(display.presses, "click")
        krita.quit()


def _middle(krita: Krita, name: str, point: str = "part.width() // 2, part.height() // 2") -> list[int]:
    """Where on the screen a point of a part of the docker is."""
    found: list[int] = krita.run(
        f"part = docker_child(name); at = part.mapToGlobal(QtCore.QPoint({point})); answer = [at.x(), at.y()]",
        name=name,
    )
    return found


def _walk(krita: Krita, display: Counting, first: str, *others: str) -> None:
    """Through the menus: submenus open when the mouse rests on them."""
    display.click(*krita.until("entry_point(label)", label=first))
    for label in others[:-1]:
        x, y = krita.until("entry_point(label)", label=label)
        display.xdotool("mousemove", "--sync", x - 3, y, "mousemove", "--sync", x, y)
        time.sleep(0.7)
    display.click(*krita.until("entry_point(label)", label=others[-1]))


def in_gimp() -> Iterator[tuple[str, str, str, str]]:
    """The rows of GIMP."""
    chosen = "answer = not Gimp.Selection.is_empty(shown())"
    removed = "answer = len(shown().get_layers()) == 2"
    soft = "s = selection(shown())\nanswer = sum(0 < value < 255 for value in s)"
    with Counting(WIDTH, HEIGHT) as display, _gimp(display) as (window, photograph):
        for job, name, keys, done in (
            ("Select Subject", "select.subject", "shift+alt+s", chosen),
            ("Remove Object", "fill.object", "shift+alt+o", removed),
        ):
            for way in ("shortcut", "menu"):
                window.open(photograph)
                if done == removed:
                    box = ", ".join(map(str, HEAD))
                    window.gimp.run(f"shown().select_ellipse(Gimp.ChannelOps.REPLACE, {box})\nGimp.displays_flush()")
                display.presses = 0
                if way == "shortcut":
                    display.keys(keys)
                    count = display.presses
                else:
                    mouse = Mouse(window)
                    mouse.choose(name)
                    count = mouse.clicks
                window.finished(done, 120)
                yield "GIMP", job, way, _words(count, "key" if way == "shortcut" else "click")
        window.open(photograph)
        window.open_window(LAST_RESULT)
        opened = display.find_window(exactly("Last Result"), wait=30)
        display.xdotool("windowactivate", "--sync", display.find_window("GIMP$"))
        display.keys("shift+alt+s")
        window.until(chosen, 120)
        time.sleep(2)
        before = window.gimp.run(soft)
        left, top, width, _ = display.windows()[opened]
        display.presses = 0
        display.click(left + width + PLUS[0], top + PLUS[1])
        count = display.presses
        window.until(f"{soft} > {before}")
        yield "GIMP", "Change the feather of the result", "window Last Result", _words(count, "click")
        display.xdotool("windowactivate", "--sync", opened)
        display.keys("alt+c")
        window.finished("answer = True")


@contextmanager
def _gimp(display: Display) -> Iterator[tuple[Window, str]]:
    """GIMP with a photograph, whose path inside its tree comes along."""
    tree = Tree()
    host = Backend(tree.home, tree.run, install(tree.home / "program"), tree.inside)
    try:
        for name in ("coffee", "astronaut"):
            Image.fromarray(getattr(data, name)()).save(Path(tree.home) / f"{name}.png")
        paths = [tree.inside(Path(tree.home) / f"{name}.png") for name in ("coffee", "astronaut")]
        environment = {**host.environment, "INLAY_DIAGNOSE": "1", "DISPLAY": display.name}
        gimp = Gimp(tree, "gimp-3", environment, paths[0], shortcuts=SHORTCUTS)
        yield Window(display, gimp, Path(tempfile.gettempdir())), paths[1]
        gimp.close()
    finally:
        host.stop()
        tree.remove()


def _words(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
