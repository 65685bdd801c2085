"""Entries that ask nothing, the repeat, and one action after another, as the user does them: menu, keys, no dialog."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from .window import Window

pytestmark = pytest.mark.gimp

AROUND_THE_ROCKET = [300, 110, 340, 110, 352, 240, 356, 352, 340, 392, 300, 392, 288, 352, 294, 200]
"""A lasso, x and y of each corner in turn."""
MIDDLE = (320, 230)  # on the rocket; night sky beside it
LAYERS = "answer = len(shown().get_layers()) == {}"
NAMES = "answer = [layer.get_name() for layer in shown().get_layers()]"
ACTIVE = "answer = [layer.get_name() for layer in shown().get_selected_layers()]"
SEEN = """
copy = shown().duplicate()
seen = Gimp.Layer.new_from_visible(copy, copy, "seen")
copy.insert_layer(seen, None, 0)
def color(x, y):
    return list(seen.get_buffer().get(Gegl.Rectangle.new(x, y, 1, 1), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
"""
PIXELS = """
layer = shown().get_layers()[0]
buffer = layer.get_buffer()
answer = sent(buffer.get(buffer.get_extent(), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
"""


@pytest.fixture
def rocket(window: Window, photographs: dict[str, str]) -> Iterator[None]:
    """The window shows a rocket in front of the sky."""
    window.open(photographs["rocket"])
    yield
    window.open(photographs["coffee"])


def select(window: Window, outline: list[int]) -> None:
    """A lasso."""
    window.gimp.run(f"shown().select_polygon(Gimp.ChannelOps.REPLACE, {outline})\nGimp.displays_flush()")


def test_the_subject_is_selected_without_a_dialog_with_the_settings_of_the_last_one(
    window: Window, astronaut: None
) -> None:
    look = "s = selection(shown())\nanswer = [s[y * 512 + x] for x, y in ((225, 120), (110, 100))]"
    soft = "s = selection(shown())\nanswer = sum(0 < value < 255 for value in s)"
    window.choose("select.subject")
    window.fill_in("select.subject", "alt+e", "End")  # the last of the edges is the hard one
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    hard = window.gimp.run(soft)
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())")
    window.choose("select.subject", at_once=True)
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    face, wall = window.gimp.run(look)
    assert face > 200 and wall < 50
    assert window.gimp.run(soft) == hard
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())")
    window.choose("select.subject")
    window.fill_in("select.subject", "alt+e", "Home")
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    assert window.gimp.run(soft) > 2 * hard
    window.display.keys("ctrl+z")


def test_one_removal_after_another_without_a_look_at_the_layers(window: Window, rocket: None) -> None:
    before = window.gimp.run(f"{SEEN}answer = color{MIDDLE}\ncopy.delete()")
    assert before[0] > 120
    select(window, AROUND_THE_ROCKET)
    window.choose("fill.selection", at_once=True)
    window.finished(LAYERS.format(2))
    assert window.gimp.run(ACTIVE) == window.gimp.run(NAMES)[:1]
    # a second selection, partly over what was filled just now: the rocket is not there for it
    select(window, [250, 150, 345, 150, 345, 300, 250, 300])
    window.display.keys("ctrl+f")
    window.finished(LAYERS.format(3))
    colors = window.gimp.run(
        f"{SEEN}answer = [color(x, y) for x in range(255, 340, 6) for y in range(155, 296, 6)]\ncopy.delete()"
    )
    assert all(red < 110 for red, _, _, _ in colors), "no ghost of the rocket"
    window.screenshot("gimp-two-fills")
    # the photograph itself active, the fills above it: the third goes above them
    window.gimp.run("shown().set_selected_layers(shown().get_layers()[2:])\nGimp.displays_flush()")
    select(window, [300, 300, 350, 300, 350, 360, 300, 360])
    window.display.keys("ctrl+f")
    window.finished(LAYERS.format(4))
    bottom = window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()].index('Background')")
    assert bottom == 3
    assert window.gimp.run("answer = shown().get_selected_layers() == shown().get_layers()[:1]")
    window.display.keys("ctrl+z")
    window.until(LAYERS.format(3))


def test_a_repeat_after_undo_is_another_fill(window: Window, rocket: None) -> None:
    select(window, AROUND_THE_ROCKET)
    window.choose("fill.selection", at_once=True)
    tries = []
    for number in range(3):
        window.finished(LAYERS.format(2))
        tries.append(window.gimp.run(PIXELS))
        window.display.keys("ctrl+z")
        window.until(LAYERS.format(1))
        window.display.keys(*["ctrl+f"] * (number < 2))
    assert len(set(tries)) == 3


def test_an_action_with_a_second_layer_is_repeated(window: Window, photographs: dict[str, str]) -> None:
    window.open(photographs["coffee"])
    window.gimp.run(
        f"""
        image = shown()
        below = image.get_layers()[0]
        file = Gio.File.new_for_path({photographs["chelsea"]!r})
        for name in ("First", "Second"):
            layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
            layer.set_name(name)
            image.insert_layer(layer, None, 0)
            layer.scale(100, 80, False)
            layer.set_visible(False)
        layer.set_offsets(300, 200)  # the first stays in the corner
        image.set_selected_layers([below])
        Gimp.displays_flush()
        """
    )
    window.choose("paste.clone")
    window.fill_in("paste.clone", "alt+a", "Down")  # in the list of layers: the second of them, First
    window.finished(LAYERS.format(4))
    place = "answer = [layer.get_offsets()[1:] for layer in shown().get_selected_layers()]"
    assert window.gimp.run(place) == [[0, 0]]
    window.gimp.run("shown().set_selected_layers(shown().get_layers()[3:])\nGimp.displays_flush()")
    window.display.keys("ctrl+f")
    window.finished(LAYERS.format(5))
    assert window.gimp.run(place) == [[0, 0]]
    window.open(photographs["coffee"])


def test_a_selection_elsewhere_is_no_reason_to_refuse(window: Window, photographs: dict[str, str]) -> None:
    window.open(photographs["coffee"])
    window.gimp.run(
        f"""
        image = shown()
        file = Gio.File.new_for_path({photographs["chelsea"]!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(layer, None, 0)
        layer.scale(300, 200, False)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 400, 300, 50, 50)
        Gimp.displays_flush()
        """
    )
    window.choose("select.subject", at_once=True)
    window.finished("answer = selection(shown())[100 * 600 + 150] > 200")  # the cat's
    window.gimp.run("shown().select_rectangle(Gimp.ChannelOps.REPLACE, 400, 300, 50, 50)\nGimp.displays_flush()")
    window.choose("cutout.subject", at_once=True)
    window.finished(LAYERS.format(3))
    window.open(photographs["coffee"])


def test_a_selection_is_not_replaced_by_nothing(window: Window, astronaut: None) -> None:
    window.gimp.run("shown().select_rectangle(Gimp.ChannelOps.REPLACE, 2, 2, 30, 30)\nGimp.displays_flush()")
    before = window.gimp.run("answer = sent(selection(shown()))")
    window.choose("select.subject")
    window.fill_in("select.subject", "alt+m", "End")  # the last of the modes: intersect, with a corner she is not in
    time.sleep(1)
    window.finished("answer = True")
    window.screenshot("gimp-nothing-left")
    assert window.gimp.run("answer = sent(selection(shown()))") == before
    settings = json.dumps({"mode": "replace"})  # the next test does not begin with this one's
    window.gimp.run(
        f"Gimp.attach_parasite(Gimp.Parasite.new('inlay-select-subject-settings', 0, {settings!r}.encode()))"
    )


def test_of_several_layers_the_one_to_go_on_with_is_active(window: Window, photographs: dict[str, str]) -> None:
    window.open(photographs["coffee"])
    window.gimp.run(
        f"""
        image = shown()
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(layer, None, 0)
        layer.scale(120, 120, False)
        layer.set_offsets(440, 250)
        Gimp.displays_flush()
        """
    )
    window.choose("paste.harmonize")
    window.fill_in("paste.harmonize", "alt+n", "5", "0", "Tab", "alt+e", "End")
    window.finished("answer = len(shown().get_layers()) > 3")
    names = window.gimp.run(NAMES)
    assert len(names) == 4 and "shadow" in names[1]
    assert window.gimp.run(ACTIVE) == names[:1]
    window.open(photographs["rocket"])
    select(window, AROUND_THE_ROCKET)
    window.choose("fill.selection")
    window.fill_in("fill.selection", "alt+v", "2", "Tab")
    window.finished(LAYERS.format(3))
    assert window.gimp.run("answer = shown().get_selected_layers() == shown().get_layers()[:1]")
    assert window.gimp.run("answer = [layer.get_visible() for layer in shown().get_layers()]") == [True, False, True]
    window.choose("fill.selection")
    window.fill_in("fill.selection", "alt+v", "1", "Tab")
    window.finished(LAYERS.format(4))
    window.open(photographs["coffee"])
