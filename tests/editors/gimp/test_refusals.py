"""What cannot be done is said plainly, before anything is sent: no backend is there in these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.client.actions import ACTIONS

from .harness import Gimp, Tree

pytestmark = pytest.mark.gimp


@pytest.fixture(scope="module")
def alone(tree: Tree) -> Iterator[Gimp]:
    """GIMP with the plug-in on a machine without a backend."""
    gimp = Gimp(tree, "gimp-console-3", {"INLAY_RUN_DIR": tree.inside(tree.home / "nobody")})
    yield gimp
    gimp.close()


REFUSED = {
    "nothing selected": (
        "answer = call('inlay-select-object', image, [layer])",
        "Nothing is selected. Draw a selection",
    ),
    "a selection elsewhere": (
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 30, 20, 5, 5)\n"
        "answer = call('inlay-select-object', image, [layer])",
        "The selection lies outside of the active layer.",
    ),
    "no layer": (
        "answer = call('inlay-select-colors', image, [])",
        "works on one layer, but 0 are chosen",
    ),
    "two layers": (
        "answer = call('inlay-select-colors', image, [layer, add_layer(image, 4, 4)])",
        "works on one layer, but 2 are chosen",
    ),
    "a channel": (
        "channel = Gimp.Channel.new(image, 'c', 40, 30, 100.0, Gegl.Color.new('black'))\n"
        "image.insert_channel(channel, None, 0)\nanswer = call('inlay-select-colors', image, [channel])",
        "not on a channel. Click on a layer in the Layers dialog.",
    ),
    "a layer for an indexed image": (
        "image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 4, False, False, '')\n"
        "answer = call('inlay-style-preset', image, [layer])",
        "colors that this image, which is indexed, cannot hold. Choose Image > Mode > RGB.",
    ),
    "a new layer without the background for an indexed image": (
        "image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 4, False, False, '')\n"
        "answer = call('inlay-cutout-background', image, [layer])",
        "colors that this image, which is indexed, cannot hold. Choose Image > Mode > RGB.",
    ),
    "a floating selection": (
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 1, 1, 5, 5)\nGimp.Selection.float(image, [layer], 0, 0)\n"
        "answer = call('inlay-select-colors', image, [layer])",
        "The image has a floating selection.",
    ),
    "nothing to paste": (
        "empty = add_layer(image, 9, 9)\nanswer = call('inlay-paste-harmonize', image, [empty])",
        "The active layer is transparent everywhere.",
    ),
    "pasted beside the image": (
        "beside = add_layer(image, 9, 9, 50, 50, alpha=False)\nanswer = call('inlay-paste-harmonize', image, [beside])",
        "The active layer lies outside of the image.",
    ),
    "nothing to paste into": (
        "answer = call('inlay-paste-harmonize', image, [layer])",
        "Nothing is seen below the active layer.",
    ),
    "no second layer": (
        "from plugin.client.actions import BY_NAME\nfrom plugin.gimp import checks, image as reading\n"
        "try:\n    checks.check_other_layers(BY_NAME['paste.subject'], layer)\n"
        "except reading.ImageError as error:\n    answer = {'status': 'execution-error', 'message': str(error)}",
        "needs a second layer: layer with the subject. Bring it in with File > Open as Layers.",
    ),
    "a locked group": (
        "group = add_group(image)\ninside = add_layer(image, 9, 9, parent=group, alpha=False)\n"
        "group.set_lock_content(True)\nanswer = call('inlay-paste-harmonize', image, [inside])",
        "The group 'group' is locked. Unlock it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_do_and_touch_nothing(alone: Gimp, case: str) -> None:
    code, message = REFUSED[case]
    setup = "image = new_image(40, 30)\nlayer = add_layer(image, 11, 7, alpha=False)\nfirst = len(Gimp.get_images())\n"
    look = "\nanswer['left over'] = len(Gimp.get_images()) - first\nimage.delete()\n"
    outcome = alone.run(setup + code + look)
    assert outcome["status"] == "execution-error"
    assert message in outcome["message"]
    assert outcome["left over"] == 0


def test_without_a_backend_the_message_names_the_installer(alone: Gimp) -> None:
    outcome = alone.run("""
        image = new_image(40, 30)
        layer = add_layer(image, 11, 7)
        image.clean_all()
        answer = call("inlay-diagnose-identity", image, [layer])
        answer["dirty"] = image.is_dirty()
        image.delete()
    """)
    assert outcome["status"] == "execution-error"
    assert "backend is not installed" in outcome["message"] and "python3 -m installer" in outcome["message"]
    assert not outcome["dirty"]


def test_without_a_list_of_what_is_in_the_image_the_plain_choice_is_offered(alone: Gimp) -> None:
    answer = alone.run("""
        from plugin.client.actions import BY_NAME
        from plugin.gimp import procedure_run
        image = new_image(40, 30)
        layer = add_layer(image, 11, 7)
        from plugin.client.net.connection import Connection
        find = procedure_run.dynamic_choices
        with Connection("gimp") as connection:
            answer = [find(BY_NAME[name], image, layer, connection) for name in ("select.class", "select.subject")]
        image.delete()
    """)
    assert answer == [None, None]


def test_gimp_itself_keeps_values_out_of_range_away(alone: Gimp) -> None:
    kept = alone.run("""
        config = Gimp.get_pdb().lookup_procedure("inlay-select-object").create_config()
        config.set_property("grow", 7)
        config.set_property("grow", 5000)
        config.set_property("feather", -3.0)
        config.set_property("mode", "divide")
        answer = [config.get_property(name) for name in ("mode", "grow", "feather")]
    """)
    assert kept == ["replace", 7, 0.0]


def test_the_menu_holds_the_table_without_what_is_for_diagnosis(alone: Gimp) -> None:
    procedures = [action.procedure for action in ACTIONS]
    at_once = [f"{action.procedure}-at-once" for action in ACTIONS if action.one_click]
    found = alone.run(f"""
        pdb = Gimp.get_pdb()
        entries = [pdb.lookup_procedure(name) for name in {procedures + at_once}]
        answer = {{entry.get_name(): [entry.get_menu_label(), *entry.get_menu_paths()] for entry in entries}}
    """)
    for action in ACTIONS:
        place = [] if action.hidden else [f"<Image>/Filters/Inlay/{action.menu}"]
        assert found[action.procedure] == [f"{action.label}...", *place]
        if action.one_click:
            assert found[f"{action.procedure}-at-once"] == [action.label, *place]
