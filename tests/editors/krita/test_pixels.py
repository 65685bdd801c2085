"""Layers, selections and masks of the real Krita against what is read from them and put into them."""

from __future__ import annotations

import pytest

from tests.editors.krita.harness import Krita

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)
SPACES = [(model, depth) for model in ("RGBA", "GRAYA") for depth in ("U8", "U16", "F16", "F32")]


@pytest.mark.parametrize(("model", "depth"), SPACES)
def test_a_layer_that_is_read_and_added_is_the_same_bytes_in_the_same_place(
    krita: Krita, model: str, depth: str
) -> None:
    krita.run("open_document(60, 40, model, depth)", model=model, depth=depth)
    krita.run("add_layer('source', [-7, 5, 31, 23])")
    read = krita.run("""
        origin = document.check(actions.BY_NAME["diagnose.identity"], front())
        raster = document.gather(actions.BY_NAME["diagnose.identity"], origin, {})["image"]
        results.apply(Result("", (Output(actions.ResultKind.LAYER, "copy", raster),)), origin, "replace")
        answer = {"box": raster.box, "linear": raster.format.linear, "profile": front().colorProfile()}
    """)
    found = krita.run("""
        new, old = node("copy"), node("source")
        box = (-50, -50, 200, 200)
        answer = {
            "equal": new.pixelData(*box) == old.pixelData(*box),
            "space": [new.colorModel(), new.colorDepth(), new.colorProfile() == old.colorProfile()],
            "names": names(),
        }
    """)
    assert found["equal"]
    assert found["space"] == [model, depth, True]
    assert found["names"] == ["Background", "source", "copy"]
    assert read["box"] == [-7, 5, 31, 23]
    assert read["linear"] == ("g10" in read["profile"])


def test_the_color_profile_travels(krita: Krita) -> None:
    krita.run("open_document(8, 8, 'RGBA', 'U16', 'sRGB-elle-V2-g10.icc')")
    profile = krita.get("profiles.profile_bytes('RGBA', front().colorProfile()).hex()")
    assert bytes.fromhex(profile)[36:40] == b"acsp"  # the signature of every ICC profile


@pytest.mark.parametrize(
    ("channels", "depth", "sample", "expected"),
    [
        ("RGB", "u8", "010203", "030201ff"),
        ("RGBA", "u16", "010002000300ff7f", "030002000100ff7f"),
        ("BGR", "f32", "0000803f0000003f00000000", "000000000000003f0000803f0000803f"),
        ("Y", "u8", "2a", "2a2a2aff"),
        ("YA", "f16", "0038003a", "003800380038003a"),
    ],
)
def test_a_result_in_another_order_becomes_a_layer_in_kritas(
    krita: Krita, channels: str, depth: str, sample: str, expected: str
) -> None:
    krita.run("open_document(20, 10)")
    found = krita.run(
        """
        origin = document.check(actions.BY_NAME["diagnose.identity"], front())
        raster = Raster(PixelFormat(channels, depth), 3, 2, bytes.fromhex(sample) * 6, 4, 1)
        results.apply(Result("", (Output(actions.ResultKind.LAYER, "new", raster),)), origin, "replace")
        new = node("new")
        answer = [bytes(new.pixelData(4, 1, 1, 1)).hex(), str(new.bounds()).split("QRect")[1], new.colorDepth()]
        """,
        channels=channels, depth=depth, sample=sample,
    )  # fmt: skip
    assert found == [expected, "(4, 1, 3, 2)", depth.upper()]


COMBINED = {
    "replace": lambda old, new: new,
    "add": lambda old, new: old | new,
    "subtract": lambda old, new: old - new,
    "intersect": lambda old, new: old & new,
}


@pytest.mark.smoke
@pytest.mark.parametrize("combine", list(COMBINED))
def test_a_selection_joins_the_current_one_and_one_undo_brings_that_back(krita: Krita, combine: str) -> None:
    krita.run("open_document(40, 20)")
    krita.run("K.action('select_all').trigger()")
    krita.run("K.action('deselect').trigger(); front().waitForDone(); select([5, 5, 20, 10])")
    before = krita.get("selected().hex()")
    krita.run(
        """
        origin = document.check(actions.BY_NAME["select.colors"], front())
        raster = Raster(PixelFormat("Y", "u8"), 20, 10, b"\\xff" * 200, 15, 8)
        results.apply(Result("", (Output(actions.ResultKind.SELECTION, "", raster),)), origin, combine)
        """,
        combine=combine,
    )
    old = {(x, y) for x in range(5, 25) for y in range(5, 15)}
    new = {(x, y) for x in range(15, 35) for y in range(8, 18)}
    mask = bytes.fromhex(krita.get("selected().hex()"))
    assert {(i % 40, i // 40) for i, value in enumerate(mask) if value} == COMBINED[combine](old, new)
    assert set(mask) == {0, 255}
    krita.run("K.action('edit_undo').trigger()")
    krita.until("selected().hex() == before", before=before)


def test_soft_selections_are_exact(krita: Krita) -> None:
    krita.run("open_document(16, 16)")
    krita.run("""
        origin = document.check(actions.BY_NAME["select.colors"], front())
        raster = Raster(PixelFormat("Y", "u8"), 16, 16, bytes(range(256)))
        results.apply(Result("", (Output(actions.ResultKind.SELECTION, "", raster),)), origin, "replace")
    """)
    assert krita.get("selected().hex()") == bytes(range(256)).hex()
    assert krita.get("bytes(document.read_selection(front(), Box(2, 3, 5, 1)).data).hex()") == "3233343536"


@pytest.mark.smoke
def test_undoing_a_first_selection_leaves_none(krita: Krita) -> None:
    krita.run("open_document(16, 16)")
    krita.run("""
        origin = document.check(actions.BY_NAME["select.colors"], front())
        raster = Raster(PixelFormat("Y", "u8"), 16, 16, b"\\xff" * 256)
        results.apply(Result("", (Output(actions.ResultKind.SELECTION, "", raster),)), origin, "replace")
    """)
    assert krita.get("len(selected())") == 256
    krita.run("K.action('edit_undo').trigger()")
    krita.until("not selected()")


def test_a_selection_that_was_set_is_changed_and_undone_like_a_users_own(krita: Krita) -> None:
    krita.run("open_document(16, 16)")
    krita.run("select([0, 0, 4, 4])")
    krita.run("""
        origin = document.check(actions.BY_NAME["select.colors"], front())
        raster = Raster(PixelFormat("Y", "u8"), 16, 16, bytes(range(256)))
        results.apply(Result("", (Output(actions.ResultKind.SELECTION, "", raster),)), origin, "replace")
        K.action("invert_selection").trigger(); front().waitForDone()
    """)
    krita.until(f"selected().hex() == {bytes(range(255, -1, -1)).hex()!r}")
    krita.run("K.action('edit_undo').trigger()")
    krita.until(f"selected().hex() == {bytes(range(256)).hex()!r}")
    krita.run("K.action('edit_undo').trigger()")
    krita.until("selected().count(255) == 16")


@pytest.mark.smoke
@pytest.mark.parametrize("with_selection", [False, True])
def test_a_layer_mask_is_added_and_one_undo_takes_it_away(krita: Krita, with_selection: bool) -> None:
    krita.run("open_document(40, 20)")
    krita.run("add_layer('photo', [0, 0, 40, 20])")
    if with_selection:
        krita.run("select([3, 3, 5, 5])")
    before = krita.get("snapshot()")
    krita.run("""
        origin = document.check(actions.BY_NAME["diagnose.identity"], front())
        raster = Raster(PixelFormat("Y", "u8"), 16, 16, bytes(range(256)), 10, 2)
        results.apply(Result("", (Output(actions.ResultKind.LAYER_MASK, "cut", raster),)), origin, "replace")
    """)
    mask = bytes.fromhex(krita.get("bytes(node('photo').childNodes()[0].pixelData(0, 0, 40, 20)).hex()"))
    inside = bytes(mask[(2 + i // 16) * 40 + 10 + i % 16] for i in range(256))
    assert inside == bytes(range(256))
    assert sum(mask) == sum(range(256))
    krita.run("K.action('edit_undo').trigger()")
    krita.until("snapshot() == before", before=before)


def test_what_is_below_is_seen_without_touching_the_image(krita: Krita) -> None:
    krita.run("open_document(30, 20)")
    krita.run("add_layer('below', [0, 0, 30, 20], 2); K.action('flatten_image').trigger(); front().waitForDone()")
    krita.run("""
        group = front().createGroupLayer("group")
        front().rootNode().addChildNode(group, front().rootNode().childNodes()[-1])
    """)
    krita.run("""
        add_layer("inner", [2, 2, 10, 10], 3, node("group")); add_layer("pasted", [4, 4, 12, 12], 4)
        front().waitForDone()
    """)
    krita.run("""
        moved = node("pasted"); front().rootNode().removeChildNode(moved)
        node("group").addChildNode(moved, node("inner")); add_layer("above", [0, 0, 30, 20], 5)
    """)
    krita.run("front().setActiveNode(node('pasted')); front().waitForDone(); front().setModified(False)")
    before = krita.get("snapshot()")
    undo = krita.get("K.action('edit_undo').text()")
    found = krita.run("""
        opened = len(K.documents())
        seen = document.read_below(front(), node("pasted").uniqueId().toString(), Box(0, 0, 30, 20))
        modified = front().modified()
        node("pasted").setVisible(False); node("above").setVisible(False)
        front().refreshProjection(); front().waitForDone()
        answer = [bytes(seen.data) == bytes(front().pixelData(0, 0, 30, 20)), modified, len(K.documents()) - opened]
        node("pasted").setVisible(True); node("above").setVisible(True)
    """)
    assert found == [True, False, 0]
    assert krita.get("snapshot()") == before
    assert krita.get("K.action('edit_undo').text()") == undo
