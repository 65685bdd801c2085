"""Results wait for the user's hand in the real Krita, jobs for each other; what nobody waits for is cancelled."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.editors.krita.harness import Krita
from tests.editors.krita.test_jobs import run_identity, wait_for_worker
from tests.editors.krita.test_layers import texture
from tests.editors.krita.user import choose_with_mouse, finish, open_photograph, press_shortcut

pytestmark = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)


def test_a_result_waits_until_the_stroke_that_is_being_drawn_is_over(krita: Krita, tmp_path: Path) -> None:
    wait_for_worker(krita)
    open_photograph(krita, tmp_path, "meadow", texture())
    krita.run("K.action('KritaShape/KisToolBrush').trigger()")
    krita.run("K.activeWindow().activeView().setForeGroundColor(black())")
    x, y = krita.get("canvas_point(20, 75)")
    end = krita.get("canvas_point(200, 75)")
    before = krita.get("digest(bytes(node(names()[0]).pixelData(0, 0, 220, 150)))")
    run_identity(krita, seconds=1)
    krita.display.xdotool("mousemove", "--sync", x, y, "mousedown", 1)
    krita.display.xdotool("mousemove", "--sync", (x + end[0]) // 2, y)
    krita.until("runner().job is None", wait=60)  # the result is there
    time.sleep(1)
    assert krita.get("len(names())") == 1
    krita.display.xdotool("mousemove", "--sync", end[0], y)
    time.sleep(0.3)
    krita.display.xdotool("mouseup", 1)
    krita.until("'There and back' in names()")
    krita.run("front().waitForDone()")
    drawn = "bytes(node(names()[0]).pixelData(x, 75, 1, 1))[:3]"
    assert krita.get("digest(bytes(node(names()[0]).pixelData(0, 0, 220, 150)))") != before
    assert krita.get(f"[max({drawn}) < 60 for x in (60, 110, 160, 190)]") == [True] * 4


def test_jobs_are_queued_and_the_queue_is_shown(krita: Krita) -> None:
    wait_for_worker(krita)
    count = krita.get("names().count('There and back')")
    krita.run("show()")
    run_identity(krita, seconds=2)
    run_identity(krita)
    run_identity(krita)
    rows = "[docker_child('inlay-queue').item(i).text() for i in range(docker_child('inlay-queue').count())]"
    assert krita.get(rows) == ["Waiting: Round Trip"] * 2
    assert krita.get("message()") == ""
    krita.until("runner().job is None and not runner().queue", wait=60)
    krita.until("names().count('There and back') == count", count=count + 3)
    assert krita.get(rows) == []


def test_what_is_chosen_meanwhile_is_done_afterwards(krita: Krita, tmp_path: Path) -> None:
    wait_for_worker(krita)
    image = texture()
    image[60:90, 50:80] = (220, 30, 30)
    open_photograph(krita, tmp_path, "meadow", image)
    krita.run("select([46, 56, 38, 38])")
    run_identity(krita, seconds=4)
    press_shortcut(krita, "ctrl+alt+shift+f")
    choose_with_mouse(krita, "Tools", "Inlay", "Fill", "Content-Aware Fill")
    assert krita.get("[task.title for task in runner().queue]") == ["Content-Aware Fill"] * 2
    finish(krita)
    krita.until("sorted(layer_names()[1:]) == ['Fill', 'Fill', 'There and back']")


def test_a_double_click_in_the_queue_cancels_a_job(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("show()")
    run_identity(krita, seconds=60)
    run_identity(krita)
    x, y = krita.run("""
        listed = docker_child("inlay-queue")
        center = listed.viewport().mapToGlobal(listed.visualItemRect(listed.item(0)).center())
        answer = [center.x(), center.y()]
    """)
    krita.display.xdotool("mousemove", "--sync", x, y, "click", "--repeat", 2, "--delay", 60, 1)
    krita.until("not runner().queue")
    assert krita.get("runner().job is not None")


def test_closing_an_image_cancels_its_jobs_without_a_word(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("front().setName('gone')")
    time.sleep(1.5)  # see `close_front`
    run_identity(krita, seconds=60)
    run_identity(krita, seconds=60)
    krita.until("runner().fraction > 0")
    krita.run("front().waitForDone(); front().setModified(False)")  # else Krita asks whether to save it
    press_shortcut(krita, "ctrl+w")
    krita.until("'gone' not in [document.name() for document in K.documents()]")
    krita.until("runner().job is None and not runner().queue", wait=20)
    time.sleep(1)
    assert krita.get("message()") == ""
