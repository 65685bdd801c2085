"""A look before committing: the preview beside the settings follows them, and OK puts into the image what it showed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from plugin.client.actions import BY_NAME
from tests.editors.backend import Backend
from tests.editors.display import exactly

from .window import Window

pytestmark = pytest.mark.gimp

PREVIEW = np.s_[40:300, 10:330]
"""Rows and columns of the preview in a dialog, with some room."""
SOFT = "s = selection(shown())\nanswer = sum(0 < value < 255 for value in s)"
LASSO = [300, 110, 340, 110, 352, 240, 356, 352, 340, 392, 300, 392, 288, 352, 294, 200]


def dialog_pixels(window: Window, name: str) -> NDArray[np.uint8]:
    """What is on the screen where the dialog of an action is, H x W x 3."""
    dialog = window.display.find_window(exactly(BY_NAME[name].label), wait=60)
    left, top, width, height = window.display.windows()[dialog]
    flat = np.frombuffer(window.display.pixels((left, top, left + width, top + height)), np.uint8)
    return flat.reshape(height, width, 3)


def shown(window: Window, name: str, right: Callable[[NDArray[np.int_]], bool]) -> NDArray[np.int_]:
    """The preview, once it is as it should be and does not change any more."""
    end = time.monotonic() + 90
    before = None
    while time.monotonic() < end:
        found = dialog_pixels(window, name)[PREVIEW].astype(int)
        if before is not None and np.array_equal(found, before) and right(found):
            return found
        before = found
        time.sleep(0.7)
    raise TimeoutError(f"no such preview, see {window.screenshot('gimp-no-preview')}")


def colorful(preview: NDArray[np.int_]) -> bool:
    """An image, where there is but the dialog's gray at first."""
    return len(np.unique(preview.reshape(-1, 3), axis=0)) > 2000


def red(preview: NDArray[np.int_]) -> float:
    """How much of it is covered in red: what is not selected."""
    return float((preview[..., 0] > preview[..., 1:].max(2) + 40).mean())


def test_growing_and_feathering_show_in_the_preview_and_come_as_they_were_shown(
    window: Window, host: Backend, astronaut: None
) -> None:
    window.choose("select.subject")
    first = shown(window, "select.subject", colorful)
    window.display.keys("alt+g", "4", "0", "Tab")
    grown = shown(window, "select.subject", lambda preview: red(preview) < red(first) - 0.02)
    window.display.keys("alt+f", "3", "0", "Tab")
    feathered = shown(window, "select.subject", lambda preview: not np.array_equal(preview, grown))
    assert window.gimp.run("answer = Gimp.Selection.is_empty(shown())"), "nothing is committed by looking"
    window.screenshot("gimp-preview-select")
    window.display.keys("alt+b")  # before: nothing is covered
    shown(window, "select.subject", lambda preview: red(preview) < red(feathered) - 0.02)
    window.display.keys("alt+b")
    shown(window, "select.subject", lambda preview: abs(red(preview) - red(feathered)) < 0.001)
    window.display.keys("alt+o")
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    assert window.gimp.run(SOFT) > 20000  # a wide, soft edge
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())")
    window.choose("select.subject")
    window.fill_in("select.subject", "alt+g", "0", "alt+f", "0", "Tab")
    window.finished("answer = not Gimp.Selection.is_empty(shown())")
    window.display.keys("ctrl+z")


def test_cancel_leaves_the_image_as_it_was(window: Window, astronaut: None) -> None:
    window.choose("cutout.subject")
    shown(window, "cutout.subject", colorful)
    window.display.keys("Escape")
    window.finished("answer = len(shown().get_layers()) == 1 and not shown().is_dirty()")
    assert window.gimp.run("answer = len(Gimp.get_images())") == 1


def test_a_fill_is_seen_before_it_is_there(window: Window, photographs: dict[str, str]) -> None:
    window.open(photographs["rocket"])
    window.gimp.run(f"shown().select_polygon(Gimp.ChannelOps.REPLACE, {LASSO})\nGimp.displays_flush()")
    window.choose("fill.selection")
    shown(window, "fill.selection", colorful)
    window.screenshot("gimp-preview-fill")
    window.display.keys("alt+o")
    begun = time.monotonic()
    window.until("answer = len(shown().get_layers()) == 2")
    print(f"{time.monotonic() - begun:.1f} s from OK to the fill")
    window.finished("answer = True")
    window.open(photographs["coffee"])


def test_what_is_pasted_is_seen_with_its_strength(window: Window, photographs: dict[str, str]) -> None:
    window.open(photographs["coffee"])
    window.gimp.run(
        f"""
        image = shown()
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        layer.set_name("Eileen")
        image.insert_layer(layer, None, 0)
        layer.scale(200, 200, False)
        layer.set_offsets(350, 150)
        Gimp.displays_flush()
        """
    )
    window.choose("paste.harmonize")
    window.display.find_window(exactly("Harmonize Layer"), wait=30)
    time.sleep(0.5)
    window.display.keys("alt+e", "End", "alt+n", "0", "Tab")  # an object, without a shadow
    full = shown(window, "paste.harmonize", colorful)
    window.screenshot("gimp-preview-paste")
    window.display.keys("alt+t", "0", "Tab")
    shown(window, "paste.harmonize", lambda preview: np.abs(preview - full).mean() > 0.5)
    window.display.keys("alt+t", "1", "0", "0", "Tab", "alt+o")
    window.finished("answer = len(shown().get_layers()) == 3")
    assert window.gimp.run("answer = shown().get_layers()[0].get_name()") == "Eileen, harmonized"
    window.open(photographs["coffee"])
