"""An action that is interrupted anywhere leaves in order what the worker keeps: the next job is as ever."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from backend.operations import Context, find
from backend.worker.interrupt import Interrupter
from tests.jobs import example


@pytest.mark.parametrize("action", ["select.object", "select.colors", "fill.selection", "style.preset", "style.gatys"])
def test_the_job_after_an_interrupted_one_is_as_ever(action: str) -> None:
    job, context, interrupter = example(action, 128), Context(), Interrupter()
    run = find(action)
    (expected,) = run(job, Context())
    for seconds in (0.0, 0.02):
        stop = threading.Event()
        threading.Timer(seconds, stop.set).start()
        try:
            with interrupter.interruptible(stop):
                run(job, replace(context, cancelled=lambda: False))  # it never looks
        except Exception:  # Cancelled, or what a library that calls back into Python has made of it
            assert stop.is_set()
    (found,) = run(job, context)
    assert bytes(found.raster.data) == bytes(expected.raster.data)
