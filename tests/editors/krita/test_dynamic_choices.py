"""The dialog of an action whose choices depend on the image: a list of what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from tests.editors.krita.harness import Krita
from tests.editors.krita.user import finish, open_photograph, screenshot, selected

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)
ASK = "extension().ask(actions.BY_NAME['select.class'])"
SHOWN = """
    field = dialog().dynamic_choices
    texts = [w.text() for w in field.currentWidget().findChildren(QtWidgets.QLabel)]
    texts += [field.currentWidget().text()] if isinstance(field.currentWidget(), QtWidgets.QLabel) else []
    answer = {"kind": type(field.currentWidget()).__name__, "texts": texts, "ok": ok_button().isEnabled()}
"""


def test_a_class_is_chosen_from_a_list_of_what_is_in_the_image(krita: Krita, tmp_path: Path) -> None:
    both = np.hstack([data.astronaut()[:300, 60:380], data.chelsea()[:, 20:430]])
    open_photograph(krita, tmp_path, "friends", both)
    shown = krita.run(ASK + "; stalls.start()\n" + SHOWN.replace("\n    ", "\n"))
    assert shown == {"kind": "QLabel", "texts": ["Looking at the image…"], "ok": False}
    krita.until("ok_button().isEnabled()", wait=250)
    assert krita.run("answer = stalls.stop()")["ticks"] > 0  # Krita has not waited
    rows = krita.run("""
        listed = dialog().findChild(QtWidgets.QListWidget)
        rows = [listed.item(i) for i in range(listed.count())]
        answer = [[*row.text().split("\\n"), row.icon().isNull()] for row in rows]
    """)
    assert rows[0] == ["Largest", True]
    labels = [row[0] for row in rows]
    assert {"Cat", "Person"} <= set(labels)
    assert all(area.endswith(" %") and not without_thumbnail for _, area, without_thumbnail in rows[1:])
    screenshot(krita, "select-class")
    krita.display.keys(*["Down"] * labels.index("Cat"), "Return")
    finish(krita)
    assert krita.get("settings.last_values(actions.BY_NAME['select.class'])['class_name']") == "cat"
    found = selected(krita, 300, 730) > 127
    assert found[80:180, 430:580].mean() > 0.9  # its face
    assert found[80:200, 130:200].mean() < 0.1  # her face
    krita.run("K.action('edit_undo').trigger()")
    krita.until("not selected()")


def test_cancelling_the_dialog_cancels_the_looking(krita: Krita) -> None:
    krita.run("open_document(40, 30)")
    found = krita.run(f"""
        {ASK}
        answer = [runner().job.action]
        dialog().reject()
        answer += [runner().job is None, runner().log[-1].endswith("cancelled")]
    """)
    assert found == ["select.classes", True, True]


def test_where_the_looking_fails_or_finds_nothing_there_is_a_plain_choice(krita: Krita) -> None:
    for outcome, text in (
        ("Failure(ErrorCode.WORKER_DIED, 'The worker ended.')", "The worker ended."),
        ("Result('', ())", "None of these was seen"),
        ("None", "stopped"),
    ):
        krita.run("open_document(40, 30)")
        krita.run(f"{ASK}; dialog().set_values({{'class_name': 'dog'}}); runner()._over('over', {outcome})")
        shown = krita.run(SHOWN)
        assert shown["kind"] == "QWidget" and shown["ok"]
        assert text in " ".join(shown["texts"])
        assert krita.get("dialog().values()['class_name']") == "dog"
        krita.run("dialog().reject()")


def test_a_class_that_is_not_in_the_image_becomes_the_default(krita: Krita) -> None:
    krita.run("open_document(40, 30)")
    chosen = krita.run(f"""
        {ASK}
        preview = Raster(PixelFormat("RGBA", "u8"), 2, 1, bytes(8))
        listed = tuple(Output(actions.ResultKind.LAYER, name, preview) for name in ("cat: 60 %", "person: 20 %"))
        dialog().set_values({{"class_name": "dog"}})
        runner()._over("over", Result("", listed))
        answer = [dialog().values()["class_name"]]
        dialog().set_values({{"class_name": "person"}})
        answer += [dialog().values()["class_name"]]
        dialog().reject()
    """)
    assert chosen == ["largest", "person"]
