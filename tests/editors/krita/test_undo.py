"""One action is one step of Edit > Undo, and Redo brings all of it back; the right layer is active afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.imaging.arrays import UInt8Array
from tests.editors.krita.harness import Krita
from tests.editors.krita.test_layers import halves, select_by_color, texture
from tests.editors.krita.user import choose_with_mouse, finish, open_photograph, press_shortcut, selected

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


def undone_and_redone(krita: Krita, before: object) -> None:
    """One Ctrl+Z leads back to `before`, one Ctrl+Shift+Z to what is now."""
    after = krita.get("snapshot()")
    assert after != before
    press_shortcut(krita, "ctrl+z")
    krita.until("snapshot() == before", before=before)
    press_shortcut(krita, "ctrl+shift+z")
    krita.until("snapshot() == after", after=after)
    press_shortcut(krita, "ctrl+z")
    krita.until("snapshot() == before", before=before)


def test_variants_are_one_step_and_the_one_that_is_seen_is_active(krita: Krita, tmp_path: Path) -> None:
    image = texture()
    image[60:90, 50:80] = (220, 30, 30)
    open_photograph(krita, tmp_path, "meadow", image)
    krita.run("select([46, 56, 38, 38])")
    before = krita.get("snapshot()")
    choose_with_mouse(krita, "Tools", "Inlay", "Fill", "Content-Aware Fill with Options…")
    krita.until("dialog() is not None", wait=10)
    krita.run("dialog().set_values({**dialog().values(), 'variants': 3, 'method': 'patches'})")
    krita.display.keys("Return")
    finish(krita)
    krita.until("front().activeNode().name() == 'Fill 1 of 3'")
    assert krita.get("[name for name in layer_names() if node(name).visible()][1:]") == [
        "Fill, 3 variants", "Fill 1 of 3",
    ]  # fmt: skip
    assert krita.get("layer_names()")[2:] == ["Fill 3 of 3", "Fill 2 of 3", "Fill 1 of 3"]
    undone_and_redone(krita, before)


def test_an_object_with_its_shadow_is_one_step_and_the_object_is_active(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "meadow", texture())
    ball = Image.new("RGBA", (60, 60))
    ImageDraw.Draw(ball).ellipse([5, 5, 55, 55], fill=(200, 180, 40, 255))
    ball.save(tmp_path / "ball.png")
    krita.run("import_layer(path, 'Ball', 60, 40)", path=str(tmp_path / "ball.png"))
    krita.until("front().activeNode().name() == 'Ball'")
    before = krita.get("snapshot()")
    choose_with_mouse(krita, "Tools", "Inlay", "Paste", "Harmonize Layer with Options…")
    krita.until("dialog() is not None", wait=10)
    krita.run("dialog().set_values({**dialog().values(), 'method': 'poisson', 'edge': 'object', 'shadow': 50.0})")
    krita.display.keys("Return")
    finish(krita)
    krita.until("len(layer_names()) == 5")
    assert krita.get("names()[2:]") == ["Ball, harmonized with shadow", "Ball, contact shadow", "Ball, harmonized"]
    krita.until("front().activeNode().name() == names()[4] and front().activeNode().type() == 'paintlayer'")
    undone_and_redone(krita, before)


def test_what_was_placed_by_hand_is_harmonized_and_hidden_and_one_step_brings_it_back(
    krita: Krita, tmp_path: Path
) -> None:
    open_photograph(krita, tmp_path, "meadow", texture())
    ball = Image.new("RGBA", (60, 60))
    ImageDraw.Draw(ball).ellipse([5, 5, 55, 55], fill=(200, 180, 40, 255))
    ball.save(tmp_path / "ball.png")
    krita.run("import_layer(path, 'Ball', 60, 40)", path=str(tmp_path / "ball.png"))
    krita.until("front().activeNode().name() == 'Ball'")
    before = krita.get("snapshot()")
    choose_with_mouse(krita, "Tools", "Inlay", "Paste", "Apply Harmonization")
    krita.until("'Ball, harmonized' in names()", wait=120)
    finish(krita)
    krita.until("front().activeNode().name() == 'Ball, harmonized'")
    assert krita.get("[node('Ball').visible(), node('Ball, harmonized').visible()]") == [False, True]
    undone_and_redone(krita, before)


@pytest.mark.parametrize("first", ["nothing", "a rectangle"])
def test_a_selection_is_undone_and_redone(krita: Krita, tmp_path: Path, first: str) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    if first == "a rectangle":
        krita.run("select([3, 4, 40, 20])")
    before = selected(krita, 40, 64)
    select_by_color(krita)
    after = selected(krita, 40, 64)
    assert (after != before).any()
    for keys, wanted in (("ctrl+z", before), ("ctrl+shift+z", after), ("ctrl+z", before), ("ctrl+shift+z", after)):
        press_shortcut(krita, keys)
        krita.until("selected() == bytes.fromhex(wanted) or not selected() and not any(bytes.fromhex(wanted))",
                    wanted=np.ascontiguousarray(wanted).tobytes().hex())  # fmt: skip


def test_redo_leaves_a_selection_that_the_user_took_away(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    select_by_color(krita)
    chosen: UInt8Array = selected(krita, 40, 64)
    press_shortcut(krita, "ctrl+shift+a")
    krita.until("not selected()")
    press_shortcut(krita, "ctrl+z")
    krita.until("selected() == bytes.fromhex(chosen)", chosen=chosen.tobytes().hex())
    press_shortcut(krita, "ctrl+shift+z")
    krita.until("not selected()")
