"""What is found and removed in one action in GIMP's window: dust, other people, small objects; undo."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.jobs import street

from .harness import Tree
from .window import Window

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]
LOOK = """
layer = shown().get_layers()[0]
found, x, y = layer.get_offsets()
buffer = layer.get_buffer()
def color(px, py):
    return list(buffer.get(Gegl.Rectangle.new(px - x, py - y, 1, 1), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
"""


@pytest.fixture
def places(window: Window, tree: Tree, photographs: dict[str, str]) -> Iterator[dict[str, tuple[int, int]]]:
    """The window shows a wall with a person and dust before it, beside the subject; where they are."""
    pixels, places = street(800)
    path = tree.home / "street.png"
    Image.fromarray(pixels).save(path)
    window.open(tree.inside(path))
    yield places
    window.open(photographs["coffee"])


@pytest.mark.parametrize(
    ("action", "what"), [("fill.dust", "dust"), ("fill.other_people", "other"), ("fill.objects", "other")]
)
def test_what_is_found_is_covered_by_one_layer(
    window: Window, places: dict[str, tuple[int, int]], action: str, what: str
) -> None:
    if action == "fill.dust":
        time.sleep(1)
        window.screenshot("gimp-remove-before")
    window.choose(action)
    window.fill_in(action, wait=250)
    window.finished("answer = len(shown().get_layers()) == 2", 250)
    time.sleep(1)
    window.screenshot(f"gimp-remove-{action[5:].replace('_', '-')}")
    for name, place in places.items():
        red, green, blue, alpha = window.gimp.run(f"{LOOK}\nanswer = color{place}")
        assert alpha == (255 if name == what else 0), name
        if name == what:  # neither dark as the dust nor orange as the suit
            assert min(red, green) > 170 if what == "dust" else red - blue < 60
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 1 and not shown().is_dirty()")
