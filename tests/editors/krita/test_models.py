"""The window of models in the real Krita: opened from the menu, filled by the real command, a file refused, one
imported and used until it is removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.zoo.cards import names
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import ask_and_accept, choose_with_mouse, open_photograph, screenshot, selected
from tests.editors.program import FILE, is_the_square, with_a_green_square

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)
WINDOW = "next(w for w in QtWidgets.QApplication.topLevelWidgets() if type(w).__name__ == 'ModelsWindow')"


def test_the_window_shows_the_models_and_says_why_a_file_is_none(krita: Krita, tmp_path: Path) -> None:
    choose_with_mouse(krita, "Tools", "Inlay", "Manage Models…")
    krita.until(f"len({WINDOW}.models) == {len(names())}", wait=120)
    krita.run(f"w = {WINDOW}; w.table.setCurrentItem(w.table.topLevelItem([m.name for m in w.models].index('u2netp')))")
    shown = krita.get(f"[{WINDOW}.text.text(), [b.isEnabled() for b in {WINDOW}.buttons]]")
    assert "Apache-2.0" in shown[0] and "DUTS" in shown[0]
    assert shown[1] == [True, False, False, False]
    screenshot(krita, "models")
    other = tmp_path / "holiday.jpg"
    other.write_bytes(b"x")
    krita.run(f"{WINDOW}.presenter.start(['import', path])", path=str(other))
    krita.until(f"'no file of a model' in {WINDOW}.status.text()", wait=120)
    krita.run(f"{WINDOW}.reject()")


def test_an_imported_network_is_used_until_it_is_removed(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "green", with_a_green_square())
    ask_and_accept(krita, "select.subject")
    before = selected(krita, 512, 512)
    assert before.any() and not is_the_square(before)
    choose_with_mouse(krita, "Tools", "Inlay", "Manage Models…")
    krita.until(f"len({WINDOW}.models) == {len(names())}", wait=120)
    for words, state, file in (("import", "here", True), ("remove", "not here", False)):
        given = str(krita.home / "program" / FILE) if file else "isnet"
        krita.run(f"{WINDOW}.presenter.start(words)", words=[words, given])
        krita.until(f"[m.state for m in {WINDOW}.models if m.name == 'isnet'] == [state]", wait=120, state=state)
        ask_and_accept(krita, "select.subject")
        found = selected(krita, 512, 512)
        if not file:
            np.testing.assert_array_equal(found, before)
            continue
        assert is_the_square(found)
        krita.run("K.action('deselect').trigger()")
        ask_and_accept(krita, "cutout.background")
        flat = krita.get("bytes(front().activeNode().pixelData(0, 0, 512, 512)).hex()")
        assert is_the_square(np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(512, 512, 4)[..., 3])
        krita.run("front().setActiveNode(node(names()[0]))")
        krita.until("front().activeNode().name() == names()[0]")
    krita.run(f"{WINDOW}.reject()")
