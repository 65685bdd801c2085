"""Jobs of the real Krita through the real backend, over both transports: results, cancelling, accidents."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.editors.krita.harness import Krita

IDENTITY = "extension().run(actions.BY_NAME['diagnose.identity'], {'seconds': seconds, 'fault': fault}, {})"


ONCE = pytest.mark.parametrize("session", ["pyzmq"], indirect=True)
"""For what does not depend on the transport."""


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


def test_krita_used_the_transport_it_was_given(krita: Krita, request: pytest.FixtureRequest) -> None:
    wait_for_worker(krita)
    used = krita.run("""
        import sys
        zmq = sys.modules.get("zmq")
        answer = [zmq.__file__ if zmq else "", "inlay.plugin.client.net.zmtp" in sys.modules]
    """)
    if request.node.callspec.params["session"] == "pyzmq":
        assert used == [str(krita.home / ".local/share/krita/pykrita/inlay/vendor/zmq/__init__.py"), False]
    else:
        assert used == ["", True]


@pytest.mark.smoke
def test_the_identity_action_is_exact_on_a_layer_with_an_offset(krita: Krita) -> None:
    krita.run("open_document(60, 40, 'RGBA', 'U16')")
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


@ONCE
@pytest.mark.parametrize("depth", ["U8", "F16", "F32"])
@pytest.mark.parametrize("model", ["RGBA", "GRAYA"])
def test_every_kind_of_pixels_goes_there_and_back(krita: Krita, model: str, depth: str) -> None:
    krita.run("open_document(30, 20, model, depth)", model=model, depth=depth)
    krita.run("add_layer('source', [3, 5, 11, 7])")
    run_identity(krita)
    krita.until("'There and back' in names()", wait=90)
    assert krita.get("node('There and back').pixelData(0, 0, 30, 20) == node('source').pixelData(0, 0, 30, 20)")


def test_a_selection_comes_back(krita: Krita) -> None:
    krita.run("open_document(32, 16)")
    krita.run("add_layer('left', [0, 0, 16, 16]); select([2, 2, 20, 10])")
    krita.run("extension().run(actions.BY_NAME['select.colors'], {'clusters': 2, 'mode': 'intersect'}, {})")
    krita.until("runner().job is None", wait=120)
    assert krita.get("message()") == ""
    found = krita.get("selected().hex()")
    assert 0 < sum(byte > 0 for byte in bytes.fromhex(found)) <= 200
    krita.run("K.action('edit_undo').trigger()")
    krita.until("selected().count(255) == 200")


@pytest.mark.smoke
def test_cancel_ends_a_job_that_has_a_minute_to_go_and_leaves_the_image_alone(krita: Krita) -> None:
    wait_for_worker(krita)
    before = krita.get("snapshot()")
    run_identity(krita, seconds=60)
    krita.until("runner().fraction > 0")
    ended = krita.run("""
        docker().findChild(QtWidgets.QPushButton, "inlay-cancel").click()
        answer = [runner().job is None, runner().log[-1].endswith("cancelled")]
    """)
    assert ended == [True, True]
    assert krita.get("snapshot()") == before
    run_identity(krita)  # the worker is free again
    krita.until("runner().job is None", wait=50)
    krita.until("names().count('There and back') == 2")


def test_the_event_loop_goes_on_while_a_job_runs(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("stalls.start()")
    run_identity(krita, seconds=2)
    krita.until("runner().job is None")
    assert krita.run("answer = stalls.stop()")["ticks"] > 10  # it would tick but once if Krita waited for the job


def test_a_fault_in_an_operation_is_told_and_harms_nothing(krita: Krita) -> None:
    wait_for_worker(krita)
    before = krita.get("snapshot()")
    run_identity(krita, fault="error")
    text = krita.until("message()")
    assert "log" in text.lower()
    assert krita.get("docker()._problem.toPlainText()")
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


@ONCE
def test_a_result_goes_to_the_image_it_came_from(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("front().setName('first')")
    run_identity(krita, seconds=1)
    krita.run("open_document(8, 8)")
    krita.until("runner().job is None")
    assert "There and back" not in krita.get("names()")
    first = "next(d for d in K.documents() if d.name() == 'first')"
    krita.until(f"[n.name() for n in {first}.topLevelNodes()].count('There and back') == 2")


@ONCE
def test_a_selection_waits_for_its_image_to_come_to_the_front(krita: Krita) -> None:
    krita.run("open_document(16, 16)")
    krita.run("front().setName('behind')")
    krita.run("""
        origin = document.check(actions.BY_NAME["select.colors"], front())
        raster = Raster(PixelFormat("Y", "u8"), 16, 16, bytes(range(256)))
        open_document(8, 8)
        result = Result("", (Output(actions.ResultKind.SELECTION, "", raster),))
        extension().delivery.take(result, origin, lambda: results.apply(result, origin, "replace"))
    """)
    time.sleep(0.5)
    assert krita.get("[front().name() == 'behind', selected().hex()]") == [False, ""]
    krita.run("bring_to_front('behind')")
    krita.until(f"selected().hex() == {bytes(range(256)).hex()!r}")
    krita.run("K.action('edit_undo').trigger()")
    krita.until("not selected()")


@ONCE
def test_a_result_waits_while_krita_asks_whether_to_save_the_image(krita: Krita) -> None:
    wait_for_worker(krita)
    krita.run("front().setName('closing'); front().setModified(True)")
    run_identity(krita, seconds=3)
    krita.run("QtCore.QTimer.singleShot(0, K.action('file_close').trigger)")
    krita.until("QtWidgets.QApplication.activeModalWidget() is not None")
    krita.until("runner().job is None")
    time.sleep(0.5)
    assert krita.get("names().count('There and back')") == 1  # of `wait_for_worker`
    krita.run("""
        question = QtWidgets.QApplication.activeModalWidget()
        buttons, standard = question.findChild(QtWidgets.QDialogButtonBox), QtWidgets.QDialogButtonBox.StandardButton
        discard = buttons.button(standard.No) or buttons.button(standard.Discard)
        QtCore.QTimer.singleShot(0, discard.click)
    """)
    krita.until("'closing' not in [d.name() for d in K.documents()] and not extension().delivery.waiting")
    assert krita.get("message()") == ""
