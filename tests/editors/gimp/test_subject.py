"""What the network finds in a photograph, called from a script: selections, their edges, cut-outs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from .harness import ROOT, Gimp, received

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

SIDE = 512
PERSON = {"face": (225, 120), "hair": (225, 40), "suit": (130, 300)}
WALL = {"left of the head": (110, 100), "right of the head": (345, 60), "above the shoulder": (350, 190)}
BOX = (slice(100, 400), slice(60, 300))
"""A selection that is there before, as rows and columns."""

OPEN = """
image = open_image({path!r})
layer = image.get_layers()[0]
"""


def found(gimp: Gimp, path: str, code: str) -> Any:
    """The answer of code that finds `image` and `layer`; a call that failed is an error."""
    return gimp.run(OPEN.format(path=path) + code + "\nimage.delete()", wait=120)


def select(action: str, combine: str = "replace", **settings: object) -> str:
    """Code that runs a selecting action and appends the selection to `answer`."""
    arguments = "".join(f", {name}={value!r}" for name, value in settings.items())
    return f"""
outcome = call("inlay-select-{action}", image, [layer], mode={combine!r}{arguments})
assert outcome["status"] == "success", outcome
answer.append(sent(selection(image)))
"""


def masks(gimp: Gimp, path: str, code: str, height: int = SIDE) -> list[NDArray[np.uint8]]:
    """The selections that the code appended to `answer`."""
    return [received(text, height) for text in found(gimp, path, "answer = []\n" + code)]


def overlap(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Intersection over union of what is more than half selected."""
    both, either = np.logical_and(a > 127, b > 127), np.logical_or(a > 127, b > 127)
    return float(both.sum() / either.sum())


def partly(mask: NDArray[np.uint8]) -> int:
    """How many pixels are neither in nor out."""
    return int(((mask > 10) & (mask < 245)).sum())


def assert_is_the_person(mask: NDArray[np.uint8]) -> None:
    inside = {name: mask[y, x] for name, (x, y) in PERSON.items()}
    outside = {name: mask[y, x] for name, (x, y) in WALL.items()}
    assert min(inside.values()) > 200 and max(outside.values()) < 50, (inside, outside)


@pytest.fixture(scope="module")
def astronaut(photographs: dict[str, str]) -> str:
    return photographs["astronaut"]


@pytest.fixture(scope="module")
def subject(console: Gimp, astronaut: str) -> NDArray[np.uint8]:
    """The subject of the astronaut's photograph as the plug-in selects it."""
    return masks(console, astronaut, select("subject"))[0]


def test_the_subject_is_selected_and_joins_the_selection_in_all_four_ways(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8]
) -> None:
    assert_is_the_person(subject)
    assert len(np.unique(subject)) > 50  # soft edges
    code = "".join(
        f"image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 100, 240, 300)\n{select('subject', combine)}"
        for combine in ("replace", "add", "subtract", "intersect")
    )
    box = np.zeros((SIDE, SIDE), np.uint8)
    box[BOX] = 255
    replaced, added, subtracted, intersected = masks(console, astronaut, code)
    np.testing.assert_array_equal(replaced, subject)
    np.testing.assert_array_equal(added, np.maximum(box, subject))
    np.testing.assert_array_equal(subtracted, np.where(box, 255 - subject, 0))
    np.testing.assert_array_equal(intersected, np.minimum(box, subject))


def test_the_background_is_all_but_the_subject_and_hard_edges_are_thin(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8]
) -> None:
    background, hard = masks(console, astronaut, select("background") + select("subject", edge="hard"))
    np.testing.assert_allclose(background.astype(int), 255 - subject.astype(int), atol=1)
    assert partly(hard) < partly(subject) / 2
    assert overlap(hard, subject) > 0.9


def test_a_deeper_image_has_the_same_subject_and_a_shifted_layer_a_shifted_one(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8]
) -> None:
    code = "".join(
        f"image.convert_precision(Gimp.Precision.{precision})\n" + select("subject")
        for precision in ("U16_NON_LINEAR", "FLOAT_LINEAR")
    )
    shift = "layer.set_offsets(-60, 45)\n"
    deep, floating, shifted = masks(console, astronaut, code + shift + select("subject"))
    assert overlap(deep, subject) > 0.98
    assert overlap(floating, subject) > 0.98
    np.testing.assert_array_equal(shifted[45:, :-60], floating[:-45, 60:])
    assert not shifted[:45].any() and not shifted[:, -60:].any()


def test_the_object_meant_by_a_box_or_a_dot_is_selected(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8]
) -> None:
    box = "image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 5, 490, 500)\n" + select("object")
    dot = "image.select_ellipse(Gimp.ChannelOps.REPLACE, 218, 110, 14, 14)\n" + select("object")
    for mask in masks(console, astronaut, box + dot):
        assert_is_the_person(mask)
        assert overlap(mask, subject) > 0.6


def test_a_class_is_selected_and_one_that_is_not_there_is_refused_by_name(console: Gimp, astronaut: str) -> None:
    person, largest = masks(console, astronaut, select("class", class_name="person") + select("class"))
    assert_is_the_person(person)
    np.testing.assert_array_equal(largest, person)
    outcome, selected = found(
        console,
        astronaut,
        'answer = [call("inlay-select-class", image, [layer], class_name="train"), not Gimp.Selection.is_empty(image)]',
    )
    assert outcome["status"] == "execution-error" and not selected
    assert "No train was found." in outcome["message"] and "person" in outcome["message"]


def test_what_is_in_the_image_is_offered_with_thumbnails_and_areas(console: Gimp, photographs: dict[str, str]) -> None:
    offered = found(
        console,
        photographs["both"],
        """
from plugin.client.actions import BY_NAME
from plugin.gimp import procedure_run
answer = []
from plugin.client.net.connection import Connection
with Connection("gimp") as connection:
    offers = procedure_run.dynamic_choices(BY_NAME["select.class"], image, layer, connection)
for offer in offers:
    small = offer.preview
    answer.append([offer.value, offer.label, offer.note, small and [small.width, small.height, len(small.data)]])
""",
    )
    assert offered[0] == ["largest", "Largest", "", None]
    classes = {value: (label, note, size) for value, label, note, size in offered[1:]}
    assert {"person", "cat"} <= set(classes) and "train" not in classes
    areas = [int(note.removesuffix(" %")) for _, note, _ in classes.values()]
    assert areas == sorted(areas, reverse=True)
    assert classes["cat"][0] == "Cat" and classes["cat"][2] == [96, 37, 96 * 37 * 4]


@pytest.mark.parametrize("rough", ["grow", "shrink"])
def test_refining_brings_a_rough_edge_to_the_images_own(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8], rough: str
) -> None:
    code = (
        select("subject", edge="hard")
        + f"Gimp.Selection.{rough}(image, 6)\nanswer.append(sent(selection(image)))\n"
        + 'outcome = call("inlay-select-refine", image, [layer], width=12.0)\nassert outcome["status"] == "success"\n'
        + "answer.append(sent(selection(image)))\n"
    )
    _, before, after = masks(console, astronaut, code)
    head = (slice(0, 180), slice(120, 330))
    assert overlap(after[head], subject[head]) > overlap(before[head], subject[head])
    assert_is_the_person(after)
    changed = np.argwhere(np.abs(after.astype(int) - before) > 127)
    edge = np.argwhere((before[:-1, :-1] ^ before[1:, :-1]) | (before[:-1, :-1] ^ before[:-1, 1:]))
    sample = changed[:: max(1, len(changed) // 200)]
    distance = np.sqrt(((sample[:, None] - edge[None]) ** 2).sum(2)).min(1)
    assert distance.max() < 30  # the edge moves within its band; what lies deeper stays


CUT = """
before = raw(layer)
photograph = layer.get_buffer().get(whole(layer), 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
outcome = call("inlay-cutout-{action}", image, [layer]{arguments})
assert outcome["status"] == "success", outcome
new = image.get_layers()[0]
_, x, y = new.get_offsets()
pixels = new.get_buffer().get(whole(new), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)
answer = {{
    "box": [x, y, new.get_width(), new.get_height()], "name": new.get_name(), "pixels": sent(pixels),
    "layers": len(image.get_layers()), "unharmed": raw(layer) == before, "before": sent(photograph),
    "selected": not Gimp.Selection.is_empty(image),
}}
"""


def cut(gimp: Gimp, path: str, action: str, setup: str = "", arguments: str = "") -> Any:
    """What became of the photograph; its "pixels" (H x W x 4) and those it had "before" (H x W x 3) as arrays."""
    answer = found(gimp, path, setup + CUT.format(action=action, arguments=arguments))
    _, _, width, height = answer["box"]
    answer["pixels"] = received(answer["pixels"], height).reshape(height, width, 4)
    answer["before"] = received(answer["before"], SIDE).reshape(SIDE, SIDE, 3)
    return answer


def test_the_background_is_removed_on_a_new_layer(console: Gimp, astronaut: str, subject: NDArray[np.uint8]) -> None:
    answer = cut(console, astronaut, "background")
    assert (answer["layers"], answer["unharmed"], answer["selected"]) == (2, True, False)
    assert answer["box"] == [0, 0, SIDE, SIDE]
    np.testing.assert_array_equal(answer["pixels"][..., 3], subject)
    whole = subject == 255
    np.testing.assert_array_equal(answer["pixels"][whole][:, :3], answer["before"][whole])


def test_the_background_is_removed_by_a_mask_and_what_one_hides_already_stays_hidden(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8]
) -> None:
    mask, joined, layers, offsets = found(
        console,
        astronaut,
        """
image.convert_precision(Gimp.Precision.U16_NON_LINEAR)
layer.set_offsets(-60, 45)
outcome = call("inlay-cutout-background", image, [layer], **{"as": "mask"})
assert outcome["status"] == "success", outcome
mask = layer.get_mask()
name = Babl.format_get_encoding(mask.get_format()).split()[0] + " u8"
data = mask.get_buffer().get(whole(mask), 1.0, name, Gegl.AbyssPolicy.NONE)
offsets = list(mask.get_offsets()[1:])
layer.remove_mask(Gimp.MaskApplyMode.DISCARD)
mask = layer.create_mask(Gimp.AddMaskType.WHITE)
layer.add_mask(mask)
half = whole(mask)
half.width //= 2
buffer = mask.get_buffer()
buffer.set(half, name, bytes(half.width * half.height))
buffer.flush()
outcome = call("inlay-cutout-background", image, [mask], **{"as": "mask"})
assert outcome["status"] == "success", outcome
joined = layer.get_mask().get_buffer().get(whole(layer), 1.0, name, Gegl.AbyssPolicy.NONE)
answer = [sent(data), sent(joined), len(image.get_layers()), offsets]
""",
    )
    assert overlap(received(mask, SIDE), subject) > 0.98
    assert (layers, offsets) == (1, [-60, 45])
    both = received(joined, SIDE)
    assert not both[:, : SIDE // 2].any()
    assert (both > 200).mean() > 0.02  # of what is left, something is the subject


def test_the_subject_is_cut_out_to_a_layer_no_larger_than_it(
    console: Gimp, astronaut: str, subject: NDArray[np.uint8]
) -> None:
    answer = cut(console, astronaut, "subject", "layer.set_offsets(30, 20)\n")
    x, y, width, height = answer["box"]
    rows, columns = subject.any(1).nonzero()[0], subject.any(0).nonzero()[0]
    assert (answer["name"], answer["layers"], answer["unharmed"]) == ("Subject", 2, True)
    assert (x, y) == (30 + columns[0], 20 + rows[0])
    assert (width, height) == (np.ptp(columns) + 1, np.ptp(rows) + 1)
    np.testing.assert_array_equal(
        answer["pixels"][..., 3], subject[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    )


def test_a_selection_says_what_is_cut_out(console: Gimp, astronaut: str) -> None:
    setup = "image.convert_precision(Gimp.Precision.FLOAT_LINEAR)\n"
    setup += "image.select_ellipse(Gimp.ChannelOps.REPLACE, 150, 10, 150, 180)\n"
    answer = cut(console, astronaut, "subject", setup)
    assert answer["box"] == [150, 10, 150, 180]
    assert answer["pixels"][90, 75, 3] == 255 and answer["pixels"][0, 0, 3] == 0


def test_the_manuals_script_runs(console: Gimp, astronaut: str) -> None:
    manual = (ROOT / "docs/gimp.md").read_text()
    script = re.findall(r"```python\n(.*?)```", manual, re.DOTALL)
    assert len(script) == 1
    code = script[0].replace("/path/photo.png", astronaut) + "\nanswer = sent(selection(image))\nimage.delete()\n"
    assert_is_the_person(received(console.run(code), SIDE))
