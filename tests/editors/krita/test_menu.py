"""A person's way through the real Krita: mouse and keyboard, photographs, what is seen on the screen."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

from tests.editors.display import Display, publish
from tests.editors.krita.harness import Krita

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


def choose(krita: Krita, *labels: str) -> None:
    """Click through the menus."""
    for label in labels:
        x, y = krita.until("entry_point(label)", wait=10, label=label)
        krita.display.click(x, y)
        time.sleep(0.3)


def picture(krita: Krita, tmp_path: Path, name: str) -> Path:
    """Screenshot of the whole screen, once Krita has drawn everything."""
    time.sleep(1.5)
    shot = krita.display.screenshot(tmp_path / f"krita-{name}.png")
    publish(shot, shot.name)
    return shot


def ants_march(krita: Krita, tmp_path: Path) -> bool:
    """Whether something moves on the canvas: the outline of the selection, as nothing else does."""
    time.sleep(1)
    canvas = (350, 130, 1050, 900)
    shots = []
    for i in range(8):
        shots.append(Image.open(krita.display.screenshot(tmp_path / f"ants-{i}.png")).crop(canvas).tobytes())
        time.sleep(0.3)
    return len(set(shots)) > 2


def open_photograph(krita: Krita, tmp_path: Path, name: str, pixels: NDArray[np.uint8]) -> None:
    path = tmp_path / f"{name}.png"
    Image.fromarray(pixels).save(path)
    krita.run("open_file(path)", path=str(path))
    time.sleep(1)
    krita.run("show()")


def mask(krita: Krita, width: int, height: int) -> NDArray[np.uint8]:
    flat = np.frombuffer(bytes.fromhex(krita.get("selected().hex()")), np.uint8)
    return flat.reshape(height, width) if flat.size else np.zeros((height, width), np.uint8)


def test_a_menu_entry_chosen_with_the_mouse_selects_the_object(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    assert not ants_march(krita, tmp_path)
    krita.run("select([20, 5, 480, 505])")
    rectangle = mask(krita, 512, 512)
    choose(krita, "Tools", "Inlay", "Select")
    picture(krita, tmp_path, "menu")
    choose(krita, "Select Object…")
    krita.until("dialog() is not None", wait=10)
    picture(krita, tmp_path, "dialog")
    krita.display.keys("Return")
    krita.until("runner().job is None and not dialog()", wait=150)
    assert krita.get("message()") == ""
    assert ants_march(krita, tmp_path)
    picture(krita, tmp_path, "selection")
    found = mask(krita, 512, 512) > 127
    assert found[80:200, 190:260].mean() > 0.9  # her face
    assert found[400:500, 120:350].mean() > 0.8  # her suit
    assert found[:120, 300:].mean() < 0.4  # the shuttle behind her
    x, y = krita.run("""
        canvas = K.activeWindow().qwindow().centralWidget()
        centre = canvas.mapToGlobal(canvas.rect().center())
        answer = [centre.x(), centre.y()]
    """)
    krita.display.click(x, y, button=2)  # gives the canvas the keyboard and changes nothing
    krita.display.keys("ctrl+z")
    krita.until("selected().count(255) == count and len(selected()) == 512 * 512", count=int((rectangle == 255).sum()))
    assert (mask(krita, 512, 512) == rectangle).all()


def test_blending_a_layer_into_the_picture_adds_a_layer_that_undo_takes_away(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "coffee", data.coffee())
    cat = Image.fromarray(data.chelsea()[20:290, 90:400]).resize((132, 115))
    shape = Image.new("L", cat.size)
    ImageDraw.Draw(shape).ellipse([6, 6, cat.width - 6, cat.height - 6], fill=255)
    cat.putalpha(shape.filter(ImageFilter.GaussianBlur(1)))
    cat.save(tmp_path / "cat.png")
    krita.run("import_picture(path, 'Cat', 227, 82)", path=str(tmp_path / "cat.png"))
    krita.until("front().activeNode().name() == 'Cat'")
    picture(krita, tmp_path, "before-blending")
    before = krita.get("snapshot()")
    choose(krita, "Tools", "Inlay", "Paste", "Blend Layer into Picture…")
    krita.until("dialog() is not None", wait=10)
    krita.display.keys("Return")
    krita.until("runner().job is None and not dialog()", wait=120)
    assert krita.get("message()") == ""
    names = krita.until("len(names()) == 3 and names()")
    assert names[1] == "Cat"
    krita.until("front().activeNode().name() == names()[2]")
    picture(krita, tmp_path, "blended")
    after = krita.run("""
        front().waitForDone()
        new, box = front().activeNode(), (227, 82, 132, 115)
        answer = [bytes(new.pixelData(*box)).hex(), bytes(node("Cat").pixelData(*box)).hex()]
    """)
    blended, pasted = (np.frombuffer(bytes.fromhex(text), np.uint8).reshape(115, 132, 4).astype(int) for text in after)
    assert blended[57, 66, 3] == 255
    assert np.abs(blended - pasted)[40:75, 50:80, :3].mean() > 3  # its light has changed
    krita.run("K.action('edit_undo').trigger()")
    krita.until("snapshot() == before", before=before)


def test_the_keyboard_reaches_the_menu(krita: Krita, display: Display) -> None:
    krita.run("open_document(30, 30)")
    display.keys(
        "alt+t"
        if krita.get("'&Tools' in [a.text() for a in K.activeWindow().qwindow().menuBar().actions()]")
        else "alt+o"
    )
    krita.until("entry_point('Inlay') is not None", wait=10)
    display.keys("Up")
    for _ in range(12):
        if krita.get("QtWidgets.QApplication.activePopupWidget().activeAction().text().replace('&', '')") == "Inlay":
            break
        display.keys("Up")
    display.keys("Right")
    krita.until("entry_point('Select') is not None", wait=10)
    display.keys("Escape", "Escape", "Escape")
    assert krita.get("QtWidgets.QApplication.activePopupWidget() is None")


def test_a_dialog_remembers_what_was_entered_last(krita: Krita) -> None:
    krita.run("open_document(30, 30)")
    krita.run("extension().ask(actions.BY_NAME['select.colours'])")
    krita.until("dialog() is not None")
    limits = krita.run("""
        box = dialog().findChild(QtWidgets.QSpinBox, "clusters"); box.setValue(3)
        dialog().findChild(QtWidgets.QComboBox, "combine").setCurrentIndex(1)
        answer = [box.minimum(), box.maximum(), dialog().values()["feather"]]
        dialog().accept()
    """)
    assert limits == [2, 16, 0.0]
    krita.until("runner().job is None", wait=90)
    krita.run("message(); extension().ask(actions.BY_NAME['select.colours'])")
    krita.until("dialog() is not None")
    assert krita.get("[dialog().values()['clusters'], dialog().values()['combine']]") == [3, "add"]
    krita.run("dialog().reject()")


def test_settings_are_kept(krita: Krita) -> None:
    krita.run("extension().ask_settings()")
    krita.until("dialog() is not None")
    krita.run("dialog()._python.setText('/opt/python'); dialog().accept()")
    assert krita.get("settings.load().python") == "/opt/python"
    assert krita.get("settings.load().installation() is None")  # the folder is missing
    krita.run("settings.save(settings.Settings(keep_running=False))")


def test_a_failure_says_what_to_do_and_shows_in_the_docker(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "rocket", data.rocket())
    krita.run("extension().run(actions.BY_NAME['diagnose.identity'], {'fault': 'crash'}, {})")
    krita.until("bool(message_boxes())", wait=90)
    picture(krita, tmp_path, "failure")
    assert krita.get("message()")
