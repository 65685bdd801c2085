"""Composing as a user does it: a subject copied from one image to another and blended; a portrait in a painting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from textwrap import dedent

import numpy as np
import pytest

from tests.editors.display import painting

from .harness import Tree, received
from .window import Window

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

ON_CANVAS = """
def on_canvas(layer):
    "A layer's samples where the canvas is, as text."
    _, x, y = layer.get_offsets()
    image = layer.get_image()
    box = Gegl.Rectangle.new(-x, -y, image.get_width(), image.get_height())
    return sent(layer.get_buffer().get(box, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
"""
COFFEE = "coffee = shown()\n"


@pytest.fixture
def second_image(window: Window, photographs: dict[str, str]) -> Iterator[int]:
    """The window shows the astronaut, small, whose id this is; the coffee is in the tab on the left."""
    window.open(photographs["coffee"])
    second, display = window.gimp.run(
        f"""
        other = open_image({photographs["astronaut"]!r})
        other.scale(330, 330)
        other.clean_all()
        answer = [other.get_id(), Gimp.Display.new(other).get_id()]
        """
    )
    window.until("answer = len(Gimp.get_images()) == 2")
    window.in_front("330x330")
    time.sleep(1)
    yield second
    window.gimp.run(f"Gimp.Display.get_by_id({display}).delete()")
    window.until("answer = len(Gimp.get_images()) == 1")
    window.open(photographs["coffee"])


def test_a_subject_is_copied_from_one_image_to_another_and_blended(window: Window, second_image: int) -> None:
    person = f"other = Gimp.Image.get_by_id({second_image})\n"
    window.choose("select.subject")
    window.fill_in("select.subject")
    window.finished(f"{person}answer = not Gimp.Selection.is_empty(other)", 250)
    window.in_front("330x330")
    window.display.keys("ctrl+c", "alt+1")
    window.in_front("600x400")
    window.display.keys("ctrl+v")
    window.until(f"{COFFEE}answer = len(coffee.get_layers()) == 2 and coffee.get_floating_sel() is None")
    time.sleep(1)  # what GIMP does with what was pasted is done then
    place = f"{COFFEE}pasted = coffee.get_layers()[0]\nwanted = [20, 400 - pasted.get_height()]\n"
    pasted = window.gimp.run(f"{place}pasted.set_offsets(*wanted)\nGimp.displays_flush()\nanswer = pasted.get_name()")
    window.until(f"{place}answer = list(pasted.get_offsets()[1:]) == wanted")
    window.screenshot("gimp-copied-subject-before")
    window.choose("paste.harmonize")
    window.fill_in("paste.harmonize", "alt+e", "End")  # the last of the edges is an object's
    window.finished(f"{COFFEE}answer = coffee.get_layers()[0].get_name().endswith(', harmonized')", 250)
    time.sleep(1)
    window.screenshot("gimp-copied-subject")
    harmonized = "[layer for layer in coffee.get_layers() if layer.get_name() in (pasted, pasted + ', harmonized')]"
    texts = window.gimp.run(f"{ON_CANVAS}{COFFEE}pasted = {pasted!r}\nanswer = [on_canvas(x) for x in {harmonized}]")
    after, before = (received(text, 400).reshape(400, 600, 4).astype(int) for text in texts)
    assert np.abs(after - before)[..., 3].max() <= 1  # the object's own soft edge
    inside = before[..., 3] > 250
    assert inside.sum() > 20000
    assert 3 < np.abs(after - before)[inside].mean() < 60  # its light has changed, not what it shows
    assert np.corrcoef(before[inside].ravel(), after[inside].ravel())[0, 1] > 0.9
    window.display.keys("ctrl+z")
    window.until(f"{COFFEE}answer = len(coffee.get_layers()) == 2")


def test_a_person_is_painted_into_a_painting(window: Window, tree: Tree, photographs: dict[str, str]) -> None:
    path = tree.home / "painting.png"
    painting().save(path)
    window.open(tree.inside(path))
    code = dedent(
        f"""
        image = shown()
        below = image.get_layers()[0]
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        person = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        person.set_name("Astronaut")
        image.insert_layer(person, None, 0)
        person.set_visible(False)
        answer = []
        for style in ("colors", "painting"):
            options = {{"style": style, "place": "given", "x": 18.0, "size": 75.0}}
            outcome = call("inlay-paste-portrait", image, [below], source=person, **options)
            assert outcome["status"] == "success", outcome
            new = next(layer for layer in image.get_layers() if layer.get_name().endswith(", composited"))
            answer.append(on_canvas(new))
            if style == "colors":
                image.remove_layer(new)
        Gimp.displays_flush()
        answer.insert(0, [layer.get_name() for layer in image.get_layers()])
        """
    )
    names, *people = window.gimp.run(ON_CANVAS + code, wait=250)
    time.sleep(1)
    window.screenshot("gimp-portrait-in-painting")
    assert sorted(names) == ["Astronaut", "Astronaut, composited", "Background"]
    colors, painted = (received(text, 400).reshape(400, 600, 4).astype(int) for text in people)
    inside = colors[..., 3] == 255
    assert inside.sum() > 20000
    assert np.flatnonzero(inside.any(1)).max() == 399  # she is cut off below in her photograph, too
    assert np.abs(colors - painted)[..., 3].max() <= 1  # the same person at the same place
    assert np.abs(colors - painted)[inside].mean() > 5
    window.open(photographs["coffee"])
