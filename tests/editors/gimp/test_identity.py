"""Pixels come back as they went, in every precision GIMP has, wherever the layer lies."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Gimp

pytestmark = pytest.mark.gimp

PRECISIONS = [
    f"{depth}_{curve}"
    for depth in ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
    for curve in ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
]

THERE_AND_BACK = """
import array, random, struct
from plugin.client.actions import BY_NAME
from plugin.gimp import procedure_run
random.seed(1)
identity = BY_NAME["diagnose.identity"]
procedure = Gimp.get_pdb().lookup_procedure(identity.procedure)

def samples(precision, count):
    "Random samples; those of floats go beyond black and white."
    depth = precision.split("_")[0]
    if depth in ("U8", "U16", "U32"):
        return random.randbytes(count * {"U8": 1, "U16": 2, "U32": 4}[depth])
    letter = {"HALF": "e", "FLOAT": "f", "DOUBLE": "d"}[depth]
    return struct.pack(f"{count}{letter}", *(random.uniform(-1, 2) for _ in range(count)))

def largest_error(precision, sent, back):
    letter = {"U32": "I", "DOUBLE": "d"}.get(precision.split("_")[0], "B")
    return max(abs(a - b) for a, b in zip(array.array(letter, sent), array.array(letter, back)))

def there_and_back(precision, base, alpha, profile=None):
    image = new_image(40, 30, base, getattr(Gimp.Precision, precision))
    if profile is not None:
        image.set_color_profile(profile)
    layer = add_layer(image, 23, 17, -5, 19, alpha)
    sent = samples(precision, 23 * 17 * ((1 if base == GRAY else 3) + alpha))
    put(layer, sent)
    # as GIMP calls it, without a process of its own for every case
    config = procedure.create_config()
    result = procedure_run.run(procedure, Gimp.RunMode.NONINTERACTIVE, image, [layer], config, identity)
    layers = image.get_layers()
    new = layers[0]
    report = {
        "case": f"{precision} {base.value_nick} {'with' if alpha else 'without'} alpha",
        "status": result.index(0).value_nick,
        "layers": len(layers),
        "offset": list(new.get_offsets())[1:],
        "format": Babl.get_name(new.get_format()) == Babl.get_name(layer.get_format()),
        "unharmed": raw(layer) == sent,
        "exact": raw(new) == sent,
        "error": largest_error(precision, sent, raw(new)),
    }
    image.delete()
    return report
"""

LARGEST_ERROR = {"U32": 128, "DOUBLE": 1e-6}
"""What 32-bit floats cost these two: 3 parts in 10^8 of white, and 1 in 10^6 with GEGL's conversion of gray doubles."""


def check(report: dict[str, Any]) -> None:
    assert report["status"] == "success", report
    assert (report["layers"], report["offset"]) == (2, [-5, 19]), report
    assert report["format"] and report["unharmed"], report
    depth = report["case"].split("_")[0]
    if depth in LARGEST_ERROR:
        assert report["error"] <= LARGEST_ERROR[depth], report
    else:
        assert report["exact"], report


def test_every_precision_color_and_gray_with_and_without_alpha(either_console: Gimp) -> None:
    code = THERE_AND_BACK + f"answer = [there_and_back(p, b, a) for p in {PRECISIONS}"
    reports = either_console.run(code + " for b in (RGB, GRAY) for a in (True, False)]", wait=240)
    assert len(reports) == 72
    for report in reports:
        check(report)


def test_a_color_profile_of_the_image_bends_nothing(console: Gimp) -> None:
    code = THERE_AND_BACK + "adobe = Gimp.ColorProfile.new_rgb_adobe()\n"
    code += "precisions = 'U8_NON_LINEAR', 'FLOAT_LINEAR'\n"
    code += "answer = [there_and_back(p, RGB, alpha, adobe) for p in precisions for alpha in (True, False)]"
    for report in console.run(code):
        check(report)


def test_the_new_layer_lies_above_the_active_one_in_its_group(console: Gimp) -> None:
    answer = console.run("""
        image = new_image(20, 20)
        add_layer(image, 20, 20, name="bottom")
        group = add_group(image)
        for name in ("under", "active", "above"):
            add_layer(image, 5, 5, 3, 4, name=name, parent=group)
        active = group.get_children()[1]
        add_layer(image, 20, 20, name="top")
        outcome = call("inlay-diagnose-identity", image, [active])
        names = [[layer.get_name() for layer in layers] for layers in (image.get_layers(), group.get_children())]
        answer = [outcome["status"], *names]
        image.delete()
    """)
    assert answer == ["success", ["top", "group", "bottom"], ["above", "There and back", "active", "under"]]


def test_text_group_and_locked_layers_are_read_like_any_other(console: Gimp) -> None:
    answer = console.run("""
        image = new_image(60, 40)
        group = add_group(image)
        put(add_layer(image, 11, 7, 2, 3, parent=group), bytes(range(250)) + bytes(58))
        locked = add_layer(image, 9, 9)
        locked.set_lock_content(True)
        text = Gimp.TextLayer.new(image, "Inlay", Gimp.context_get_font(), 12, Gimp.Unit.pixel())
        image.insert_layer(text, None, 0)
        answer = []
        for layer in (group, locked, text):
            outcome = call("inlay-diagnose-identity", image, [layer])
            new = image.get_selected_layers()[0]
            same = raw(new) == raw(layer) and new.get_offsets()[1:] == layer.get_offsets()[1:] and new != layer
            answer.append([outcome["status"], same])
        image.delete()
    """)
    assert answer == [["success", True]] * 3


def test_a_layer_mask_that_is_being_edited_stands_for_its_layer(console: Gimp) -> None:
    answer = console.run("""
        image = new_image(20, 20)
        layer = add_layer(image, 5, 5)
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mask)
        outcome = call("inlay-diagnose-identity", image, [mask])
        answer = [outcome["status"], len(image.get_layers()), image.get_layers()[0].get_width()]
        image.delete()
    """)
    assert answer == ["success", 2, 5]
