"""The window of models in the real Krita: opened from the menu, filled by the real command, a file refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.zoo.cards import names
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import choose_with_mouse, screenshot
from tests.editors.trees import krita_root

pytestmark = [
    pytest.mark.parametrize("session", ["pyzmq"], indirect=True),
    pytest.mark.skipif(krita_root() != Path("/"), reason="the backend's Python cannot be started from inside a tree"),
]
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
    krita.run(f"{WINDOW}._start(['import', path])", path=str(other))
    krita.until(f"'no file of a model' in {WINDOW}.status.text()", wait=120)
    krita.run(f"{WINDOW}.reject()")
