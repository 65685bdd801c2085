"""The actions on photographs, called from a script."""

from __future__ import annotations

import pytest

from .harness import Gimp

pytestmark = pytest.mark.gimp

BOX = "image.select_rectangle(Gimp.ChannelOps.REPLACE, 32, 4, 213, 193)"
"""Around the cup and its saucer in the photograph at half its size, with the table outside."""


def test_the_object_in_a_box_is_selected_and_joins_the_selection_as_asked(
    console: Gimp, photographs: dict[str, str]
) -> None:
    code = f"""
        image = open_image({photographs["coffee"]!r})
        image.scale(300, 200)
        layer = image.get_layers()[0]
        found = {{}}
        answer = {{"statuses": []}}
        for combine in ("replace", "add", "subtract", "intersect"):
            {BOX}
            outcome = call("inlay-select-object", image, [layer], mode=combine, method="grabcut")
            answer["statuses"].append(outcome["status"])
            found[combine] = selection(image)
        new = found["replace"]
        box = bytes(255 if 32 <= i % 300 < 245 and 4 <= i // 300 < 197 else 0 for i in range(300 * 200))
        answer["add"] = found["add"] == bytes(map(max, new, box))
        answer["subtract"] = found["subtract"] == bytes(max(0, b - n) for n, b in zip(new, box))
        answer["intersect"] = found["intersect"] == bytes(map(min, new, box))
        places = {{"coffee": (145, 75), "saucer": (60, 100), "table": (235, 20), "corner": (285, 150)}}
        answer["at"] = {{name: new[y * 300 + x] for name, (x, y) in places.items()}}
        answer["share"] = sum(new) / 255 / (213 * 193)
        answer["left over"] = [len(image.get_channels()), len(image.get_layers())]
        image.delete()
    """
    answer = console.run(code, wait=200)
    assert answer["statuses"] == ["success"] * 4
    assert answer["at"] == {"coffee": 255, "saucer": 255, "table": 0, "corner": 0}
    assert 0.4 < answer["share"] < 0.9
    assert answer["add"] and answer["subtract"] and answer["intersect"]
    assert answer["left over"] == [0, 1]


def test_color_groups_are_selected_in_a_deep_gray_image_too(console: Gimp, photographs: dict[str, str]) -> None:
    answer = console.run(
        f"""
        image = open_image({photographs["coffee"]!r})
        image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
        image.convert_grayscale()
        layer = image.get_layers()[0]
        outcome = call("inlay-select-colors", image, [layer], clusters=3)
        answer = [outcome, Gimp.Selection.is_empty(image)]
        image.delete()
        """,
        wait=120,
    )
    assert answer[0]["status"] == "success", answer
    assert not answer[1]


def test_a_pasted_layer_is_blended_into_the_image_as_a_new_layer(console: Gimp, photographs: dict[str, str]) -> None:
    answer = console.run(
        f"""
        image = open_image({photographs["coffee"]!r})
        background = image.get_layers()[0]
        before = raw(background)
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        pasted = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(pasted, None, 0)
        pasted.scale(160, 160, False)
        pasted.set_offsets(380, 200)
        own = raw(pasted)
        outcome = call("inlay-paste-harmonize", image, [pasted])
        layers = image.get_layers()
        new = layers[0]
        _, x, y = new.get_offsets()

        def color(layer, px, py):
            _, lx, ly = layer.get_offsets()
            box = Gegl.Rectangle.new(px - lx, py - ly, 1, 1)
            return list(layer.get_buffer().get(box, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))

        def seam(layer):
            "Mean step from the layer's outermost pixels to the image beside them."
            steps = []
            for k in range(210, 350, 3):
                for inside, outside in ((380, 379), (539, 540)):
                    steps += [abs(a - b) for a, b in zip(color(layer, inside, k), color(background, outside, k))]
            return sum(steps) / len(steps)

        answer = {{
            "outcome": outcome, "layers": len(layers), "order": layers[1] == pasted and layers[2] == background,
            "box": [x, y, new.get_width(), new.get_height()], "name": new.get_name(), "alpha": new.has_alpha(),
            "untouched": raw(background) == before and raw(pasted) == own, "seams": [seam(pasted), seam(new)],
        }}
        image.delete()
        """,
        wait=120,
    )
    assert answer["outcome"]["status"] == "success", answer
    assert answer["layers"] == 3 and answer["order"] and answer["untouched"]
    assert answer["box"] == [380, 200, 160, 160]
    assert answer["alpha"] and answer["name"] == "Astronaut, harmonized"
    hard, blended = answer["seams"]
    assert blended < hard / 4, answer["seams"]


def test_scripts_may_use_the_older_names_of_procedures_and_arguments(console: Gimp) -> None:
    answer = console.run(
        """
        from plugin.client.actions import ACTIONS
        from plugin.gimp import arguments
        pdb, missing, answer = Gimp.get_pdb(), [], {}
        for action in ACTIONS:
            for name in (action.procedure, *action.old_procedures):
                config = pdb.lookup_procedure(name).create_config()
                for parameter in action.parameters:
                    for alias in parameter.aliases:
                        if config.find_property(arguments.argument_name(alias)) is None:
                            missing.append([name, alias])
        fill = next(action for action in ACTIONS if action.name == "fill.selection")
        config = pdb.lookup_procedure("inlay-fill-selection").create_config()
        config.set_property("traces", False)
        config.set_property("reach", 40)
        found = arguments.values(config, fill)
        arguments.forget_old(config, fill)
        answer["missing"] = missing
        answer["taken"] = [found["shadow_halo"], found["sampling_radius"]]
        answer["forgotten"] = arguments.values(config, fill) == {p.name: p.default for p in fill.parameters}
        """
    )
    assert answer == {"missing": [], "taken": [False, 40], "forgotten": True}
