"""When something goes wrong the image is as it was, the message says what to do, and the next action works."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from tests.editors.backend import Backend

from .harness import Gimp

pytestmark = pytest.mark.gimp

CALL = """
image = new_image(40, 30)
layer = add_layer(image, 11, 7, 3, 4)
put(layer, bytes(range(256)) + bytes(52))
before = raw(layer)
image.clean_all()
answer = call("inlay-diagnose-identity", image, [layer], {arguments})
answer["unharmed"] = raw(layer) == before and not image.is_dirty() and len(image.get_layers()) == 1
image.delete()
"""


def identity(gimp: Gimp, **arguments: object) -> Any:
    return gimp.run(CALL.format(arguments=", ".join(f"{name}={value!r}" for name, value in arguments.items())))


def start_long_identity(gimp: Gimp, backend: Backend) -> None:
    """Begin a job of a minute in GIMP, and wait until the worker is in the middle of it."""
    gimp.send(CALL.format(arguments="seconds=60.0"))
    backend.until("busy")
    time.sleep(1)  # a job that the worker has taken but not begun goes to the next worker


@pytest.mark.parametrize(
    ("fault", "printed"),
    [
        ("error", "failed (RuntimeError"),
        ("memory", "memory"),
        ("crash", "worker"),
    ],
)
def test_a_job_that_fails_leaves_the_image_as_it_was(either_console: Gimp, fault: str, printed: str) -> None:
    outcome = identity(either_console, fault=fault)
    assert outcome["status"] == "execution-error"
    assert printed in outcome["message"], outcome
    assert "Log: " in outcome["message"]
    assert outcome["unharmed"]
    assert identity(either_console)["status"] == "success"


def test_a_worker_killed_in_the_middle_of_a_job(either_console: Gimp, host: Backend) -> None:
    identity(either_console)
    start_long_identity(either_console, host)
    for worker in host.workers():
        os.kill(worker, signal.SIGKILL)
    outcome = either_console.answer()
    assert outcome["status"] == "execution-error" and "worker" in outcome["message"], outcome
    assert outcome["unharmed"]
    assert identity(either_console)["status"] == "success"


def test_a_backend_killed_in_the_middle_of_a_job_is_started_again_by_the_next(
    either_console: Gimp, host: Backend
) -> None:
    identity(either_console)
    starts = host.starts
    start_long_identity(either_console, host)
    killed = time.monotonic()
    host.kill()
    outcome = either_console.answer()
    assert outcome["status"] == "execution-error", outcome
    assert "The backend has ended. Your document is as it was. Try again" in outcome["message"], outcome
    assert time.monotonic() - killed < 10
    assert outcome["unharmed"]
    outcome = identity(either_console)
    assert outcome["status"] == "success", outcome
    assert host.starts == starts + 1


def test_a_plug_in_that_is_killed_cancels_its_job(either_console: Gimp, host: Backend) -> None:
    start_long_identity(either_console, host)
    os.kill(either_console.plug_in_calls()[0], signal.SIGKILL)
    seconds = host.until("idle")
    either_console.answer()
    assert seconds < 5, "the hang-up tells, not the lease of ten seconds"
    assert identity(either_console)["status"] == "success"


def test_a_plug_in_that_is_told_to_end_cancels_its_job(either_console: Gimp, host: Backend) -> None:
    start_long_identity(either_console, host)
    os.kill(either_console.plug_in_calls()[0], signal.SIGTERM)
    outcome = either_console.answer()
    assert outcome["status"] == "cancel" and outcome["unharmed"], outcome
    host.until("idle", wait=1)
