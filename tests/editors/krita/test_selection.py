"""Selecting in the real Krita: objects one by one; strokes; other people; the sky."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.editors.krita.harness import Krita
from tests.editors.krita.test_docker import click_choice
from tests.editors.krita.user import add_hidden, ask_and_accept, finish, open_photograph, screenshot, selected
from tests.jobs import sky_of_evening, two_people

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]

BOTH = np.hstack([data.astronaut()[:300, 80:400], data.chelsea()])
FACE, FUR = (145, 120), (460, 170)  # x and y
ABOVE, ROCKET = np.s_[20:120, 220:420], np.s_[200:380, 314:330]  # of the photograph of the rocket


def undo(krita: Krita, times: int = 1) -> None:
    for _ in range(times):
        krita.run("K.action('edit_undo').trigger(); front().waitForDone()")


def test_one_of_the_objects_is_chosen_from_a_list(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "both", BOTH)
    krita.run("extension().ask(actions.BY_NAME['select.objects'])")
    krita.until("dialog() is not None and ok_button().isEnabled()", wait=250)
    rows = krita.run("""
        listed = dialog().findChild(QtWidgets.QListWidget)
        answer = [[*listed.item(i).text().split("\\n"), listed.item(i).icon().isNull()] for i in range(listed.count())]
    """)
    screenshot(krita, "select-objects")
    assert rows[0][0] == "All" and len(rows) >= 3
    notes = [row[1] for row in rows[1:]]
    assert not any(without for *_, without in rows[1:])
    cat = next(i for i, note in enumerate(notes, 1) if note.startswith("cat"))
    krita.display.keys(*["Down"] * cat, "Return")
    finish(krita)
    found = selected(krita, *BOTH.shape[:2])
    assert found[FUR[1], FUR[0]] > 200 and found[FACE[1], FACE[0]] < 50
    krita.run("show()")
    click_choice(krita, next(i for i, note in enumerate(notes, 1) if note.startswith("person")))  # in the docker
    krita.until("runner().job is None and selected()[at] > 200", at=FACE[1] * BOTH.shape[1] + FACE[0], wait=120)
    finish(krita)
    assert selected(krita, *BOTH.shape[:2])[FUR[1], FUR[0]] < 50
    screenshot(krita, "objects-in-docker")
    undo(krita)
    krita.until("not selected()")


def test_strokes_take_away_and_add(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "both", BOTH)
    painted = np.zeros((*BOTH.shape[:2], 4), np.uint8)
    painted[FACE[1] - 8 : FACE[1] + 8, FACE[0] - 20 : FACE[0] + 20] = (0, 200, 0, 255)
    painted[FUR[1] - 8 : FUR[1] + 8, FUR[0] - 40 : FUR[0] + 40] = (230, 0, 0, 255)
    Image.fromarray(painted).save(tmp_path / "strokes.png")
    add_hidden(krita, tmp_path / "strokes.png", "Strokes")
    krita.run("select([380, 60, 200, 200])")  # the cat's face
    before = krita.get("snapshot()")
    krita.run("""
        node("Strokes").setVisible(True); front().refreshProjection(); front().waitForDone()
        strokes = node("Strokes").uniqueId().toString()
        extension().run(actions.BY_NAME["select.strokes"], {}, {"strokes": strokes})
    """)
    finish(krita)
    found = selected(krita, *BOTH.shape[:2])
    screenshot(krita, "strokes")
    assert found[FACE[1], FACE[0]] == 255 and found[FUR[1], FUR[0]] == 0
    undo(krita)
    krita.run("node('Strokes').setVisible(False); front().refreshProjection(); front().waitForDone()")
    krita.until("snapshot() == before", before=before)


def test_other_people_are_all_but_the_subject(krita: Krita, tmp_path: Path) -> None:
    people = two_people(800)
    open_photograph(krita, tmp_path, "people", people)
    ask_and_accept(krita, "select.other_people")
    found = selected(krita, *people.shape[:2])
    screenshot(krita, "other-people")
    width = found.shape[1]
    assert found[:, width * 5 // 8 :].mean() > 40 > 5 > found[:, : width // 2].mean()
    undo(krita)
    krita.until("not selected()")


def test_the_sky_is_selected_and_another_one_put_there(krita: Krita, tmp_path: Path) -> None:
    rocket, evening = data.rocket(), sky_of_evening()
    height, width = rocket.shape[:2]
    open_photograph(krita, tmp_path, "rocket", rocket)
    Image.fromarray(evening).save(tmp_path / "evening.png")
    add_hidden(krita, tmp_path / "evening.png", "Evening")
    before = krita.get("snapshot()")
    ask_and_accept(krita, "select.sky")
    found = selected(krita, height, width)
    screenshot(krita, "select-sky")
    assert found[ABOVE].mean() > 200 > 60 > found[ROCKET].mean()
    undo(krita)
    krita.until("not selected()")
    krita.run("""
        evening = node("Evening").uniqueId().toString()
        extension().run(actions.BY_NAME["paste.sky"], {"strength": 60.0}, {"sky": evening})
    """)
    finish(krita)
    krita.until("len(names()) == 3", wait=120)
    screenshot(krita, "replaced-sky")
    flat = krita.get("bytes(node(names()[-1]).pixelData(0, 0, width, height)).hex()", width=width, height=height)
    pixels = np.frombuffer(bytes.fromhex(flat), np.uint8).reshape(height, width, 4)[..., 2::-1].astype(int)
    assert (pixels[ABOVE][..., 0] - pixels[ABOVE][..., 2]).mean() > 30, "red as the evening, not blue as the night"
    undo(krita)
    krita.until("snapshot() == before", before=before)
