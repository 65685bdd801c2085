"""GIMP with its window, used as the user does: the menu, the dialogs, undo, the progress bar's Cancel."""

from __future__ import annotations

import time

import pytest

from tests.editors.backend import Backend

from .window import HEIGHT, WIDTH, Window

pytestmark = pytest.mark.gimp


def test_a_selection_is_made_from_the_menu_and_undone_in_one_step(window: Window) -> None:
    window.gimp.run("shown().select_rectangle(Gimp.ChannelOps.REPLACE, 65, 8, 425, 385)\nGimp.displays_flush()")
    box = "sum(selection(shown())) == 255 * 425 * 385"
    window.choose("select.object")
    window.fill_in("select.object", "alt+m", "End")  # the last of the methods is GrabCut
    window.finished(f"answer = not ({box})")
    time.sleep(0.5)
    window.screenshot("gimp-selection")
    look = (
        "s = selection(shown())\nanswer = [s[y * 600 + x] for x, y in ((290, 150), (120, 200), (470, 40), (80, 380))]"
    )
    assert window.gimp.run(look) == [255, 255, 0, 0]  # the coffee, the saucer, the table twice
    layers = "answer = shown().get_selected_layers() == shown().get_layers()"
    assert window.gimp.run(layers)
    window.display.keys("ctrl+z")
    window.until(f"answer = {box}", 5)
    assert window.gimp.run(layers), "after an undo the same layer is active"
    window.display.keys("ctrl+y")
    window.until(f"answer = not ({box})", 5)
    assert window.gimp.run(look) == [255, 255, 0, 0] and window.gimp.run(layers)
    window.display.keys("ctrl+z")
    window.until(f"answer = {box}", 5)
    window.display.keys("ctrl+z")
    window.until("answer = Gimp.Selection.is_empty(shown())", 5)


def test_a_pasted_layer_is_blended_and_undone_in_one_step(window: Window, photographs: dict[str, str]) -> None:
    window.gimp.run(
        f"""
        image = shown()
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(layer, None, 0)
        layer.resize(150, 175, -150, -15)
        layer.scale(90, 105, False)
        layer.set_offsets(245, 92)
        layer.add_alpha()
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 252, 97, 72, 92)
        Gimp.Selection.invert(image)
        layer.edit_clear()
        Gimp.Selection.none(image)
        Gimp.displays_flush()
        """
    )
    window.choose("paste.harmonize")
    window.fill_in("paste.harmonize")
    window.finished("answer = shown().get_layers()[0].get_name() == 'Astronaut, harmonized'")
    time.sleep(0.5)
    window.screenshot("gimp-paste")
    offset = window.gimp.run("answer = shown().get_layers()[0].get_offsets()[1:]")
    assert offset == [252, 97]
    window.display.keys("ctrl+z")
    window.until("answer = len(shown().get_layers()) == 2", 5)
    assert window.gimp.run("answer = shown().get_layers()[0].get_offsets()[1:]") == [245, 92]


def test_the_cancel_button_stops_a_long_job(window: Window, host: Backend) -> None:
    before = window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()]")
    window.choose("diagnose.identity")
    window.fill_in("diagnose.identity", "alt+w", "6", "0")
    host.until("busy")
    time.sleep(1)
    window.screenshot("gimp-progress")
    clicked = time.monotonic()
    window.display.click(WIDTH - 276, HEIGHT - 28)
    host.until("idle", wait=30)
    seconds = time.monotonic() - clicked
    time.sleep(0.5)
    window.screenshot("gimp-cancelled")
    assert window.gimp.run("answer = [layer.get_name() for layer in shown().get_layers()]") == before
    outcome = window.gimp.run("answer = call('inlay-diagnose-identity', shown(), [shown().get_layers()[0]])")
    assert outcome["status"] == "success"
    print(f"the worker was idle {seconds:.2f} s after the click")
    assert seconds < 5, "the job would have gone on for long"


def test_what_cannot_be_done_is_said_in_a_message(window: Window) -> None:
    window.gimp.run("Gimp.Selection.none(shown())")
    window.choose("select.object")
    window.display.find_window("GIMP Message", wait=30)
    window.screenshot("gimp-message")
    window.display.keys("Return")


def test_ctrl_f_repeats_the_last_action_with_its_settings(window: Window) -> None:
    layers = window.gimp.run("answer = len(shown().get_layers())")
    window.choose("diagnose.identity")
    window.fill_in(
        "diagnose.identity", "alt+w", "0", "alt+f", "End"
    )  # the last of the faults: short of memory at first
    for new in (1, 2):
        window.until(f"answer = len(shown().get_layers()) == {layers + new}", 30)
        time.sleep(0.5)
        window.screenshot("gimp-note")  # the status bar says that it took smaller steps
        window.display.keys(*["ctrl+f"] * (new == 1))


def test_choices_are_combo_boxes_in_every_dialog(window: Window) -> None:
    """GIMP 3.2 makes radio buttons of two or three choices where nobody says otherwise."""
    found = window.gimp.run(
        """
        gi.require_version("Gtk", "3.0")
        from gi.repository import Gtk
        from plugin.client.actions import ACTIONS, Kind
        from plugin.gimp.dialogs import Dialog

        def kinds(widget):
            own = [kind for kind in ("ComboBox", "RadioButton") if isinstance(widget, getattr(Gtk, kind))]
            inner = widget.get_children() if isinstance(widget, Gtk.Container) else []
            return own + [kind for child in inner for kind in kinds(child)]

        answer, layer = {}, Gimp.get_images()[0].get_layers()[0]
        for action in ACTIONS:
            procedure = Gimp.get_pdb().lookup_procedure("inlay-" + action.name.replace(".", "-"))
            choices = [parameter for parameter in action.parameters if parameter.kind is Kind.CHOICE]
            if procedure is None or action.hidden or not choices:
                continue
            shown = Dialog(action, procedure, procedure.create_config(), layer).dialog
            seen = kinds(shown)
            shown.destroy()
            answer[action.name] = [len(choices), seen.count("ComboBox"), seen.count("RadioButton")]
        """
    )
    assert len(found) > 15
    assert {name: counts for name, counts in found.items() if counts[1] < counts[0] or counts[2]} == {}
