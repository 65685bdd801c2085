"""The network's actions on photographs in the real Krita: what is selected or cut out, and how undo takes it back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging.arrays import UInt8Array
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import (
    ants_march,
    ask_and_accept,
    choose_with_keys,
    finish,
    open_photograph,
    press_ctrl_z,
    screenshot,
    selected,
)

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]
FACE, ARM, WALL = np.s_[80:200, 190:260], np.s_[300:420, 60:200], np.s_[20:140, 310:360]
"""Where things are in the photograph of the astronaut."""


def undo(krita: Krita) -> None:
    krita.run("K.action('edit_undo').trigger()")


def show_astronaut(found: UInt8Array) -> None:
    """Assert that a mask shows the astronaut and nothing of the wall behind her."""
    inside = found > 127
    assert inside[FACE].mean() > 0.9
    assert inside[ARM].mean() > 0.8
    assert inside[WALL].mean() < 0.2


def pixels(krita: Krita, layer: str) -> UInt8Array:
    """An 8-bit layer's pixels, 512 x 512 x 4, blue first."""
    flat = krita.get("bytes(node(layer).pixelData(0, 0, 512, 512)).hex()", layer=layer)
    return np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(512, 512, 4)


def test_a_subject_is_selected_with_the_keyboard_alone(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    choose_with_keys(krita, "Tools", "Inlay", "Select", "Select Subject")
    krita.until("runner().job is not None or bool(selected())", wait=60)
    finish(krita)
    assert ants_march(krita)
    screenshot(krita, "select-subject")
    show_astronaut(selected(krita, 512, 512))
    press_ctrl_z(krita)
    krita.until("not selected()")
    assert not ants_march(krita, wait=1.5)


def test_a_subject_joins_the_current_selection(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    ask_and_accept(krita, "select.subject", {"mode": "replace"})
    subject = selected(krita, 512, 512)
    krita.run("select([0, 0, 230, 512])")  # the left half of her face
    before = selected(krita, 512, 512)
    left, rest = before == 255, before == 0
    for combine, in_left, in_rest in (
        ("replace", subject, subject), ("add", before, subject),
        ("subtract", 255 - subject, 0 * subject), ("intersect", subject, 0 * subject),
    ):  # fmt: skip
        ask_and_accept(krita, "select.subject", {"mode": combine})
        found = selected(krita, 512, 512)
        assert np.abs(found[left].astype(int) - in_left[left]).max() <= 1, combine
        assert np.abs(found[rest].astype(int) - in_rest[rest]).max() <= 1, combine
        undo(krita)
        krita.until("digest(selected()) == digest(bytes.fromhex(before))", before=before.tobytes().hex())


def test_a_rough_selection_is_refined_to_the_hair(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    ask_and_accept(krita, "select.subject", {"mode": "replace"})
    subject = selected(krita, 512, 512)
    rough = cv2.dilate((subject > 127).astype(np.uint8), np.ones((11, 11), np.uint8)) * 255
    krita.run("select_mask(bytes.fromhex(rough))", rough=rough.tobytes().hex())
    ask_and_accept(krita, "select.refine", {"width": 20.0, "edge": "soft"})
    found = selected(krita, 512, 512)
    screenshot(krita, "refine")
    around_her_hair = np.zeros_like(subject, bool)
    around_her_hair[0:120, 120:330] = True
    wall = around_her_hair & (rough == 255) & (subject < 5)
    assert wall.sum() > 300
    assert found[wall].mean() < 0.3 * 255
    assert found[FACE].mean() > 0.95 * 255
    assert ((found > 10) & (found < 245))[around_her_hair].any()  # soft
    undo(krita)
    krita.until("digest(selected()) == digest(bytes.fromhex(rough))", rough=rough.tobytes().hex())


def test_the_background_is_removed_on_a_new_layer(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    before = krita.get("snapshot()")
    ask_and_accept(krita, "cutout.background", {"as": "layer"})
    assert krita.get("names()")[1:] == ["Without background"]
    cut, photograph = pixels(krita, "Without background"), data.astronaut()[..., ::-1]
    show_astronaut(cut[..., 3])
    opaque = cut[..., 3] == 255
    assert (cut[opaque][:, :3] == photograph[opaque]).all()  # nothing moves, nothing changes
    krita.run("node(names()[0]).setVisible(False); front().refreshProjection(); front().waitForDone()")
    screenshot(krita, "remove-background")
    krita.run("node(names()[0]).setVisible(True)")
    undo(krita)
    krita.until("snapshot() == before", before=before)


@pytest.mark.parametrize("with_selection", [False, True])
def test_the_background_is_removed_with_a_transparency_mask(krita: Krita, tmp_path: Path, with_selection: bool) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    if with_selection:
        krita.run("select([60, 20, 300, 400])")
    before = krita.get("snapshot()")
    ask_and_accept(krita, "cutout.background", {"as": "mask"})
    mask = krita.run("""
        found = node(names()[1])
        answer = [found.type(), found.parentNode() == node(names()[0]), bytes(found.pixelData(0, 0, 512, 512)).hex()]
    """)
    assert mask[:2] == ["transparencymask", True]
    opacity = np.frombuffer(bytes.fromhex(mask[2]), np.uint8).reshape(512, 512)
    if with_selection:
        assert opacity[100, 300] == 255 and opacity[10, 10] == 0 and opacity[500, 500] == 0
    else:
        show_astronaut(opacity)
    undo(krita)
    krita.until("snapshot() == before", before=before)


@pytest.mark.parametrize("depth", ["U8", "U16", "F16", "F32"])
def test_a_subject_is_cut_out_of_a_layer_with_an_offset(krita: Krita, tmp_path: Path, depth: str) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut()[:400:2, ::2])  # 256 x 200
    krita.run("front().setColorSpace('RGBA', depth, front().colorProfile())", depth=depth)
    krita.run("front().waitForDone(); front().activeNode().move(-30, 17); front().waitForDone()")
    photograph = krita.get("names()")
    before = krita.get("snapshot()")
    ask_and_accept(krita, "cutout.subject", {})
    assert krita.get("names()") == [*photograph, "Subject"]
    found = krita.run("""
        cut, layer = node("Subject"), node(names()[0])
        face, wall = (-30 + 95, 17 + 40, 30, 60), (-30 + 155, 17 + 10, 25, 60)
        bounds = cut.bounds()
        size = len(bytes(layer.pixelData(0, 0, 1, 1)))
        data = bytes(cut.pixelData(*wall))
        answer = {
            "depth": cut.colorDepth(), "profile": cut.colorProfile() == layer.colorProfile(),
            "face": cut.pixelData(*face) == layer.pixelData(*face),
            "clear": sum(not any(data[i - size // 4 : i]) for i in range(size, len(data) + 1, size)) / (25 * 60),
            "inside": [bounds.x() >= -30, bounds.y() >= 17, bounds.right() < 226, bounds.bottom() < 217],
        }
    """)
    assert found["depth"] == depth and found["profile"]
    assert found["face"]
    assert found["clear"] > 0.5
    assert all(found["inside"])
    undo(krita)
    krita.until("snapshot() == before", before=before)


def test_background_and_subject_are_each_others_complement(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    ask_and_accept(krita, "select.subject", {"mode": "replace"})
    subject = selected(krita, 512, 512).astype(int)
    krita.run("select([500, 0, 12, 12])")  # a selection that the action does not ask for changes nothing
    ask_and_accept(krita, "select.background", {"mode": "replace"})
    assert np.abs(subject + selected(krita, 512, 512) - 255).max() <= 1
