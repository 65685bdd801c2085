"""Where there is no subject and nothing of a class, that is said in one wording, and the image stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.editors.krita.harness import Krita
from tests.editors.krita.user import open_photograph, selected

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]

SELECTING = {"select.subject": "subject", "select.background": "subject", "select.class": "person"}
OTHERS = ["cutout.background", "cutout.subject", "fill.subject", "style.subject", "background.blur", "background.gray"]


@pytest.mark.parametrize("action", [*SELECTING, *OTHERS])
def test_nothing_found_is_said_and_changes_nothing(krita: Krita, tmp_path: Path, action: str) -> None:
    open_photograph(krita, tmp_path, "white", np.full((64, 96, 3), 255, np.uint8))
    if action in SELECTING:
        krita.run("select([10, 12, 20, 16])")
    before = krita.get("snapshot()")
    values = {"class_name": "person"} if action == "select.class" else {}
    krita.run("extension().run(actions.BY_NAME[action], values, {})", action=action, values=values)
    text = krita.until("message()", wait=120)
    assert f"No {SELECTING.get(action, 'subject')} was found." in text
    assert krita.get("runner().job is None")
    assert krita.get("snapshot()") == before
    chosen = selected(krita, 64, 96)
    assert (chosen > 0).sum() == (20 * 16 if action in SELECTING else 0)
    assert action not in SELECTING or chosen[12:28, 10:30].all()
