"""Styles as a user applies them: from thumbnails, on the background alone, another layer as the style, watched."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image
from skimage import data

from plugin.client.actions import BY_NAME
from plugin.client.actions.style import STYLES
from tests.editors.display import exactly

from .harness import Tree, received
from .window import Window

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

SIDE = 512
FACE, WALL = np.s_[100:160, 190:250], np.s_[40:180, 320:360]
"""Rows and columns of the astronaut's photograph."""
ONE = "answer = len(shown().get_layers()) == {} and not shown().is_dirty()"


@pytest.fixture
def tissue(window: Window, astronaut: None, tree: Tree) -> None:
    """There is a hidden layer for a style above her; hers is active."""
    path = tree.home / "tissue.png"
    Image.fromarray(data.immunohistochemistry()).save(path)
    window.gimp.run(
        f"""
        image = shown()
        below = image.get_layers()[0]
        file = Gio.File.new_for_path({tree.inside(path)!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        layer.set_name("Tissue")
        image.insert_layer(layer, None, 0)
        layer.set_visible(False)
        image.set_selected_layers([below])
        image.clean_all()
        Gimp.displays_flush()
        """
    )


def done(window: Window, screenshot: str = "", layers: int = 2) -> np.ndarray:
    """Wait for the new layer above hers; its colors, 512 x 512 x 3. Hers are as they were."""
    window.finished(f"answer = len(shown().get_layers()) == {layers}")
    time.sleep(1)
    if screenshot:
        window.screenshot(screenshot)
    texts = window.gimp.run(
        """
        answer = []
        for layer in shown().get_layers()[-2:]:
            buffer = layer.get_buffer()
            answer.append(sent(buffer.get(buffer.get_extent(), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)))
        """
    )
    new, hers = (received(text, SIDE).reshape(SIDE, SIDE, 4) for text in texts)
    np.testing.assert_array_equal(hers[..., :3], data.astronaut())
    assert (new[..., 3] == 255).all()
    return new[..., :3]


def changed(pixels: np.ndarray) -> np.ndarray:
    """Where the astronaut is not as she was photographed."""
    found: np.ndarray = (pixels != data.astronaut()).any(2)
    return found


def undone_in_one_step(window: Window, layers: int = 1) -> None:
    window.display.keys("ctrl+z")
    window.until(ONE.format(layers))


def thumbnails(window: Window, name: str) -> np.ndarray:
    """What is on the screen where the dialog of an action is, H x W x 3."""
    dialog = window.display.find_window(exactly(BY_NAME[name].label), wait=200)
    time.sleep(1)
    place = dict(line.split("=") for line in window.display.xdotool("getwindowgeometry", "--shell", dialog).split())
    x, y, width, height = (int(place[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
    flat = np.frombuffer(window.display.pixels((x, y, x + width, y + height)), np.uint8)
    return flat.reshape(height, width, 3)


def test_a_painting_is_chosen_from_thumbnails_and_one_step_takes_it_back(window: Window, astronaut: None) -> None:
    window.choose("style.preset")
    shown = thumbnails(window, "style.preset").reshape(-1, 3)
    assert len(np.unique(shown, axis=0)) > 5000  # GTK's own drawing has some hundred colors
    place = [name for name, _ in STYLES].index("hat")
    window.fill_in("style.preset", "alt+t", "Home", *["Down"] * place, screenshot="gimp-style-dialog")
    result = done(window, "gimp-style")
    assert window.gimp.run("answer = shown().get_layers()[0].get_name()") == "Woman with a Hat"
    assert changed(result).mean() > 0.95
    undone_in_one_step(window)


def test_the_background_alone_is_painted(window: Window, astronaut: None) -> None:
    window.choose("style.background")
    window.fill_in("style.background", "alt+t", "Home", "Down", wait=200)  # The Starry Night
    result = changed(done(window, "gimp-style-background"))
    assert not result[FACE].any()
    assert result[WALL].mean() > 0.95
    undone_in_one_step(window)


def test_another_layer_is_the_style(window: Window, tissue: None) -> None:
    window.choose("style.layer")
    window.fill_in("style.layer")
    result, style = done(window, "gimp-style-layer", 3), data.immunohistochemistry()
    far, near = (np.linalg.norm(p.mean((0, 1)) - style.mean((0, 1))) for p in (data.astronaut(), result))
    assert near < 0.75 * far  # light and dark of the photograph are mostly kept
    undone_in_one_step(window, 2)


def test_painting_is_watched_and_stopped_and_comes_back(window: Window, tissue: None) -> None:
    window.choose("style.gatys")
    window.fill_in("style.gatys")
    watched = window.display.find_window(": so far$", wait=200)
    time.sleep(5)
    window.screenshot("gimp-style-steps")
    window.display.xdotool("windowactivate", "--sync", watched)
    window.display.keys("alt+c")
    window.finished("answer = len(shown().get_layers()) == 2")
    outcome = window.gimp.run(
        """
        below, style = shown().get_layers()[1], shown().get_layers()[0]
        answer = call("inlay-style-gatys", shown(), [below], style=style, start="kept", steps=1)
        """,
        wait=200,
    )
    assert outcome["status"] == "success", outcome
    assert changed(done(window, layers=3)).mean() > 0.95
