"""Jobs of the real Krita through the real backend, over both transports: results, cancelling, accidents."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.editors.krita.harness import Krita

SPACES = [(model, depth) for model in ("RGBA", "GRAYA") for depth in ("U8", "U16", "F16", "F32")]
IDENTITY = "extension().run(actions.BY_NAME['diagnose.identity'], {'seconds': seconds, 'fault': fault}, {})"


def run_identity(krita: Krita, seconds: float = 0.0, fault: str = "none") -> None:
    krita.run(IDENTITY, seconds=seconds, fault=fault)


def wait_for_worker(krita: Krita) -> int:
    """Run a job to its end, so that a worker is up; the backend's process id."""
    krita.run("open_document(8, 8)")
    run_identity(krita)
    krita.until("runner().job is None", wait=90)
    assert "There and back" in krita.get("names()")
    connection = json.loads((krita.home / "run/connection.json").read_text())
    return int(connection["pid"])


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def longest_stall(krita: Krita, seconds: float = 2.0) -> float:
    """Milliseconds between two ticks of a 5 ms timer in Krita, at most."""
    krita.run("stalls.start()")
    time.sleep(seconds)
    found = krita.run("answer = stalls.stop()")
    assert found["ticks"] > 10
    return float(found["longest_ms"])


def test_krita_used_the_transport_it_was_given(krita: Krita, request: pytest.FixtureRequest) -> None:
    wait_for_worker(krita)
    used = krita.run("""
        import sys
        zmq = sys.modules.get("zmq")
        answer = [zmq.__file__ if zmq else "", "inlay.plugin.client.zmtp" in sys.modules]
    """)
    if request.node.callspec.params["session"] == "pyzmq":
        assert used == [str(krita.home / ".local/share/krita/pykrita/inlay/vendor/zmq/__init__.py"), False]
    else:
        assert used == ["", True]


@pytest.mark.parametrize(("model", "depth"), SPACES)
def test_the_identity_action_is_exact_on_a_layer_with_an_offset(krita: Krita, model: str, depth: str) -> None:
    krita.run("open_document(60, 40, model, depth)", model=model, depth=depth)
    krita.run("add_layer('source', [-7, 5, 31, 23])")
    before = krita.get("snapshot()")
    run_identity(krita)
    krita.until("runner().job is None", wait=90)
    krita.until("names() == ['Background', 'source', 'There and back']")
    assert krita.run("""
        new, old, box = node("There and back"), node("source"), (-50, -50, 200, 200)
        answer = new.pixelData(*box) == old.pixelData(*box) and new.colorDepth() == old.colorDepth()
    """)
    krita.run("K.action('edit_undo').trigger()")
    krita.until("snapshot() == before", before=before)


def test_cancel_stops_a_long_job_at_once_and_leaves_the_picture_alone(krita: Krita) -> None:
    wait_for_worker(krita)
    before = krita.get("snapshot()")
    run_identity(krita, seconds=60)
    krita.until("runner().fraction > 0")
    start = time.perf_counter()
    krita.run("docker().findChild(QtWidgets.QPushButton, 'inlay-cancel').click()")
    krita.until("runner().job is None")
    assert time.perf_counter() - start < 0.5
    assert krita.get("snapshot()") == before
    run_identity(krita)  # the worker is free again, within its grace
    krita.until("runner().job is None", wait=60)
    krita.until("names().count('There and back') == 2")


def test_the_event_loop_goes_on_while_a_job_runs(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("open_document(512, 512)")
    krita.prefer()
    time.sleep(2)  # Krita draws the new window's thumbnails
    idle = longest_stall(krita)
    run_identity(krita, seconds=60)
    krita.until("runner().fraction > 0")
    waiting = min(longest_stall(krita) for _ in range(3))  # what the plug-in did would come every time
    print(f"longest stall: {idle:.1f} ms idle, {waiting:.1f} ms while a job runs")
    assert waiting < max(50, idle)  # on a busy machine an idle Krita stalls, too


def test_a_fault_in_an_operation_is_told_and_harms_nothing(krita: Krita) -> None:
    wait_for_worker(krita)
    before = krita.get("snapshot()")
    run_identity(krita, fault="error")
    text = krita.until("message()")
    assert "log" in text.lower()
    assert krita.get("docker()._problem.text()")
    assert krita.get("snapshot()") == before


def test_a_killed_worker_is_told_and_the_next_action_works(krita: Krita) -> None:
    pid = wait_for_worker(krita)
    before = krita.get("snapshot()")
    run_identity(krita, seconds=60)
    krita.until("runner().fraction > 0")
    workers = children(pid)
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert "worker" in krita.until("message()").lower()
    assert krita.get("snapshot()") == before
    run_identity(krita)
    krita.until("runner().job is None", wait=90)
    krita.until("names().count('There and back') == 2")


def test_a_killed_backend_is_told_and_the_next_action_starts_another(krita: Krita) -> None:
    pid = wait_for_worker(krita)
    before = krita.get("snapshot()")
    run_identity(krita, seconds=60)
    krita.until("runner().fraction > 0")
    os.kill(pid, signal.SIGKILL)
    assert "backend" in krita.until("message()", wait=60).lower()
    assert krita.get("snapshot()") == before
    run_identity(krita)
    krita.until("runner().job is None", wait=90)
    krita.until("names().count('There and back') == 2")
    assert json.loads((krita.home / "run/connection.json").read_text())["pid"] != pid


def test_a_result_goes_to_the_picture_it_came_from(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("front().setName('first')")
    run_identity(krita, seconds=1)
    krita.run("open_document(8, 8)")
    krita.until("runner().job is None")
    assert "There and back" not in krita.get("names()")
    first = "next(d for d in K.documents() if d.name() == 'first')"
    krita.until(f"[n.name() for n in {first}.topLevelNodes()].count('There and back') == 2")


def test_a_selection_waits_for_its_picture_to_come_to_the_front(krita: Krita) -> None:
    krita.run("open_document(16, 16)")
    krita.run("front().setName('first')")
    krita.run("""
        origin = document.check(actions.BY_NAME["select.colours"], front())
        raster = Raster(PixelFormat("Y", "u8"), 16, 16, bytes(range(256)))
        extension()._origin = origin
        open_document(8, 8)
        extension()._finish(Result("", (Output(actions.ResultKind.SELECTION, "", raster),)))
    """)
    time.sleep(0.5)
    assert krita.get("[front().name() == 'first', selected().hex()]") == [False, ""]
    krita.run("bring_to_front('first')")
    krita.until(f"selected().hex() == {bytes(range(256)).hex()!r}")
    krita.run("K.action('edit_undo').trigger()")
    krita.until("not selected()")


def test_a_result_for_a_picture_that_was_closed_is_dropped_with_a_message(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("front().setName('gone')")
    time.sleep(1.5)  # see `close_front`
    run_identity(krita, seconds=4)
    krita.run("close_front()")
    assert "'gone' was closed" in krita.until("message()")


def test_only_one_job_runs_at_a_time(krita: Krita) -> None:
    wait_for_worker(krita)
    run_identity(krita, seconds=60)
    run_identity(krita)
    assert "still running" in krita.until("message()")
