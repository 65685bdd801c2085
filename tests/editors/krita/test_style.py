"""Styles in the real Krita: chosen from thumbnails, on the background alone, another layer as the style."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from plugin.client.actions.style import STYLES
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import add_hidden, choose_with_keys, finish, open_photograph, press_ctrl_z, screenshot

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]
FACE, WALL = np.s_[100:160, 190:250], np.s_[40:180, 320:360]
"""Rows and columns of the astronaut's photograph."""
LISTED = """
listed = dialog().findChild(QtWidgets.QListWidget)
def painted(icon):
    image = icon.pixmap(72, 72).toImage()
    return {image.pixel(x, y) for x in range(4, 68, 4) for y in range(4, 68, 4)}
icons = [painted(listed.item(row).icon()) for row in range(listed.count())]
answer = {
    "labels": [listed.item(row).text().split("\\n")[0] for row in range(listed.count())],
    "colors": [len(icon) for icon in icons],
    "different": len({frozenset(icon) for icon in icons}),
    "current": listed.currentRow(),
}
"""


@pytest.fixture
def astronaut(krita: Krita, tmp_path: Path) -> list[Any]:
    """The astronaut in front; what the image looks like."""
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    snapshot = krita.get("snapshot()")
    assert isinstance(snapshot, list)
    return snapshot


def choose(krita: Krita, label: str) -> None:
    """Choose an entry of the menu Style."""
    choose_with_keys(krita, "Tools", "Inlay", "Style", f"{label}…")
    krita.until("dialog() is not None", wait=60)


def new_layer(krita: Krita, before: list[Any]) -> np.ndarray:
    """Colors of the one layer that was added, right above the active one; the others are as they were before.

    512 x 512 x 3, RGB.
    """
    krita.until("len(names()) == count", count=len(before[0]) + 1)
    nodes, selection = krita.get("snapshot()")
    assert [[nodes[0], *nodes[2:]], selection] == before
    flat = krita.get("bytes(node(names()[1]).pixelData(0, 0, 512, 512)).hex()")
    pixels = np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(512, 512, 4)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., 2::-1]


def changed(pixels: np.ndarray) -> np.ndarray:
    """Where the astronaut is not as she was photographed."""
    found: np.ndarray = (pixels != data.astronaut()).any(2)
    return found


def undone_in_one_step(krita: Krita, before: list[Any]) -> None:
    press_ctrl_z(krita)
    krita.until("snapshot() == before", before=before)


def test_a_painting_is_chosen_from_thumbnails_and_one_step_takes_it_back(krita: Krita, astronaut: list[Any]) -> None:
    choose(krita, "Stylize")
    krita.until("ok_button().isEnabled()", wait=250)
    krita.run("dialog().set_values({'style': 'wave'})")
    listed = krita.run(LISTED)
    assert listed["labels"] == [label for _, label in STYLES]
    assert listed["different"] == len(STYLES)
    assert min(listed["colors"]) > 50
    krita.display.keys(*["Down"] * 9)
    krita.until("dialog().values()['style'] == 'hat'", wait=10)
    screenshot(krita, "style-dialog")
    krita.display.keys("Return")
    finish(krita)
    result = new_layer(krita, astronaut)
    assert krita.get("names()[1]") == "Woman with a Hat"
    screenshot(krita, "style")
    assert changed(result).mean() > 0.95
    luma = [image.astype(float).mean(2) for image in (result, data.astronaut())]
    assert np.corrcoef(luma[0].ravel(), luma[1].ravel())[0, 1] > 0.6  # she is still to be seen
    undone_in_one_step(krita, astronaut)


def test_the_background_alone_is_painted(krita: Krita, astronaut: list[Any]) -> None:
    choose(krita, "Stylize Background")
    krita.until("ok_button().isEnabled()", wait=250)
    krita.run("dialog().set_values({'style': 'starry'})")
    krita.display.keys("Return")
    finish(krita)
    result = changed(new_layer(krita, astronaut))
    screenshot(krita, "style-background")
    assert not result[FACE].any()
    assert result[WALL].mean() > 0.95
    undone_in_one_step(krita, astronaut)


@pytest.fixture
def with_style(krita: Krita, astronaut: list[Any], tmp_path: Path) -> list[Any]:
    """A hidden layer above hers, for a style; hers is active. What the image looks like then."""
    Image.fromarray(data.immunohistochemistry()).save(tmp_path / "style.png")
    add_hidden(krita, tmp_path / "style.png", "Tissue")
    snapshot = krita.get("snapshot()")
    assert isinstance(snapshot, list)
    return snapshot


def color_distance(painted: np.ndarray, style: np.ndarray) -> float:
    """Between the means of two images, in steps of 8 bits."""
    return float(np.linalg.norm(painted.mean((0, 1)) - style.mean((0, 1))))


def test_another_layer_is_the_style(krita: Krita, with_style: list[Any]) -> None:
    choose(krita, "Stylize from Layer")
    krita.display.keys("Return")
    finish(krita)
    result = new_layer(krita, with_style)
    screenshot(krita, "style-layer")
    style, photograph = data.immunohistochemistry(), data.astronaut()
    assert changed(result).mean() > 0.95
    assert color_distance(result, style) < 0.75 * color_distance(photograph, style)  # its tones are kept
    undone_in_one_step(krita, with_style)


WATCH = """
previews, label = [], docker_child("inlay-preview")
def look():
    shown = label.pixmap()
    if runner().job is not None and shown is not None and not shown.isNull() and label.isVisible():
        image = shown.toImage()
        data = image.bits()
        data.setsize(image.sizeInBytes())
        previews.append(digest(bytes(data)))
extension().previews, extension().look = previews, look
runner().changed.connect(look)  # after the docker, which shows the preview then
"""
UNWATCH = """
runner().changed.disconnect(extension().look)
answer = sorted(set(extension().previews))
del extension().previews, extension().look
"""


def paint(krita: Krita, **settings: object) -> None:
    """Begin Stylize from Layer (Iterative)."""
    krita.run(
        """
        style = node("Tissue").uniqueId().toString()
        extension().run(actions.BY_NAME["style.gatys"], {"size": 256, **settings}, {"style": style})
        """,
        settings=settings,
    )


def test_painting_is_seen_step_by_step(krita: Krita, with_style: list[Any]) -> None:
    krita.run(WATCH)
    paint(krita, steps=30)
    finish(krita)
    assert len(krita.run(UNWATCH)) > 5
    assert changed(new_layer(krita, with_style)).mean() > 0.95
    undone_in_one_step(krita, with_style)


def test_what_was_painted_when_it_was_cancelled_comes_back(krita: Krita, with_style: list[Any]) -> None:
    paint(krita, steps=3000)
    krita.until("runner().fraction > 0.06 and runner().preview is not None", wait=120)
    screenshot(krita, "style-steps")
    krita.run("docker().findChild(QtWidgets.QPushButton, 'inlay-cancel').click()")
    assert krita.get("runner().job is None and snapshot() == before", before=with_style)
    paint(krita, steps=1, start="kept")
    finish(krita)
    assert changed(new_layer(krita, with_style)).mean() > 0.95
