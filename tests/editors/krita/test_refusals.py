"""What cannot be done is said before a job is sent: what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.krita.harness import Krita
from tests.editors.krita.test_layers import halves, select_by_color
from tests.editors.krita.user import finish, open_photograph, selected

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


def refusal(krita: Krita, action: str) -> str:
    """The message on the screen after the menu entry was chosen; no job was sent and no dialog opened."""
    krita.run("extension().ask(actions.BY_NAME[action])", action=action)
    text = krita.until("message()")
    assert krita.get("runner().job is None")
    return str(text)


def test_a_selection_that_is_needed_but_missing(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    assert "Nothing is selected. Draw a selection" in refusal(krita, "select.object")


def test_an_empty_selection_counts_as_none(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    krita.run("front().setSelection(Selection())")
    assert "Nothing is selected." in refusal(krita, "select.object")


def test_a_selection_outside_of_the_layer(krita: Krita) -> None:
    krita.run("open_document(40, 40)")
    krita.run("add_layer('small', [0, 0, 10, 10])")
    krita.run("select([30, 30, 5, 5]); extension().run(actions.BY_NAME['select.object'], {}, {})")
    assert "outside of the layer 'small'" in krita.until("message()")


def test_an_empty_layer(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    krita.run("""
        empty = front().createNode("empty", "paintlayer")
        front().rootNode().addChildNode(empty, front().rootNode().childNodes()[-1])
    """)
    krita.run("extension().run(actions.BY_NAME['diagnose.identity'], {}, {})")
    assert "'empty' is empty" in krita.until("message()")


@pytest.mark.parametrize(("model", "depth"), [("CMYKA", "U8"), ("LABA", "U16")])
def test_a_new_layer_in_a_color_model_inlay_has_none_for(krita: Krita, model: str, depth: str) -> None:
    krita.run("open_document(20, 20, model, depth)", model=model, depth=depth)
    assert "Layer > Convert > Convert Layer Color Space" in refusal(krita, "fill.subject")


@pytest.mark.parametrize(("model", "depth"), [("CMYKA", "U8"), ("LABA", "U16")])
def test_a_selection_works_in_every_color_model(krita: Krita, model: str, depth: str, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    krita.run("front().setColorSpace(model, depth, ''); front().waitForDone()", model=model, depth=depth)
    krita.until("front().activeNode().colorModel() == model", model=model)
    before = krita.get("snapshot()")
    select_by_color(krita)
    found = selected(krita, 40, 64) > 127
    assert found[:, 4:28].all() != found[:, 36:60].all()
    assert krita.get("snapshot()[0]") == before[0]


def test_no_second_layer_is_said_before_the_dialog(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    assert "needs a second layer" in refusal(krita, "paste.clone")


def test_a_selection_elsewhere_is_said_before_the_dialog(krita: Krita) -> None:
    krita.run("open_document(40, 40)")
    krita.run("add_layer('small', [0, 0, 10, 10])")
    krita.run("front().setActiveNode(node('small')); select([30, 30, 5, 5])")
    assert "outside of the layer 'small'" in refusal(krita, "select.object")


def test_nothing_below_is_said_before_the_dialog(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    assert "Nothing is seen below" in refusal(krita, "paste.harmonize")


def test_an_unrelated_selection_is_no_hindrance(krita: Krita) -> None:
    krita.run("open_document(40, 40)")
    krita.run("add_layer('small', [0, 0, 10, 10])")
    krita.run("front().setActiveNode(node('small')); select([30, 30, 5, 5])")
    krita.run("extension().run(actions.BY_NAME['select.colors'], {'clusters': 2}, {})")
    finish(krita)
    assert not any(selected(krita, 40, 40)[:, 12:].ravel())


def test_settings_without_effect_are_gray_and_no_picker_is_empty(krita: Krita) -> None:
    krita.run("open_document(40, 40); select([3, 3, 9, 9])")
    krita.run("extension().ask(actions.BY_NAME['fill.selection'])")
    krita.until("dialog() is not None")
    enabled = "[dialog().findChild(QtWidgets.QWidget, name).isEnabled() for name in ('shadow_halo', 'sampling_radius')]"
    krita.run("dialog().set_values({'grow': 6, 'area': 'around'})")
    assert krita.get(enabled) == [True, True]
    krita.run("dialog().findChild(QtWidgets.QSpinBox, 'grow').setValue(0)")
    assert krita.get(enabled) == [False, True]
    krita.run("box = dialog().findChild(QtWidgets.QComboBox, 'area'); box.setCurrentIndex(box.findData('everywhere'))")
    assert krita.get(enabled) == [False, False]
    assert krita.get("dialog().findChild(QtWidgets.QComboBox, 'source') is None")  # there is but one layer
    krita.run("dialog().reject()")


def test_a_locked_group(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    krita.run("""
        group = front().createGroupLayer("group")
        front().rootNode().addChildNode(group, front().rootNode().childNodes()[-1])
    """)
    krita.run("add_layer('inner', [0, 0, 9, 9], 1, node('group')); node('group').setLocked(True)")
    krita.run("front().setActiveNode(node('inner'))")
    assert "The group 'group' is locked" in refusal(krita, "diagnose.identity")


def test_nothing_below_to_blend_into(krita: Krita) -> None:
    krita.run("open_document(20, 20)")
    krita.run("extension().run(actions.BY_NAME['paste.harmonize'], {}, {})")
    assert "Nothing is seen below" in krita.until("message()")


def test_a_mask_for_a_locked_layer(krita: Krita) -> None:
    krita.run("open_document(20, 20); front().activeNode().setLocked(True)")
    krita.run("extension().run(actions.BY_NAME['cutout.background'], {'as': 'mask'}, {})")
    assert "is locked" in krita.until("message()")


def test_no_image(krita: Krita) -> None:
    krita.run("extension().runner.note('x')")
    found = krita.run("""
        try:
            document.check(actions.BY_NAME["diagnose.identity"], None)
        except document.Refusal as refusal:
            answer = str(refusal)
    """)
    assert found == "No image is open. Open one and try again."


def test_rendered_and_locked_layers_are_read(krita: Krita) -> None:
    krita.run("open_document(40, 40)")
    krita.run("""
        group, shapes = front().createGroupLayer("group"), front().createVectorLayer("shapes")
        top = front().rootNode().childNodes()[-1]
        front().rootNode().addChildNode(group, top); front().rootNode().addChildNode(shapes, top)
    """)
    krita.run("""
        add_layer("inner", [3, 4, 9, 8], 1, node("group")); node("inner").setLocked(True)
        svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" viewBox="0 0 40 40">'
        node("shapes").addShapesFromSvg(svg + '<rect x="10" y="12" width="20" height="10" fill="#ff0000"/></svg>')
        front().refreshProjection(); front().waitForDone()
    """)
    krita.until("node('shapes').bounds().width() == 20")
    found = krita.run("""
        answer = {}
        for name in ("inner", "group", "shapes"):
            box = document._bounds(front(), node(name))
            raster = document.read_layer(node(name), box)
            center = (raster.height // 2 * raster.width + raster.width // 2) * 4
            answer[name] = [box, bytes(raster.data)[center : center + 4].hex(), digest(bytes(raster.data))]
    """)
    assert found["inner"][0] == found["group"][0] == [3, 4, 9, 8]
    assert found["shapes"][:2] == [[10, 12, 20, 10], "0000ffff"]


def test_without_a_custom_style_the_dialog_says_how_one_is_made(krita: Krita) -> None:
    krita.run("open_document(40, 40)")
    krita.run("extension().ask(actions.BY_NAME['style.custom'])")
    krita.until("dialog() is not None")
    krita.until("'Train Custom Style' in dialog().dynamic_choices._note.text()", wait=120)
    assert not krita.get("ok_button().isEnabled()")
    krita.run("dialog().reject()")


def test_the_photographs_for_a_custom_style_are_a_folder_to_choose(krita: Krita) -> None:
    krita.run("open_document(40, 40)")
    krita.run("extension().ask(actions.BY_NAME['style.train'])")
    krita.until("dialog() is not None")
    assert krita.get("dialog().findChild(dialogs.FileField, 'photos')._folder")
    krita.run("dialog().findChild(QtWidgets.QLineEdit, 'name').setText('Evening by the sea')")
    assert krita.get("dialog().values()['name']") == "Evening by the sea"
    krita.run("dialog().reject()")
