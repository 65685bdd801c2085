"""Filling in the real Krita: a lasso around something, Content-Aware Fill, undo, another try; the subject removed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging.arrays import UInt8Array
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import choose_with_keys, finish, open_photograph, press_ctrl_z, screenshot

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)
AROUND_THE_ROCKET = [(300, 110), (340, 110), (352, 240), (356, 352), (340, 392), (300, 392), (288, 352), (294, 200)]
MIDDLE = (320, 230)  # on the rocket; night sky beside it
ONE_ROCKET = np.s_[40:345, 215:428]  # the part of the photograph with nothing but the rocket and the sky
MIDDLE_OF_ONE = (105, 190)


def choose(krita: Krita, label: str) -> None:
    """Choose an entry of the menu Fill and press Return in its dialog."""
    choose_with_keys(krita, "Tools", "Inlay", "Fill", f"{label} with Options…")
    krita.until("dialog() is not None", wait=60)
    krita.display.keys("Return")
    finish(krita)


def pixel(krita: Krita, layer: str, place: tuple[int, int]) -> list[int]:
    """Blue, green, red, alpha."""
    found: list[int] = krita.get("list(bytes(node(layer).pixelData(*place, 1, 1)))", layer=layer, place=list(place))
    return found


def test_a_lasso_is_filled_undone_and_filled_in_another_way(krita: Krita, tmp_path: Path) -> None:
    rocket = data.rocket()
    open_photograph(krita, tmp_path, "rocket", rocket)
    (photograph,) = krita.get("names()")
    lasso: UInt8Array = np.zeros(rocket.shape[:2], np.uint8)
    cv2.fillPoly(lasso, [np.array(AROUND_THE_ROCKET, np.int32)], 255)
    krita.run("select_mask(bytes.fromhex(lasso))", lasso=lasso.tobytes().hex())
    before = krita.get("snapshot()")
    screenshot(krita, "fill-before")
    tries = []
    for _ in range(2):
        choose(krita, "Content-Aware Fill")
        assert krita.get("names()").count("Fill") == 1
        if not tries:
            screenshot(krita, "fill-after")
        blue, _green, red, alpha = pixel(krita, "Fill", MIDDLE)
        assert alpha == 255 and red < 80 and blue > red
        assert pixel(krita, photograph, MIDDLE)[2] > 120
        box = krita.get("[node('Fill').bounds().x(), node('Fill').bounds().width()]")
        assert box[0] > 270 and box[1] < 100  # only the hole's region
        tries.append(krita.get("digest(bytes(node('Fill').pixelData(284, 100, 80, 300)))"))
        press_ctrl_z(krita)
        krita.until("snapshot() == before", before=before)
    assert tries[0] != tries[1]  # the seed went on by itself


def test_the_subject_is_removed_and_comes_back(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "sky", np.ascontiguousarray(data.rocket()[ONE_ROCKET]))
    (photograph,) = krita.get("names()")
    before = krita.get("snapshot()")
    screenshot(krita, "remove-subject-before")
    choose(krita, "Remove Subject")
    screenshot(krita, "remove-subject-after")
    blue, _green, red, alpha = pixel(krita, "Fill", MIDDLE_OF_ONE)
    assert alpha == 255 and red < 80 and blue > red
    assert pixel(krita, photograph, MIDDLE_OF_ONE)[2] > 120
    press_ctrl_z(krita)
    krita.until("snapshot() == before", before=before)
