"""Composing in the real GIMP: the subject of another layer placed on the image with its shadow; documents in other
color spaces."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from tests.imaging.color.icc_profiles import LINEAR, WIDE

from .harness import Gimp, received

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]


def test_a_subject_of_another_image_is_placed_with_its_shadow_below_it(
    console: Gimp, photographs: dict[str, str]
) -> None:
    answer = console.run(
        f"""
        image = open_image({photographs["coffee"]!r})
        background = image.get_layers()[0]
        before = raw(background)
        file = Gio.File.new_for_path({photographs["astronaut"]!r})
        other = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
        image.insert_layer(other, None, 0)
        other.scale(320, 320, False)
        other.set_visible(False)
        outcome = call(
            "inlay-paste-subject", image, [background], source=other, x=30.0, y=95.0, size=80.0, shadow=60.0
        )
        names = [layer.get_name() for layer in image.get_layers()]

        def alpha(layer):
            "Its alpha on the canvas."
            _, x, y = layer.get_offsets()
            box = Gegl.Rectangle.new(-x, -y, image.get_width(), image.get_height())
            data = layer.get_buffer().get(box, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)
            return sent(bytes(data[3::4]))

        layers = {{layer.get_name(): layer for layer in image.get_layers()}}
        opaque = [alpha(layers[name]) for name in ("Astronaut, composited", "Astronaut, contact shadow")]
        answer = [outcome, names, raw(background) == before, *opaque]
        image.delete()
        """,
        wait=200,
    )
    outcome, names, untouched, person, shade = answer
    assert outcome["status"] == "success", outcome
    assert names[1:3] == ["Astronaut, composited", "Astronaut, contact shadow"]
    assert untouched
    subject, shadow = received(person, 400), received(shade, 400)
    rows, columns = np.nonzero(subject > 127)
    assert abs(rows.max() - 0.95 * 400) <= 3
    assert abs((columns.min() + columns.max()) / 2 - 0.3 * 600) <= 4
    assert abs(rows.max() - rows.min() - 0.8 * 400) <= 4
    assert 120 < shadow.max() <= 154
    assert not shadow[:150].any()


SHOWN = """
import base64
INTENT = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
image = open_image({path!r})
image.scale(240, 160)
below = image.get_layers()[0]
layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path({other!r}))
image.insert_layer(layer, None, 0)
layer.scale(120, 120, False)
layer.add_alpha()
layer.set_offsets(60, 20)
image.select_ellipse(Gimp.ChannelOps.REPLACE, 85, 25, 70, 90)
Gimp.Selection.invert(image)
layer.edit_clear()
Gimp.Selection.none(image)
icc = base64.b64decode({icc!r})
if {gray}:
    image.convert_grayscale()
if {precision!r}:
    image.convert_precision(getattr(Gimp.Precision, {precision!r}))
if icc:
    image.convert_color_profile(Gimp.ColorProfile.new_from_icc_profile(icc), INTENT, False)

def seen():
    "What is visible, as sRGB."
    copy = image.duplicate()
    shown = copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    if {gray}:
        copy.convert_rgb()
    copy.convert_precision(Gimp.Precision.U16_NON_LINEAR)
    copy.convert_color_profile(Gimp.ColorProfile.new_rgb_srgb(), INTENT, False)
    rectangle = Gegl.Rectangle.new(0, 0, 240, 160)
    pixels = sent(shown.get_buffer().get(rectangle, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))
    copy.delete()
    return pixels

before = seen()
outcome = call("inlay-paste-harmonize", image, [layer], edge="object")
assert outcome["status"] == "success", outcome
layer.set_visible(False)
answer = [before, seen(), [other.get_name() for other in image.get_layers()]]
image.delete()
"""
SPACES = {
    "sRGB": (b"", "", False),
    "linear light": (b"", "U16_LINEAR", False),
    "linear profile": (LINEAR, "U16_NON_LINEAR", False),
    "ProPhoto": (WIDE, "U16_NON_LINEAR", False),
    "gray": (b"", "", True),
}


def harmonized(gimp: Gimp, photographs: dict[str, str], space: str) -> list[np.ndarray]:
    """An ellipse of the astronaut on the coffee, before and after Harmonize Layer in a document of a color space."""
    icc, precision, gray = SPACES[space]
    code = SHOWN.format(
        path=photographs["coffee"], other=photographs["astronaut"], icc=base64.b64encode(icc).decode(),
        precision=precision, gray=gray,
    )  # fmt: skip
    *seen, names = gimp.run(code, wait=120)
    assert len(names) == 3
    return [received(pixels, 160).reshape(160, 240, 3).astype(int) for pixels in seen]


def test_documents_in_other_spaces_are_harmonized_alike(console: Gimp, photographs: dict[str, str]) -> None:
    inside = np.s_[45:95, 100:140]
    before, expected = harmonized(console, photographs, "sRGB")
    change = np.abs(expected - before)[inside].mean()
    assert change > 3
    for space in ("linear light", "linear profile", "ProPhoto"):
        same, found = harmonized(console, photographs, space)
        assert np.abs(same - before)[inside].mean() < 1.5, space
        assert np.abs(found - expected)[inside].mean() < max(1.5, change / 4), space


def test_a_gray_document_stays_gray(console: Gimp, photographs: dict[str, str]) -> None:
    before, after = harmonized(console, photographs, "gray")
    assert np.ptp(after, axis=2).max() <= 1
    assert np.abs(after - before)[45:95, 100:140].mean() > 0.5
