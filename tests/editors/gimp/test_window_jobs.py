"""Jobs and their images: closing an image stops what is done for it, and a second action waits for its turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.editors.backend import Backend

from .window import Window

pytestmark = pytest.mark.gimp


@pytest.fixture
def second_image(window: Window, photographs: dict[str, str]) -> Iterator[int]:
    """The window shows the cat, whose id this is; the coffee is in the tab on the left."""
    window.open(photographs["coffee"])
    second, display = window.gimp.run(
        f"""
        other = open_image({photographs["chelsea"]!r})
        other.clean_all()
        answer = [other.get_id(), Gimp.Display.new(other).get_id()]
        """
    )
    window.until("answer = len(Gimp.get_images()) == 2")
    time.sleep(2)
    yield second
    window.gimp.run(f"if Gimp.Display.id_is_valid({display}): Gimp.Display.get_by_id({display}).delete()")
    window.until("answer = len(Gimp.get_images()) == 1")
    window.open(photographs["coffee"])


def no_message(window: Window) -> bool:
    found = window.display.xdotool("search", "--onlyvisible", "--name", "GIMP Message|GIMP Error", check=False)
    return not found.split()


def test_closing_an_image_stops_its_job_without_a_word_over_another_image(
    window: Window, host: Backend, second_image: int
) -> None:
    window.choose("diagnose.identity")
    window.fill_in("diagnose.identity", "alt+w", "6", "0")
    host.until("busy")
    time.sleep(1)
    window.display.keys("ctrl+w")
    closed = time.monotonic()
    window.until("answer = len(Gimp.get_images()) == 1")
    host.until("idle", wait=30)
    assert time.monotonic() - closed < 30  # the job would have taken 60
    window.finished("answer = True")
    time.sleep(2)
    window.screenshot("gimp-closed")
    assert no_message(window)
    assert window.gimp.run("answer = len(shown().get_layers())") == 1


def test_closing_an_image_while_its_dialog_is_open_is_no_fault(window: Window, second_image: int) -> None:
    window.choose("select.subject")
    dialog = window.display.find_window("^Select Subject$", wait=30)
    time.sleep(0.5)
    window.display.xdotool("windowactivate", "--sync", window.display.find_window("GIMP$"))
    window.display.keys("ctrl+w")
    window.finished("answer = len(Gimp.get_images()) == 1")  # it closes with the image
    time.sleep(1)
    assert dialog not in window.display.windows()
    assert no_message(window)


def test_a_second_action_waits_and_says_so(window: Window, host: Backend, photographs: dict[str, str]) -> None:
    window.open(photographs["coffee"])
    window.choose("diagnose.identity")
    window.fill_in("diagnose.identity", "alt+w", "4", "0")
    host.until("busy")
    window.choose("select.subject", at_once=True)
    end = time.monotonic() + 30
    while len(window.gimp.plug_in_calls()) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(2)
    window.screenshot("gimp-queued")
    assert len(window.gimp.plug_in_calls()) == 2
    assert window.gimp.run("answer = Gimp.Selection.is_empty(shown()) and len(shown().get_layers()) == 1")
    window.finished("answer = not Gimp.Selection.is_empty(shown()) and len(shown().get_layers()) == 2", 180)
    window.open(photographs["coffee"])
