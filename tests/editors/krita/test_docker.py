"""The docker of the real Krita: one click to a result, the result changed afterwards, words that agree, no jumping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from tests.editors.krita.harness import Krita
from tests.editors.krita.test_jobs import run_identity, wait_for_worker
from tests.editors.krita.test_layers import halves, select_by_color, texture
from tests.editors.krita.user import choose_with_mouse, finish, open_photograph, press_shortcut, screenshot, selected

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


def click(krita: Krita, name: str) -> None:
    """Click on a part of the docker."""
    x, y = krita.run(
        """
        part = docker_child(name)
        center = part.mapToGlobal(part.rect().center())
        answer = [center.x(), center.y()]
        """,
        name=name,
    )
    krita.display.click(x, y)


def click_choice(krita: Krita, row: int) -> None:
    """Click on a thumbnail of the last result's choices."""
    x, y = krita.run(
        """
        listed = docker_child("inlay-live-choices")
        center = listed.viewport().mapToGlobal(listed.visualItemRect(listed.item(row)).center())
        answer = [center.x(), center.y()]
        """,
        row=row,
    )
    krita.display.click(x, y)


def test_a_button_selects_the_subject_at_once(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    click(krita, "inlay-select-subject")
    krita.until("bool(selected())", wait=120)
    finish(krita)
    found = selected(krita, 512, 512) > 127
    assert found[80:200, 190:260].mean() > 0.9  # her face
    screenshot(krita, "docker")


def test_a_shortcut_selects_the_subject_at_once(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "astronaut", data.astronaut())
    press_shortcut(krita, "ctrl+alt+shift+s")
    krita.until("bool(selected())", wait=120)
    assert krita.get("dialog() is None")
    finish(krita)


def test_no_default_shortcut_of_inlay_is_anybody_elses(krita: Krita) -> None:
    twice = krita.run("""
        owners = {}
        for action in K.actions():
            for keys in action.shortcuts():
                owners.setdefault(keys.toString(), set()).add(action.objectName())
        ours = {keys: sorted(names) for keys, names in owners.items() if any(n.startswith("inlay") for n in names)}
        answer = ours
    """)
    assert len(twice) == 5
    assert all(len(names) == 1 for names in twice.values()), twice


def test_the_last_selection_is_grown_and_feathered_in_place(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    krita.run("select([3, 4, 40, 20])")
    before = selected(krita, 40, 64)
    select_by_color(krita)
    first = selected(krita, 40, 64) > 127
    krita.until("docker_child('inlay-live-grow').isEnabled()")
    krita.run("show()")
    click(krita, "inlay-live-grow")
    krita.display.keys("ctrl+a", "4", "Return")
    larger = "runner().job is None and sum(value > 127 for value in selected()) > count"
    krita.until(larger, count=int(first.sum()), wait=60)
    finish(krita)
    grown = selected(krita, 40, 64) > 127
    assert (grown | ~first).all()
    assert 3 * 40 <= grown.sum() - first.sum() <= 5 * 40  # about four columns more
    press_shortcut(krita, "ctrl+z")
    krita.until("selected() == bytes.fromhex(before)", before=np.ascontiguousarray(before).tobytes().hex())


def test_a_selection_made_by_hand_is_not_replaced(krita: Krita, tmp_path: Path) -> None:
    open_photograph(krita, tmp_path, "halves", halves())
    select_by_color(krita)
    krita.run("select([3, 4, 40, 20])")
    mine = selected(krita, 40, 64)
    krita.run("docker_child('inlay-live-feather').setValue(5.0)")
    krita.until("not docker_child('inlay-live-feather').isEnabled()")
    assert krita.get("runner().job is None")
    assert (selected(krita, 40, 64) == mine).all()


def test_a_variant_is_chosen_and_the_image_before_is_seen_again(krita: Krita, tmp_path: Path) -> None:
    image = texture()
    image[60:90, 50:80] = (220, 30, 30)
    open_photograph(krita, tmp_path, "meadow", image)
    seen = "digest(bytes(front().pixelData(0, 0, 220, 150)))"
    before = krita.get(seen)
    krita.run("select([46, 56, 38, 38])")
    choose_with_mouse(krita, "Tools", "Inlay", "Fill", "Content-Aware Fill with Options…")
    krita.until("dialog() is not None", wait=10)
    krita.run("dialog().set_values({**dialog().values(), 'variants': 3, 'method': 'patches'})")
    krita.display.keys("Return")
    finish(krita)
    krita.until("front().activeNode().name() == 'Fill 1 of 3'")
    first = krita.get(seen)
    krita.run("show()")
    colors = krita.run("""
        listed = docker_child("inlay-live-choices")
        images = [listed.item(row).icon().pixmap(40, 40).toImage() for row in range(listed.count())]
        answer = [len({image.pixel(x, y) for x in range(40) for y in range(40)}) for image in images]
    """)
    assert len(colors) == 3 and min(colors) > 50  # thumbnails, not blanks
    click_choice(krita, 2)
    krita.until("front().activeNode().name() == 'Fill 3 of 3'")
    screenshot(krita, "variants")
    krita.until(f"{seen} not in known", known=[before, first])
    click(krita, "inlay-live-show")
    krita.until(f"{seen} == before", before=before)
    click(krita, "inlay-live-show")
    krita.until(f"{seen} not in known", known=[before, first])


def test_what_the_docker_says_agrees_and_nothing_in_it_moves(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("show()")
    krita.until("runner().status is not None")
    places = """[
        [part.x(), part.y(), part.width(), part.height()]
        for part in map(docker_child, ("inlay-state", "inlay-message-line", "inlay-progress", "inlay-queue"))
    ]"""
    idle = krita.get(places)
    assert krita.get("[docker_child('inlay-state').text(), docker_child('inlay-message-line').text()]") == [
        "Backend: ready on " + krita.get("runner().status.device"), "No job is running.",
    ]  # fmt: skip
    run_identity(krita, seconds=8)
    krita.until("runner().fraction > 0.3")
    assert krita.get("docker_child('inlay-state').text()").startswith("Backend: working")
    assert " left" in krita.until("docker_child('inlay-progress').text()")
    assert krita.get(places) == idle
    krita.run("runner().cancel()")
    run_identity(krita, fault="error")
    assert krita.until("message()")
    assert krita.get(places) == idle
    assert krita.get("docker_child('inlay-state').text()").startswith("Backend: ready")


def test_the_log_is_read_inside_the_docker(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("show()")
    click(krita, "inlay-show-log")
    shown = "docker_child('inlay-backend-log').isVisible()"
    krita.until(f"{shown} and len(docker_child('inlay-backend-log').toPlainText()) > 20")
    click(krita, "inlay-show-log")
    krita.until(f"not {shown}")
