"""Composing in the real GIMP: the subject of another layer placed on the image with its shadow."""

from __future__ import annotations

import numpy as np
import pytest

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
        opaque = [alpha(layers[name]) for name in ("Harmonized", "Contact shadow")]
        answer = [outcome, names, raw(background) == before, *opaque]
        image.delete()
        """,
        wait=200,
    )
    outcome, names, untouched, person, shade = answer
    assert outcome["status"] == "success", outcome
    assert names[1:3] == ["Harmonized", "Contact shadow"]
    assert untouched
    subject, shadow = received(person, 400), received(shade, 400)
    rows, columns = np.nonzero(subject > 127)
    assert abs(rows.max() - 0.95 * 400) <= 3
    assert abs((columns.min() + columns.max()) / 2 - 0.3 * 600) <= 4
    assert abs(rows.max() - rows.min() - 0.8 * 400) <= 4
    assert 120 < shadow.max() <= 154
    assert not shadow[:150].any()
