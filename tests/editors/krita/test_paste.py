"""Composing in the real Krita: the subject of another layer placed on the image, a portrait in a painting, and a
subject carried from one document to another through the clipboard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from backend.imaging.arrays import UInt8Array
from tests.editors.display import painting
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import (
    add_hidden,
    ask_and_accept,
    choose_with_mouse,
    finish,
    open_photograph,
    screenshot,
)

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]


def compose(
    krita: Krita, folder: Path, action: str, values: dict[str, object], below: UInt8Array | None = None
) -> list[object]:
    """Run an action on an image (else the photograph of the coffee), 400 x 600, with the astronaut as the other layer;
    what was there before."""
    open_photograph(krita, folder, "below", data.coffee() if below is None else below)
    Image.fromarray(data.astronaut()).resize((320, 320)).save(folder / "astronaut.png")
    add_hidden(krita, folder / "astronaut.png", "Astronaut", (10, 20))
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


def samples(krita: Krita, layer: str) -> UInt8Array:
    """An 8-bit layer on the canvas, 400 x 600 x 4, BGRA."""
    flat = krita.get("bytes(node(layer).pixelData(0, 0, 600, 400)).hex()", layer=layer)
    return np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(400, 600, 4)


def opacity(krita: Krita, layer: str) -> UInt8Array:
    """Alpha of an 8-bit layer on the canvas, 400 x 600."""
    return samples(krita, layer)[..., 3]


def test_a_subject_is_placed_with_its_shadow_below_it(krita: Krita, tmp_path: Path) -> None:
    values = {"x": 30.0, "y": 95.0, "size": 80.0, "shadow": 60.0}
    before = compose(krita, tmp_path, "paste.subject", values)
    names = krita.until("len(names()) == 5 and names()", wait=120)
    assert names[1:4] == [
        "Astronaut, composited with shadow",
        "Astronaut, contact shadow",
        "Astronaut, composited",
    ]  # a group, and what is in it
    screenshot(krita, "place-subject")
    person = opacity(krita, "Astronaut, composited")
    rows, columns = np.nonzero(person > 127)
    assert abs(rows.max() - 0.95 * 400) <= 3
    assert abs((columns.min() + columns.max()) / 2 - 0.3 * 600) <= 4
    assert abs(rows.max() - rows.min() - 0.8 * 400) <= 4
    shadow = opacity(krita, "Astronaut, contact shadow")
    assert 120 < shadow.max() <= 154
    assert shadow[385:].any() and not shadow[:150].any()
    krita.run("K.action('edit_undo').trigger(); front().waitForDone()")
    krita.until("snapshot() == before", before=before)


def test_a_portrait_finds_its_own_place_in_a_painting(krita: Krita, tmp_path: Path) -> None:
    compose(krita, tmp_path, "paste.portrait", {"size": 60.0, "palette": 80.0})
    krita.until("len(names()) == 3", wait=120)
    rows, columns = np.nonzero(opacity(krita, "Astronaut, composited") > 127)
    assert rows.max() == 399  # she is cut off below in her photograph, too
    assert columns.min() > 300  # the cup is on the left


def test_a_portrait_is_painted_as_the_painting_is(krita: Krita, tmp_path: Path) -> None:
    found = []
    for style in ("colors", "painting"):
        below = np.array(painting())
        compose(krita, tmp_path, "paste.portrait", {"style": style, "place": "given", "size": 75.0, "x": 18.0}, below)
        krita.until("len(names()) == 3", wait=120)
        found.append(samples(krita, "Astronaut, composited").astype(int))
    screenshot(krita, "portrait-in-painting")
    colors, painted = found
    inside = colors[..., 3] == 255
    assert inside.sum() > 20000
    assert np.abs(colors - painted)[..., 3].max() <= 1  # the same person at the same place
    assert np.abs(colors - painted)[inside].mean() > 5


def test_a_subject_is_copied_from_one_document_to_another_and_blended(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "coffee", data.coffee())
    krita.run("front().setName('Coffee')")
    there_was = krita.get("snapshot()")
    Image.fromarray(data.astronaut()).resize((330, 330)).save(tmp_path / "astronaut-330.png")
    krita.run("open_file(path)", path=str(tmp_path / "astronaut-330.png"))
    krita.until("front().width() == 330 and front().activeNode() is not None")
    ask_and_accept(krita, "select.subject")
    krita.until("front().selection() is not None")
    krita.run("K.action('edit_copy').trigger(); front().waitForDone()")
    krita.run("bring_to_front('Coffee')")
    krita.until("front().name() == 'Coffee' and K.activeWindow().activeView().document() == front()")
    krita.run("K.action('edit_paste').trigger()")
    krita.until("len(names()) == 2 and front().activeNode().name() == names()[1]")
    krita.run("""
        pasted = front().activeNode()
        pasted.setName("Astronaut")
        box = pasted.bounds()
        pasted.move(pasted.position().x() + 20 - box.x(), pasted.position().y() + 400 - box.y() - box.height())
        front().refreshProjection(); front().waitForDone()
    """)
    pasted = opacity(krita, "Astronaut")
    choose_with_mouse(krita, "Tools", "Inlay", "Paste", "Harmonize Layer with Options…")
    krita.until("dialog() is not None", wait=10)
    krita.run("dialog().set_values({**dialog().values(), 'edge': 'object'})")
    krita.display.keys("Return")
    finish(krita)
    names = krita.until("len(names()) == 3 and names()", wait=120)
    screenshot(krita, "copied-subject")
    assert names[1:] == ["Astronaut", "Astronaut, harmonized"]
    assert np.abs(opacity(krita, "Astronaut, harmonized").astype(int) - pasted).max() <= 1  # the object's own soft edge
    before, after = (samples(krita, name)[pasted > 250][:, :3].astype(int) for name in names[1:])
    assert 3 < np.abs(after - before).mean() < 60  # its light has changed, not what it shows
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.9
    krita.run("K.action('edit_undo').trigger(); front().waitForDone()")
    krita.until("len(names()) == 2")
    assert krita.get("snapshot()")[0][0] == there_was[0][0]
    assert (opacity(krita, "Astronaut") == pasted).all()


WIDE, LINEAR = "LargeRGB-elle-V2-g22.icc", "sRGB-elle-V2-g10.icc"
SPACES = {
    "8 bit sRGB": None,
    "16 bit of a wide gamut": ("RGBA", "U16", WIDE),
    "linear floats": ("RGBA", "F32", LINEAR),
}


def harmonized(krita: Krita, folder: Path, space: tuple[str, str, str] | None) -> tuple[UInt8Array, UInt8Array]:
    """An ellipse of the astronaut, on a layer in a color space of its own, on the coffee in 8-bit sRGB: what is seen
    of it before and after Harmonize Layer, 160 x 240 x 3."""
    open_photograph(krita, folder, "coffee", np.asarray(Image.fromarray(data.coffee()).resize((240, 160))))
    rows, columns = np.mgrid[:100, :80]
    cut = np.hypot((rows - 50) / 48, (columns - 40) / 38) < 1
    person = Image.fromarray(data.astronaut()).crop((150, 0, 350, 250)).resize((80, 100))
    Image.fromarray(np.dstack([person, cut.astype(np.uint8) * 255])).save(folder / "cut.png")
    krita.run(
        """
        there = K.openDocument(path)
        if space:
            there.setColorSpace(*space)
            there.waitForDone()
        pixels = there.rootNode().childNodes()[0].pixelData(0, 0, 80, 100)
        layer = front().createNode("Cutout", "paintlayer")
        layer.setColorSpace(there.colorModel(), there.colorDepth(), there.colorProfile())
        answer = [layer.colorModel(), layer.colorDepth(), layer.colorProfile()]
        layer.setPixelData(pixels, 70, 30, 80, 100)
        there.close()
        front().rootNode().addChildNode(layer, front().rootNode().childNodes()[-1])
        front().waitForDone()
        assert not space or answer == list(space), [answer, K.profiles(space[0], space[1])]
        """,
        path=str(folder / "cut.png"),
        space=list(space or ()),
    )
    krita.until("names()[1:] == ['Cutout']")
    krita.run("front().setActiveNode(node('Cutout'))")
    krita.until("front().activeNode().name() == 'Cutout'")
    before = projection(krita)
    ask_and_accept(krita, "paste.harmonize", {"edge": "object"})
    krita.until("len(names()) == 3", wait=120)
    krita.run("node('Cutout').setVisible(False)")
    return before, projection(krita)


def projection(krita: Krita) -> UInt8Array:
    """What is seen of an 8-bit document of 240 x 160 pixels, blue first."""
    krita.run("front().refreshProjection(); front().waitForDone()")
    flat = bytes.fromhex(krita.get("bytes(front().pixelData(0, 0, 240, 160)).hex()"))
    return np.frombuffer(flat, np.uint8).reshape(160, 240, 4)[..., :3]


def test_a_layer_in_another_space_than_its_document_is_harmonized_alike(krita: Krita, tmp_path: Path) -> None:
    inside = np.s_[50:110, 92:128]
    before, expected = (x.astype(int) for x in harmonized(krita, tmp_path, SPACES["8 bit sRGB"]))
    change = np.abs(expected - before)[inside].mean()
    assert change > 3
    for name in ("16 bit of a wide gamut", "linear floats"):
        same, found = harmonized(krita, tmp_path, SPACES[name])
        assert np.abs(same - before)[inside].mean() < 1.5, name  # the layer itself looks as it did
        assert np.abs(found - expected)[inside].mean() < max(1.5, change / 4), name


def test_a_gray_layer_on_a_colored_document_takes_on_its_color(krita: Krita, tmp_path: Path) -> None:
    before, after = harmonized(krita, tmp_path, ("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc"))
    inside = np.s_[50:110, 92:128]
    assert np.ptp(before[inside], axis=2).max() <= 1
    assert krita.get("node('Cutout, harmonized').colorModel()") == "RGBA"
    assert np.ptp(after[inside], axis=2).mean() > 1
