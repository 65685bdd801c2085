"""The network's actions as the user uses them: from the menu, on a photograph, undone in one step."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .window import Window

pytestmark = pytest.mark.gimp

AROUND_THE_HEAD = [
    160, 38, 205, 12, 255, 14, 295, 45, 303, 95, 285, 125, 264, 140, 258, 165, 252, 190, 188, 190, 186, 145, 176, 128,
    156, 112, 150, 75,
]  # fmt: skip
"""A roughly drawn outline, x and y of each corner in turn."""


@pytest.fixture
def person_and_cat(window: Window, photographs: dict[str, str]) -> Iterator[None]:
    """The window shows a person and a cat side by side."""
    window.open(photographs["both"])
    yield
    window.open(photographs["coffee"])


def settled(window: Window, screenshot: str) -> None:
    """Photograph the window once it has drawn what has changed."""
    time.sleep(1)
    window.screenshot(screenshot)


def test_select_refine_and_cut_out_each_undone_in_one_step(window: Window, astronaut: None) -> None:
    nothing = "answer = Gimp.Selection.is_empty(shown())"
    window.choose("select.subject")
    window.fill_in("select.subject")
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    settled(window, "gimp-select-subject")
    look = "s = selection(shown())\nanswer = [s[y * 512 + x] for x, y in ((225, 120), (130, 300), (110, 100))]"
    face, suit, wall = window.gimp.run(look)
    assert face > 200 and suit > 200 and wall < 50
    window.display.keys("ctrl+z")
    window.until(nothing)

    window.gimp.run(f"shown().select_polygon(Gimp.ChannelOps.REPLACE, {AROUND_THE_HEAD})\nGimp.displays_flush()")
    rough = window.gimp.run("answer = sent(selection(shown()))")
    window.choose("select.refine")
    window.fill_in("select.refine")
    window.finished(f"answer = sent(selection(shown())) != {rough!r}")
    settled(window, "gimp-refine")
    window.display.keys("ctrl+z")
    window.until(f"answer = sent(selection(shown())) == {rough!r}")
    window.display.keys("ctrl+z")
    window.until(nothing)

    window.choose("cutout.background")
    window.fill_in("cutout.background", "alt+e", "End")  # the last of the results is the mask
    window.finished("answer = shown().get_layers()[0].get_mask() is not None")
    window.display.keys("ctrl+z")
    window.until("answer = shown().get_layers()[0].get_mask() is None")

    window.choose("cutout.background")
    window.fill_in("cutout.background", "alt+e", "Home")
    window.finished("answer = len(shown().get_layers()) == 2")
    window.gimp.run("shown().get_layers()[1].set_visible(False)\nGimp.displays_flush()")
    settled(window, "gimp-remove-background")
    window.display.keys("ctrl+z", "ctrl+z")
    window.until("answer = len(shown().get_layers()) == 1")

    window.choose("cutout.subject")
    window.fill_in("cutout.subject")
    window.finished("answer = len(shown().get_layers()) == 2")
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 1 and not shown().is_dirty()")


def test_a_class_is_chosen_from_what_is_in_the_image(window: Window, person_and_cat: None) -> None:
    look = "s = selection(shown())\nanswer = [s[y * 771 + x] > 127 for x, y in ((145, 120), (460, 170))]"
    face, cat = [True, False], [False, True]
    window.choose("select.class")
    # the first of the list is the default, "Largest"; then come the classes, largest first
    window.fill_in("select.class", "alt+a", "Home", "Down", screenshot="gimp-select-class", wait=60)
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    first = window.gimp.run(look)
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())")
    window.choose("select.class")
    window.fill_in("select.class", "alt+a", "Home", "Down", "Down", wait=60)
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    second = window.gimp.run(look)
    assert sorted([first, second]) == [cat, face]


def test_one_of_the_objects_found_is_chosen_from_a_list(window: Window, person_and_cat: None) -> None:
    window.choose("select.objects")
    # the first of the list is the default, "All"; then come the objects, largest first
    window.fill_in("select.objects", "alt+j", "Home", "Down", screenshot="gimp-select-objects", wait=60)
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    look = "s = selection(shown())\nanswer = [s[y * 771 + x] > 127 for x, y in ((145, 120), (460, 170))]"
    assert window.gimp.run(look) in ([True, False], [False, True]), "the person or the cat, not both"
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())")
