"""Layers with live filters are read as they are seen, and what comes back lies where it belongs."""

from __future__ import annotations

import pytest

from .harness import Gimp

pytestmark = pytest.mark.gimp

FILTERED = """
from plugin.client.actions import BY_NAME
from plugin.gimp import image as reading

def add_filter(layer, operation, **settings):
    effect = Gimp.DrawableFilter.new(layer, operation, operation)
    config = effect.get_config()
    for name, value in settings.items():
        config.set_property(name.replace("_", "-"), value)
    layer.append_filter(effect)
    effect.update()
    return effect

def spot(image, parent=None):
    "A red square in the middle of a layer that lies at 30, 20."
    layer = add_layer(image, 40, 40, 30, 20, parent=parent)
    data = bytearray(40 * 40 * 4)
    for row in range(10, 30):
        data[(row * 40 + 10) * 4 : (row * 40 + 30) * 4] = bytes([255, 0, 0, 255]) * 20
    put(layer, bytes(data))
    return layer

def seen(image):
    "What the canvas shows, RGBA."
    copy = image.duplicate()
    flat = copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    box = Gegl.Rectangle.new(-flat.get_offsets()[1], -flat.get_offsets()[2], 100, 80)
    data = flat.get_buffer().get(box, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)
    copy.delete()
    return data

def on_canvas(raster):
    "A raster's samples where the canvas is."
    out = bytearray(100 * 80 * 4)
    for row in range(raster.height):
        for column in range(raster.width):
            x, y = raster.x + column, raster.y + row
            if 0 <= x < 100 and 0 <= y < 80:
                out[(y * 100 + x) * 4 : (y * 100 + x) * 4 + 4] = raster.data[(row * raster.width + column) * 4 :][:4]
    return bytes(out)

def worst(a, b):
    "The largest difference of premultiplied samples."
    most = 0
    for i in range(0, len(a), 4):
        for c in range(3):
            most = max(most, abs(a[i + c] * a[i + 3] - b[i + c] * b[i + 3]) // 255)
        most = max(most, abs(a[i + 3] - b[i + 3]))
    return most
"""
OPERATIONS = {
    "a color": "add_filter(layer, 'gegl:invert-gamma')",
    "a blur that grows": "add_filter(layer, 'gegl:gaussian-blur', std_dev_x=6.0, std_dev_y=6.0)",
    "two": "add_filter(layer, 'gegl:invert-gamma'); add_filter(layer, 'gegl:gaussian-blur', std_dev_x=4.0)",
}


@pytest.mark.parametrize("filters", OPERATIONS.values(), ids=OPERATIONS.keys())
@pytest.mark.parametrize("kind", ["layer", "group"])
def test_a_layer_is_read_as_its_filters_show_it(console: Gimp, kind: str, filters: str) -> None:
    answer = console.run(
        FILTERED
        + f"""
image = new_image(100, 80)
layer = spot(image)
if {kind == "group"}:
    image.remove_layer(layer)
    layer = add_group(image)
    spot(image, layer)
{filters}
image.clean_all()
images = Gimp.get_images()
found = reading.gather(BY_NAME["diagnose.identity"], image, layer, {{}})["image"]
answer = [worst(on_canvas(found), seen(image)), len(layer.get_filters()), image.is_dirty(), Gimp.get_images() == images]
image.delete()
"""
    )
    assert answer[0] <= 2
    assert answer[1:] == [filters.count("add_filter"), False, True]


def test_the_result_of_a_layer_whose_filter_enlarges_it_lies_on_what_is_seen(console: Gimp) -> None:
    answer = console.run(
        FILTERED
        + """
image = new_image(100, 80)
layer = spot(image)
add_filter(layer, "gegl:dropshadow", x=12.0, y=9.0, radius=4.0)
before = seen(image)
outcome = call("inlay-diagnose-identity", image, [layer])
new = image.get_layers()[0]
layer.set_visible(False)
answer = [outcome["status"], new.get_name(), worst(seen(image), before), new.get_width() > 40, len(layer.get_filters())]
image.delete()
"""
    )
    assert answer[:2] == ["success", "There and back"]
    assert answer[2] <= 2
    assert answer[3:] == [True, 1]


def test_a_filter_that_is_switched_off_changes_nothing(console: Gimp) -> None:
    answer = console.run(
        FILTERED
        + """
image = new_image(100, 80)
layer = spot(image)
add_filter(layer, "gegl:invert-gamma").set_visible(False)
found = reading.gather(BY_NAME["diagnose.identity"], image, layer, {})["image"]
answer = bytes(found.data) == raw(layer)
image.delete()
"""
    )
    assert answer


def test_the_layer_picked_as_a_source_counts_with_its_filters(console: Gimp) -> None:
    answer = console.run(
        FILTERED
        + """
image = new_image(100, 80)
below = add_layer(image, 100, 80, alpha=False)
other = spot(image)
plain = reading.gather(BY_NAME["paste.subject"], image, below, {"source": other})
add_filter(other, "gegl:invert-gamma")
found = reading.gather(BY_NAME["paste.subject"], image, below, {"source": other})
changed = [name for name in found if bytes(found[name].data) != bytes(plain[name].data)]
answer = [changed, bytes(found[changed[0]].data[(15 * 40 + 15) * 4 :][:4]).hex()]
image.delete()
"""
    )
    assert answer[0] == ["source"]
    assert answer[1] == "00ffffff"
