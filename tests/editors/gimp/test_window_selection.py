"""Selecting in GIMP's window: strokes; other people; the sky."""

from __future__ import annotations

import time
from collections.abc import Iterator
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

from tests.jobs import sky_of_evening, two_people

from .harness import Tree, received
from .window import Window

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

NOTHING = "answer = Gimp.Selection.is_empty(shown())"
SOMETHING = "answer = not Gimp.Selection.is_empty(shown())"
FACE, FUR = (145, 120), (460, 170)  # x and y, in the photograph of both
ABOVE, ROCKET = np.s_[20:120, 220:420], np.s_[200:380, 314:330]  # in that of the rocket


def load_hidden(path: str, name: str) -> str:
    """Code that puts an image file below the photograph, which stays the active layer."""
    return dedent(
        f"""
        image = shown()
        top = image.get_layers()[0]
        file = Gio.File.new_for_path({path!r})
        other = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        other.set_name({name!r})
        image.insert_layer(other, None, 1)
        image.set_selected_layers([top])
        image.clean_all()
        Gimp.displays_flush()
        """
    )


@pytest.fixture
def coffee_again(window: Window, photographs: dict[str, str]) -> Iterator[None]:
    yield
    window.open(photographs["coffee"])


@pytest.mark.usefixtures("coffee_again")
def test_strokes_take_away_and_add(window: Window, tree: Tree, photographs: dict[str, str]) -> None:
    window.open(photographs["both"])
    painted = np.zeros((300, 771, 4), np.uint8)
    painted[FACE[1] - 8 : FACE[1] + 8, FACE[0] - 20 : FACE[0] + 20] = (0, 200, 0, 255)
    painted[FUR[1] - 8 : FUR[1] + 8, FUR[0] - 40 : FUR[0] + 40] = (230, 0, 0, 255)
    path = tree.home / "strokes.png"
    Image.fromarray(painted).save(path)
    window.gimp.run(load_hidden(tree.inside(path), "Strokes"))
    window.gimp.run(
        "image = shown()\nstrokes = image.get_layers()[1]\nimage.reorder_item(strokes, None, 0)\n"
        "image.set_selected_layers([image.get_layers()[1]])\n"
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 380, 60, 200, 200)\nGimp.displays_flush()"
    )
    before = window.gimp.run("answer = sent(selection(shown()))")
    window.choose("select.strokes")
    window.fill_in("select.strokes")
    window.finished(f"answer = sent(selection(shown())) != {before!r}", 250)
    time.sleep(1)
    window.screenshot("gimp-strokes")
    found = received(window.gimp.run("answer = sent(selection(shown()))"), 300)
    assert found[FACE[1], FACE[0]] == 255 and found[FUR[1], FUR[0]] == 0
    window.display.keys("ctrl+z")
    window.until(f"answer = sent(selection(shown())) == {before!r}")


@pytest.mark.usefixtures("coffee_again")
def test_other_people_are_all_but_the_subject(window: Window, tree: Tree) -> None:
    people = two_people(800)
    path = tree.home / "people.png"
    Image.fromarray(people).save(path)
    window.open(tree.inside(path))
    window.choose("select.other_people")
    window.fill_in("select.other_people")
    window.finished(SOMETHING, 250)
    time.sleep(1)
    window.screenshot("gimp-other-people")
    found = received(window.gimp.run("answer = sent(selection(shown()))"), people.shape[0])
    width = people.shape[1]
    assert found[:, width * 5 // 8 :].mean() > 40 > 5 > found[:, : width // 2].mean()
    window.display.keys("ctrl+z")
    window.until(NOTHING)


@pytest.mark.usefixtures("coffee_again")
def test_the_sky_is_selected_and_another_one_put_there(window: Window, tree: Tree, photographs: dict[str, str]) -> None:
    window.open(photographs["rocket"])
    path = tree.home / "evening.png"
    Image.fromarray(sky_of_evening()).save(path)
    window.gimp.run(load_hidden(tree.inside(path), "Evening"))
    window.choose("select.sky")
    window.fill_in("select.sky")
    window.finished(SOMETHING, 250)
    time.sleep(1)
    window.screenshot("gimp-select-sky")
    found = received(window.gimp.run("answer = sent(selection(shown()))"), 427)
    assert found[ABOVE].mean() > 200 > 60 > found[ROCKET].mean()
    window.display.keys("ctrl+z")
    window.until(NOTHING)
    window.choose("paste.sky")
    window.fill_in("paste.sky")
    window.finished("answer = len(shown().get_layers()) == 3", 250)
    time.sleep(1)
    window.screenshot("gimp-replaced-sky")
    code = """
    box = Gegl.Rectangle.new(0, 0, 640, 427)
    answer = sent(shown().get_layers()[0].get_buffer().get(box, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))
    """
    pixels = received(window.gimp.run(dedent(code)), 427).reshape(427, 640, 3).astype(int)
    assert (pixels[ABOVE][..., 0] - pixels[ABOVE][..., 2]).mean() > 30, "red as the evening, not blue as the night"
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 2")
