"""A user's way through the real Krita: mouse and keyboard, photographs, what is seen on the screen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

from tests.editors.krita.harness import Krita
from tests.editors.krita.user import choose_with_mouse, finish, open_photograph, press_ctrl_z, screenshot, selected

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


@pytest.mark.smoke
def test_a_menu_entry_chosen_with_the_mouse_selects_the_object(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    krita.run("select([20, 5, 480, 505])")
    rectangle = selected(krita, 512, 512)
    choose_with_mouse(krita, "Tools", "Inlay", "Select")
    screenshot(krita, "menu")
    choose_with_mouse(krita, "Select Object with Options…")
    krita.until("dialog() is not None", wait=10)
    screenshot(krita, "dialog")
    krita.display.keys("Return")
    finish(krita)
    screenshot(krita, "selection")
    found = selected(krita, 512, 512) > 127
    assert found[80:200, 190:260].mean() > 0.9  # her face
    assert found[300:420, 60:200].mean() > 0.8  # her arm
    assert found[20:140, 310:360].mean() < 0.2  # the wall
    press_ctrl_z(krita)
    krita.until("selected().count(255) == count and len(selected()) == 512 * 512", count=int((rectangle == 255).sum()))
    assert (selected(krita, 512, 512) == rectangle).all()


def test_blending_a_layer_into_the_image_adds_a_layer_that_undo_takes_away(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "coffee", data.coffee())
    cat = Image.fromarray(data.chelsea()[20:290, 90:400]).resize((132, 115))
    shape = Image.new("L", cat.size)
    ImageDraw.Draw(shape).ellipse([6, 6, cat.width - 6, cat.height - 6], fill=255)
    cat.putalpha(shape.filter(ImageFilter.GaussianBlur(1)))
    cat.save(tmp_path / "cat.png")
    krita.run("import_layer(path, 'Cat', 227, 82)", path=str(tmp_path / "cat.png"))
    krita.until("front().activeNode().name() == 'Cat'")
    screenshot(krita, "before-blending")
    before = krita.get("snapshot()")
    choose_with_mouse(krita, "Tools", "Inlay", "Paste", "Harmonize Layer with Options…")
    krita.until("dialog() is not None")
    krita.display.keys("Return")
    finish(krita)
    names = krita.until("len(names()) == 3 and names()")
    assert names[1] == "Cat"
    krita.until("front().activeNode().name() == names()[2]")
    screenshot(krita, "blended")
    after = krita.run("""
        front().waitForDone()
        new, box = node(names()[2]), (227, 82, 132, 115)
        answer = [bytes(new.pixelData(*box)).hex(), bytes(node("Cat").pixelData(*box)).hex()]
    """)
    blended, pasted = (np.frombuffer(bytes.fromhex(text), np.uint8).reshape(115, 132, 4).astype(int) for text in after)
    assert blended[57, 66, 3] == 255
    assert np.abs(blended - pasted)[40:75, 50:80, :3].mean() > 3  # its light has changed
    krita.run("K.action('edit_undo').trigger()")
    krita.until("snapshot() == before", before=before)


def test_diagnosis_is_in_the_menu_only_when_asked_for(krita: Krita) -> None:
    shown = krita.run("""
        import os
        from inlay.plugin.krita.extension import menu_actions
        answer = []
        for value in ("", "1"):
            os.environ["INLAY_DIAGNOSE"] = value
            answer.append("Diagnose" in {action.menu for action in menu_actions()})
        del os.environ["INLAY_DIAGNOSE"]
    """)
    assert shown == [False, True]
    assert krita.get("K.action('inlay-select-subject') is not None and K.action('inlay-diagnose-identity') is None")


@pytest.mark.smoke
def test_a_dialog_remembers_what_was_entered_last(krita: Krita) -> None:
    krita.run("open_document(30, 30)")
    krita.run("extension().ask(actions.BY_NAME['select.colors'])")
    krita.until("dialog() is not None")
    limits = krita.run("""
        box = dialog().findChild(QtWidgets.QSpinBox, "clusters"); box.setValue(3)
        dialog().findChild(QtWidgets.QComboBox, "mode").setCurrentIndex(1)
        answer = [box.minimum(), box.maximum(), dialog().values()["feather"]]
        dialog().accept()
    """)
    assert limits == [2, 16, 0.0]
    krita.until("runner().job is None", wait=90)
    krita.run("message(); extension().ask(actions.BY_NAME['select.colors'])")
    krita.until("dialog() is not None")
    assert krita.get("[dialog().values()['clusters'], dialog().values()['mode']]") == [3, "add"]
    krita.run("dialog().reject()")


def test_settings_are_kept(krita: Krita) -> None:
    krita.run("extension().ask_settings()")
    krita.until("dialog() is not None")
    krita.run("dialog()._python.setText('/opt/python'); dialog().accept()")
    assert krita.get("settings.load().python") == "/opt/python"
    assert krita.get("settings.load().installation() is None")  # the folder is missing
    krita.run("settings.save(settings.Settings(keep_running=False))")


def test_the_backends_settings_are_kept_for_every_program(krita: Krita) -> None:
    kept = krita.home / "data/preferences.json"
    krita.run("extension().ask_settings()")
    krita.until("dialog() is not None")
    shown = krita.get("dialog().findChild(QtWidgets.QLabel, 'inlay-shortcuts').text()")
    assert "Select Subject: Ctrl+Alt+Shift+S" in shown
    screenshot(krita, "settings")
    krita.run("""
        dialog()._device.setEditText("Processor (CPU)"); dialog()._memory.setValue(2.5); dialog()._idle.setValue(20)
        dialog().accept()
    """)
    assert json.loads(kept.read_text()) == {"device": "cpu", "memory": 2.5, "idle": 20}
    kept.unlink()


def test_a_transport_can_be_chosen_and_left_to_choose_again(krita: Krita) -> None:
    used = """
        import os
        settings.save(settings.Settings(transport=name, keep_running=False))
        runner().reconnect()
        runner()._connect()
        answer = os.environ.get("INLAY_TRANSPORT")
    """
    assert [krita.run(used, name=name) for name in ("pure", "auto")] == ["pure", "pyzmq"]  # as the tests started it


def test_no_action_is_known_twice(krita: Krita) -> None:
    assert "Duplicated action name" not in krita.log.read_text(errors="replace")


def test_a_failure_says_what_to_do_and_shows_in_the_docker(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "rocket", data.rocket())
    krita.run("extension().run(actions.BY_NAME['diagnose.identity'], {'fault': 'crash'}, {})")
    krita.until("bool(message_boxes())", wait=90)
    screenshot(krita, "failure")
    assert krita.get("message()")
