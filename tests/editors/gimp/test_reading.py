"""What is read of an image: the image below the layer, layers with masks, and only the part that matters."""

from __future__ import annotations

import pytest

from .harness import Gimp

pytestmark = pytest.mark.gimp

IMPORTS = """
import random
from dataclasses import replace
from plugin.client.actions import BY_NAME, Extent
from plugin.client.actions.parts import OPTIONAL_SELECTION
from plugin.gimp import buffers, checks, image as reading, results
random.seed(2)

def gather(action, image, layer):
    before = len(Gimp.get_images())
    image.clean_all()
    found = reading.gather(BY_NAME[action] if isinstance(action, str) else action, image, layer, {})
    assert len(Gimp.get_images()) == before and not image.is_dirty()
    return found
"""


def test_below_is_what_is_seen_without_the_layer_and_all_above_it(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
image = new_image(50, 40)
bottom = add_layer(image, 50, 40, alpha=False, name="bottom")
pixels = random.randbytes(50 * 40 * 3)
put(bottom, pixels)
group = add_group(image)
patch = add_layer(image, 10, 8, 12, 14, alpha=False, name="patch", parent=group)
put(patch, bytes([9]) * 240)
active = add_layer(image, 20, 20, 10, 10, alpha=False, name="active", parent=group)
for parent in (group, None):
    put(add_layer(image, 50, 40, parent=parent, name="above", alpha=False), bytes([200]) * 6000)
found = gather("paste.harmonize", image, active)
target, source = found["target"], found["source"]

expected = []
x, y, w, h = target.box
for row in range(y, y + h):
    for column in range(x, x + w):
        inside = 12 <= column < 22 and 14 <= row < 22
        expected.append(bytes([9] * 3) if inside else pixels[(row * 50 + column) * 3 :][:3])
step = target.format.bytes_per_pixel
seen = [bytes(target.data[i : i + 3]) for i in range(0, len(target.data), step)]
answer = [seen == expected, list(target.box), list(source.box), "selection" in found, len(image.get_layers())]
image.delete()
"""
    )
    assert answer == [True, [0, 0, 40, 40], [10, 10, 20, 20], False, 3]


def test_only_the_visible_part_of_a_pasted_layer_travels_and_its_mask_counts(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
image = new_image(100, 80)
add_layer(image, 100, 80, alpha=False)
pasted = add_layer(image, 100, 80, -10, 0)
data = bytearray(100 * 80 * 4)
for row in range(20, 40):
    data[(row * 100 + 30) * 4 : (row * 100 + 70) * 4] = bytes([50, 60, 70, 255]) * 40
put(pasted, bytes(data))
boxes = [list(gather("paste.harmonize", image, pasted)[name].box) for name in ("source", "target")]

mask = pasted.create_mask(Gimp.AddMaskType.WHITE)
pasted.add_mask(mask)
cover = bytearray([255]) * 8000
for row in range(80):
    cover[row * 100 + 40 : row * 100 + 100] = bytes(60)
buffer = mask.get_buffer()
buffer.set(whole(mask), Babl.format_get_encoding(mask.get_format()), bytes(cover))
buffer.flush()
source = gather("paste.harmonize", image, pasted)["source"]
answer = boxes + [list(source.box), bytes(source.data) == bytes([50, 60, 70, 255]) * 200, pasted.get_mask() is not None]
image.delete()
"""
    )
    assert answer == [[20, 20, 40, 20], [0, 0, 80, 60], [20, 20, 10, 20], True, True]


def test_a_selection_extent_is_the_selection_with_a_margin_inside_the_layer(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
image = new_image(100, 80)
layer = add_layer(image, 60, 50, 10, 10)
near = replace(BY_NAME["select.object"], extent=Extent.SELECTION, margin=0.5)
image.select_rectangle(Gimp.ChannelOps.REPLACE, 12, 20, 20, 10)
found = gather(near, image, layer)
cover = found["selection"]
x, y, w, h = cover.box
right = all(
    cover.data[(row - y) * w + column - x] == 255 * (12 <= column < 32 and 20 <= row < 30)
    for row in range(y, y + h) for column in range(x, x + w)
)
answer = [list(found["image"].box), list(cover.box), right]
image.delete()
"""
    )
    assert answer == [[10, 10, 32, 30], [10, 10, 32, 30], True]


def test_selections_and_layer_masks_are_set_as_they_are_in_every_precision(console: Gimp) -> None:
    wrong = console.run(
        IMPORTS
        + """
from plugin.client.actions import ResultKind
from plugin.client.messages import Output, Result
from plugin.client.image import PixelFormat, Raster

def set_to(kind, data, image, layer, combine="replace", box=(-3, 4, 32, 16)):
    raster = Raster(PixelFormat("Y", "u8"), box[2], box[3], data, box[0], box[1])
    results.apply(Result("job", (Output(kind, "mask", raster),)), image, layer, combine)

cover = random.sample(range(256), 256) * 2
data = bytes(cover)
answer = []
for precision in [getattr(Gimp.Precision, name) for name in dir(Gimp.Precision) if name.isupper()]:
    image = new_image(40, 30, RGB, precision)
    layer = add_layer(image, 20, 10, 5, 6)
    for combine, start in (("replace", 0), ("add", 1), ("subtract", 1), ("intersect", 1)):
        Gimp.Selection.none(image)
        if start:
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 10, 30)
        set_to(ResultKind.SELECTION, data, image, layer, combine)
        expected = bytearray(1200)
        for row in range(30):
            for column in range(40):
                new = data[(row - 4) * 32 + column + 3] if 4 <= row < 20 and column < 29 else 0
                old = 255 * (start and column < 10)
                joined = {"add": min(255, old + new), "subtract": max(0, old - new), "intersect": min(old, new)}
                expected[row * 40 + column] = joined.get(combine, new)
        if selection(image) != expected:
            answer.append([precision.value_nick, combine])
    set_to(ResultKind.LAYER_MASK, data, image, layer)
    mask = layer.get_mask()
    name = Babl.format_get_encoding(mask.get_format()).split()[0] + " u8"
    got = mask.get_buffer().get(whole(mask), 1.0, name, Gegl.AbyssPolicy.NONE)
    if got != b"".join(data[(row + 2) * 32 + 8 : (row + 2) * 32 + 28] for row in range(10)):
        answer.append([precision.value_nick, "mask"])
    if image.get_channels() or image.get_selected_layers() != [layer]:
        answer.append([precision.value_nick, "left over"])
    image.delete()
"""
    )
    assert wrong == []


def test_a_mask_is_not_set_where_it_is_disabled_nor_on_a_locked_layer(console: Gimp) -> None:
    messages = console.run(
        IMPORTS
        + """
from plugin.client.actions import ResultKind
action = replace(BY_NAME["select.colors"], result=ResultKind.LAYER_MASK)
image = new_image(40, 30)
layer = add_layer(image, 20, 10, 5, 6)
answer = []
def ask():
    try:
        checks.active_layer(action, image, [layer])
    except reading.ImageError as error:
        answer.append(str(error))
ask()
layer.set_lock_content(True)
ask()
layer.set_lock_content(False)
layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
ask()
layer.set_apply_mask(False)
ask()
image.delete()
"""
    )
    assert len(messages) == 2
    assert "pixels are locked" in messages[0] and "mask is disabled" in messages[1]


def test_a_result_whose_layer_is_gone_changes_nothing(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
from plugin.client.actions import ResultKind
from plugin.client.messages import Output, Result
from plugin.client.image import PixelFormat, Raster
image = new_image(40, 30)
layer = add_layer(image, 20, 10)
image.remove_layer(layer)
image.clean_all()
output = Output(ResultKind.SELECTION, "mask", Raster(PixelFormat("Y", "u8"), 1, 1, b"1"))
try:
    results.apply(Result("job", (output,)), image, layer)
except reading.ImageError as error:
    answer = [str(error), image.is_dirty(), Gimp.Selection.is_empty(image)]
image.delete()
"""
    )
    assert answer == [
        "The layer was removed while Inlay worked on it, so there is no place for the result.",
        False,
        True,
    ]


def test_every_kind_of_parameter_becomes_an_argument_and_a_value_again(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
from plugin.client.actions import Action, Input, Kind, Parameter, ResultKind, Source
from plugin.gimp import arguments
action = Action(
    "try.it", "Try", "Try It", "Tries it.", ResultKind.LAYER,
    (Input("the_other", Source.OTHER, "Other layer", required=False),),
    (
        Parameter("whole_number", Kind.INTEGER, 3, "Whole", "", 1, 9, unit=" px"),
        Parameter("part", Kind.NUMBER, 0.5, "Part", "", 0, 1),
        Parameter("on", Kind.SWITCH, True, "On", ""),
        Parameter("which", Kind.CHOICE, "b", "Which", "", choices=(("a", "The first"), ("b", "The second"))),
        Parameter("words", Kind.TEXT, "some words", "Words", ""),
        Parameter("file", Kind.FILE, "", "File", ""),
    ),
)
procedure = Gimp.ImageProcedure.new(Gimp.get_plug_in(), "inlay-try-it", Gimp.PDBProcType.PLUGIN, lambda *a: None, None)
arguments.declare(procedure, action)
config = procedure.create_config()
defaults = arguments.values(config, action)
image = new_image(5, 5)
layer = add_layer(image, 5, 5, name="chosen")
values = {"whole-number": 4, "part": 0.25, "on": False, "which": "a", "words": "é", "the-other": layer}
for name, value in values.items():
    config.set_property(name, value)
config.set_property("file", Gio.File.new_for_path("/tmp/style.png"))
chosen = arguments.chosen_layers(config, action)["the_other"]
names = [arguments.argument_name(field.name) for field, _ in arguments.labeled(action)]
answer = [
    names, action.check(defaults), action.check(arguments.values(config, action)),
    chosen.get_name(), procedure.find_argument("whole-number").nick,
]
image.delete()
"""
    )
    names, defaults, values, chosen, label = answer
    assert names == ["the-other", "whole-number", "part", "on", "which", "words", "file"]
    assert defaults == {"whole_number": 3, "part": 0.5, "on": True, "which": "b", "words": "some words", "file": ""}
    assert values == {
        "whole_number": 4, "part": 0.25, "on": False, "which": "a", "words": "é", "file": "/tmp/style.png",
    }  # fmt: skip
    assert (chosen, label) == ("chosen", "_Whole (px)")


HALF_MASK = """
def half_mask(layer):
    "A mask that hides the right half of the layer."
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    width, height = layer.get_width(), layer.get_height()
    right = Gegl.Rectangle.new(width // 2, 0, width - width // 2, height)
    name = Babl.format_get_encoding(mask.get_format()).split()[0] + " u8"
    buffer = mask.get_buffer()
    buffer.set(right, name, bytes(right.width * height))
    buffer.flush()
    return mask

def alpha(raster):
    step = len(raster.format.channels)
    return [raster.data[step - 1], raster.data[raster.width * step - 1]]
"""


def test_a_mask_counts_as_alpha_in_every_action_and_being_edited_stands_for_its_layer(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + HALF_MASK
        + """
image = new_image(40, 30)
below = add_layer(image, 40, 30, alpha=False)
layer = add_layer(image, 40, 30, alpha=False)
mask = half_mask(layer)
subject, clone = BY_NAME["select.subject"], BY_NAME["paste.clone"]
answer = [checks.active_layer(subject, image, [mask]) == layer]
answer.append(alpha(reading.gather(subject, image, layer, {})["image"]))
answer.append(alpha(reading.gather(clone, image, below, {"source": layer})["source"]))
layer.set_apply_mask(False)
answer.append(reading.gather(subject, image, layer, {})["image"].format.channels)
image.remove_layer(layer)
group = add_group(image)
add_layer(image, 40, 30, alpha=False, parent=group)
half_mask(group)
answer.append(alpha(reading.gather(subject, image, group, {})["image"]))
answer.append(len(Gimp.get_images()))
image.delete()
"""
    )
    assert answer[:5] == [True, [255, 0], [255, 0], "RGB", [255, 0]]
    assert answer[5] == 1


def test_a_fill_sees_what_is_visible_and_lies_above_the_fills_before_it(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
from plugin.client.actions import ResultKind
from plugin.client.messages import Output, Result
from plugin.client.image import PixelFormat, Raster
from plugin.gimp import fills

def plain(layer, color):
    channels = 4 if layer.has_alpha() else 3
    put(layer, bytes(color[:channels]) * (layer.get_width() * layer.get_height()))

def names():
    return [layer.get_name() for layer in image.get_layers()]

fill = BY_NAME["fill.selection"]
image = new_image(40, 30)
photograph = add_layer(image, 40, 30, alpha=False, name="photograph")
plain(photograph, (10, 20, 30, 255))
above = add_layer(image, 40, 30, name="text")
plain(above, (200, 0, 0, 255))
image.select_rectangle(Gimp.ChannelOps.REPLACE, 2, 2, 4, 4)
alone = reading.gather(fill, image, photograph, {})["image"]
answer = [alone.format.channels, bytes(alone.data[:3]) == bytes((10, 20, 30))]
first = Raster(PixelFormat("RGBA", "u8"), 4, 4, bytes((50, 60, 70, 255)) * 16, 2, 2)
outputs = tuple(Output(ResultKind.LAYER, name, first) for name in ("Fill 1 of 2", "Fill 2 of 2"))
results.apply(Result("job", outputs), image, photograph, fill=True)
answer.append(names())
made = image.get_layers()[1]
answer += [made == image.get_selected_layers()[0], [layer.get_visible() for layer in image.get_layers()]]
for active in (made, photograph):  # the fill is active, or the photograph below it: the same is seen
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 20, 4, 4)
    answer.append(checks.active_layer(fill, image, [active]) == active)
    seen = reading.gather(fill, image, active, {})["image"]
    pixel = lambda x, y: list(seen.data[((y - seen.y) * seen.width + x - seen.x) * 4:][:4])
    answer.append([pixel(3, 3), pixel(20, 20)])
results.apply(Result("job", (Output(ResultKind.LAYER, "Fill", first),)), image, photograph, fill=True)
answer.append(names())
answer.append(len(Gimp.get_images()))
image.delete()
"""
    )
    assert answer[:2] == ["RGB", True], "alone it is read as it is"
    assert answer[2] == ["text", "Fill 1 of 2", "Fill 2 of 2", "photograph"]
    assert answer[3:5] == [True, [True, True, False, True]]
    seen = [[50, 60, 70, 255], [10, 20, 30, 255]]
    assert answer[5:9] == [True, seen, True, seen]
    assert answer[9] == ["text", "Fill", "Fill 1 of 2", "Fill 2 of 2", "photograph"]
    assert answer[10] == 1


def test_a_selection_elsewhere_counts_as_none_where_none_is_needed(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
image = new_image(100, 80)
layer = add_layer(image, 30, 20, 10, 10, alpha=False)
image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 50, 20, 10)
answer = []
for name in ("select.subject", "cutout.background", "style.preset"):
    checks.active_layer(BY_NAME[name], image, [layer])
    answer.append(sorted(reading.gather(BY_NAME[name], image, layer, {})))
image.delete()
"""
    )
    assert answer == [["image"]] * 3


def test_an_indexed_image_is_read_as_a_copy_in_rgb(console: Gimp) -> None:
    answer = console.run(
        IMPORTS
        + """
image = new_image(40, 30)
layer = add_layer(image, 20, 10, 5, 6, alpha=False)
put(layer, bytes((200, 100, 50)) * 200)
image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 4, False, False, "")
image.clean_all()
checks.active_layer(BY_NAME["select.subject"], image, [layer])
found = reading.gather(BY_NAME["select.subject"], image, layer, {})["image"]
answer = [found.format.channels, list(found.data[:3]), list(found.box), image.is_dirty(), len(Gimp.get_images())]
image.delete()
"""
    )
    assert answer == ["RGB", [200, 100, 50], [5, 6, 20, 10], False, 1]
