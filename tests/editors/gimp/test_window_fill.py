"""Filling as a user does it: a lasso around something, Content-Aware Fill, undo, another try; the subject removed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .window import Window

pytestmark = pytest.mark.gimp

AROUND_THE_ROCKET = [300, 110, 340, 110, 352, 240, 356, 352, 340, 392, 300, 392, 288, 352, 294, 200]
"""A lasso, x and y of each corner in turn."""
MIDDLE = (320, 230)  # on the rocket; night sky beside it
MIDDLE_OF_ONE = (105, 190)  # the same where the rocket stands alone
LOOK = """
layer = shown().get_layers()[0]
found, x, y = layer.get_offsets()
buffer = layer.get_buffer()
def color(px, py):
    return list(buffer.get(Gegl.Rectangle.new(px - x, py - y, 1, 1), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
"""


@pytest.fixture
def rocket(window: Window, photographs: dict[str, str]) -> Iterator[None]:
    """The window shows a rocket in front of the sky."""
    window.open(photographs["rocket"])
    yield
    window.open(photographs["coffee"])


def settled(window: Window, screenshot: str) -> None:
    """Photograph the window once it has drawn what has changed."""
    time.sleep(1)
    window.screenshot(screenshot)


def test_a_lasso_is_filled_undone_and_filled_in_another_way(window: Window, rocket: None) -> None:
    before = window.gimp.run(f"{LOOK}\nanswer = color{MIDDLE}")
    assert before[0] > 120
    window.gimp.run(f"shown().select_polygon(Gimp.ChannelOps.REPLACE, {AROUND_THE_ROCKET})\nGimp.displays_flush()")
    settled(window, "gimp-fill-before")
    tries = []
    for _ in range(2):
        window.choose("fill.selection")
        window.fill_in("fill.selection")
        window.finished("answer = len(shown().get_layers()) == 2")
        if not tries:
            settled(window, "gimp-fill-after")
        sky, size = window.gimp.run(f"{LOOK}\nanswer = [color{MIDDLE}, [layer.get_width(), layer.get_height(), x, y]]")
        assert sky[3] == 255 and sky[0] < 80 and sky[2] > sky[0]
        assert size[0] < 100 and size[2] > 270  # only the hole's region
        tries.append(window.gimp.run(f"{LOOK}\nanswer = sent(buffer.get(buffer.get_extent(), 1.0, "
                                     "\"R'G'B'A u8\", Gegl.AbyssPolicy.NONE))"))  # fmt: skip
        window.display.keys("ctrl+z")
        window.until("answer = len(shown().get_layers()) == 1")
        assert window.gimp.run(f"{LOOK}\nanswer = color{MIDDLE}") == before
    assert tries[0] != tries[1]  # the seed went on by itself


def test_the_subject_is_removed_and_comes_back(window: Window, photographs: dict[str, str]) -> None:
    window.open(photographs["sky"])
    before = window.gimp.run(f"{LOOK}\nanswer = color{MIDDLE_OF_ONE}")
    assert before[0] > 120
    settled(window, "gimp-remove-subject-before")
    window.choose("fill.subject")
    window.fill_in("fill.subject")
    window.finished("answer = len(shown().get_layers()) == 2")
    settled(window, "gimp-remove-subject-after")
    sky = window.gimp.run(f"{LOOK}\nanswer = color{MIDDLE_OF_ONE}")
    assert sky[3] == 255 and sky[0] < 80 and sky[2] > sky[0]
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 1 and not shown().is_dirty()")
    window.open(photographs["coffee"])
