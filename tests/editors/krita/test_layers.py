"""Which layer an action works on in the real Krita: groups, masks, vector layers, fills that lie on a photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.imaging.arrays import UInt8Array
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import choose_with_mouse, finish, open_photograph, press_shortcut, selected

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)

KEYS = ["imageWidthDef", "imageHeightDef", "colorModelDef", "colorDepthDef"]
PROPOSED = "[K.readSetting('', key, '') for key in keys]"
MADE = {
    "grouplayer": "front().createGroupLayer('made')",
    "vectorlayer": "front().createVectorLayer('made')",
    "clonelayer": "front().createCloneLayer('made', node('painted'))",
    "filllayer": "front().createFillLayer('made', 'color', InfoObject(), everything())",
    "filterlayer": "front().createFilterLayer('made', Krita.instance().filter('invert'), Selection())",
}
"""Layers without pixels of their own, and how each is made."""


def halves(height: int = 40, width: int = 64) -> UInt8Array:
    """An image of two colors, left and right."""
    image = np.full((height, width, 3), (200, 60, 40), np.uint8)
    image[:, width // 2 :] = (30, 60, 180)
    return image


def select_by_color(krita: Krita) -> None:
    """Segment by Color, chosen with the mouse, as its dialog proposes."""
    choose_with_mouse(krita, "Tools", "Inlay", "Select", "Segment by Color (K-Means)…")
    krita.until("dialog() is not None", wait=10)
    krita.run("dialog().set_values({'clusters': 2})")
    krita.display.keys("Return")
    finish(krita)


def test_selecting_leaves_the_proposal_of_file_new_as_it_is(krita: Krita, tmp_path: Path) -> None:
    krita.run("open_document(30, 20, 'RGBA', 'U16')")
    open_photograph(krita, tmp_path, "halves", halves())
    before = krita.get(PROPOSED, keys=KEYS)
    select_by_color(krita)
    assert 0 < (selected(krita, 40, 64) > 127).mean() < 1
    assert krita.get(PROPOSED, keys=KEYS) == before == ["30", "20", "RGBA", "U16"]


@pytest.mark.parametrize("kind", MADE)
def test_layers_without_pixels_of_their_own_are_worked_on(krita: Krita, tmp_path: Path, kind: str) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    krita.run(
        f"""
        front().rootNode().childNodes()[0].setName("painted")
        layer = {MADE[kind]}
        front().rootNode().addChildNode(layer, front().rootNode().childNodes()[-1])
        """,
        path=str(tmp_path / "halves.png"),
    )
    if kind == "grouplayer":
        krita.run("add_layer('inner', [0, 0, 30, 40], 1, node('made'))")
    if kind == "vectorlayer":
        krita.run("""
            svg = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="40" viewBox="0 0 64 40">'
            svg += '<rect x="4" y="4" width="20" height="30" fill="#ff0000"/>'
            node("made").addShapesFromSvg(svg + '<rect x="24" y="4" width="20" height="30"/></svg>')
        """)
    krita.run("front().refreshProjection(); front().waitForDone(); front().setActiveNode(node('made'))")
    krita.until("front().activeNode().type() == kind", kind=kind)
    before = krita.get("layer_names()")
    select_by_color(krita)
    assert (selected(krita, 40, 64) > 127).any()
    assert krita.get("layer_names()") == before


def test_an_active_mask_means_its_layer(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    krita.run("K.action('add_new_transparency_mask').trigger()")
    krita.until("front().activeNode().type() == 'transparencymask'")
    select_by_color(krita)
    assert 0 < (selected(krita, 40, 64) > 127).mean() < 1


def test_harmonizing_keeps_to_the_transparency_mask(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "halves", halves(60, 80))
    krita.run("add_layer('pasted', [10, 10, 40, 30]); front().setActiveNode(node('pasted'))")
    krita.until("front().activeNode().name() == 'pasted'")
    krita.run("select([10, 10, 20, 30]); K.action('add_new_transparency_mask').trigger()")
    krita.until("front().activeNode().type() == 'transparencymask'")
    krita.run("K.action('deselect').trigger()")
    krita.until("front().selection() is None")
    choose_with_mouse(krita, "Tools", "Inlay", "Paste", "Harmonize Layer with Options…")
    krita.until("dialog() is not None", wait=10)
    krita.run("dialog().set_values({**dialog().values(), 'method': 'poisson', 'edge': 'object'})")
    krita.display.keys("Return")
    finish(krita)
    box = krita.run("new = front().activeNode().bounds(); answer = [new.x(), new.y(), new.width(), new.height()]")
    assert box == [10, 10, 20, 30]


def texture(height: int = 150, width: int = 220) -> UInt8Array:
    """Grass, as it were: green, with grain."""
    grain = np.random.default_rng(3).normal(0, 12, (height, width, 1))
    return np.clip(np.array([70, 130, 60]) + grain, 0, 255).astype(np.uint8)


def test_one_removal_after_another_leaves_no_ghost_of_the_first(krita: Krita, tmp_path: Path) -> None:
    image = texture()
    image[60:90, 50:80] = (220, 30, 30)
    open_photograph(krita, tmp_path, "meadow", image)
    for count, box in ((1, [46, 56, 38, 38]), (2, [66, 50, 50, 50])):  # the second half over the first
        krita.run("select(box)", box=box)
        press_shortcut(krita, "ctrl+alt+shift+f")
        krita.until("names().count('Fill') == count", wait=120, count=count)
        finish(krita)
        krita.until("front().activeNode().name() == 'Fill'")
    flat = krita.get("bytes(front().pixelData(0, 0, 220, 150)).hex()")
    seen = np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(150, 220, 4)[..., 2::-1].astype(int)
    assert (seen[..., 1] > seen[..., 0]).all()  # nothing red is left
    second = krita.run("""
        box = front().activeNode().bounds()
        answer = bytes(front().activeNode().pixelData(box.x(), box.y(), box.width(), box.height())).hex()
    """)
    filled = np.frombuffer(bytes.fromhex(second), np.uint8).reshape(-1, 4).astype(int)
    assert (filled[:, 1] >= filled[:, 2])[filled[:, 3] > 0].all()  # nor is any hidden in the second fill
    press_shortcut(krita, "ctrl+z")
    krita.until("names().count('Fill') == 1")
