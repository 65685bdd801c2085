"""Composing in the real Krita: the subject of another layer placed on the picture, and a portrait in a painting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.editors.krita.harness import Krita
from tests.editors.krita.person import Grey, finish, open_photograph, picture

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


def compose(krita: Krita, folder: Path, action: str, values: dict[str, object]) -> list[object]:
    """Run an action on the photograph of the coffee with the astronaut as the other layer; what was there before."""
    open_photograph(krita, folder, "coffee", data.coffee())
    Image.fromarray(data.astronaut()).resize((320, 320)).save(folder / "astronaut.png")
    krita.run("import_picture(path, 'Astronaut', 10, 20)", path=str(folder / "astronaut.png"))
    krita.until("'Astronaut' in names()")
    krita.run("front().setActiveNode(node(names()[0])); node('Astronaut').setVisible(False)")
    krita.until("front().activeNode().name() == names()[0]")
    krita.run("front().refreshProjection(); front().waitForDone()")
    before = krita.get("snapshot()")
    krita.run(
        """
        source = node("Astronaut").uniqueId().toString()
        extension().run(actions.BY_NAME[action], values, {"source": source})
        """,
        action=action,
        values=values,
    )
    finish(krita)
    assert isinstance(before, list)
    return before


def opacity(krita: Krita, layer: str) -> Grey:
    """Alpha of an 8-bit layer on the canvas, 400 x 600."""
    flat = krita.get("bytes(node(layer).pixelData(0, 0, 600, 400)).hex()", layer=layer)
    return np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(400, 600, 4)[..., 3]


def test_a_subject_is_placed_with_its_shadow_below_it(krita: Krita, tmp_path: Path) -> None:
    values = {"x": 30.0, "y": 95.0, "size": 80.0, "shadow": 60.0}
    before = compose(krita, tmp_path, "paste.subject", values)
    names = krita.until("len(names()) == 4 and names()", wait=120)
    assert names[1:3] == ["Contact shadow", "Blended"]
    picture(krita, "place-subject")
    person = opacity(krita, "Blended")
    rows, columns = np.nonzero(person > 127)
    assert abs(rows.max() - 0.95 * 400) <= 3
    assert abs((columns.min() + columns.max()) / 2 - 0.3 * 600) <= 4
    assert abs(rows.max() - rows.min() - 0.8 * 400) <= 4
    shadow = opacity(krita, "Contact shadow")
    assert 120 < shadow.max() <= 154
    assert shadow[385:].any() and not shadow[:150].any()
    for _ in range(2):
        krita.run("K.action('edit_undo').trigger(); front().waitForDone()")
    krita.until("snapshot() == before", before=before)


def test_a_portrait_finds_its_own_place_in_a_painting(krita: Krita, tmp_path: Path) -> None:
    compose(krita, tmp_path, "paste.portrait", {"size": 60.0, "palette": 80.0})
    krita.until("len(names()) == 3", wait=120)
    picture(krita, "portrait-in-painting")
    rows, columns = np.nonzero(opacity(krita, "Blended") > 127)
    assert rows.max() == 399  # she is cut off below in her photograph, too
    assert columns.min() > 300  # the cup is on the left
