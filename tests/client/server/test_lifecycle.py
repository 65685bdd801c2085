"""A Connection and the real backend that it starts by itself: from nothing, over a violent end, to the next job."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.client.messages import ErrorCode, Progress
from plugin.client.net.connection import Connection, JobFailed, State
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint
from plugin.client.server.launcher import Installation
from tests.backends import ROOT, alive, identity, wait_for


@pytest.fixture(params=["pyzmq", "pure"])
def connection(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    run_dir = tmp_path / "run"
    run_dir.mkdir(mode=0o700)
    monkeypatch.setenv("INLAY_TRANSPORT", request.param)
    monkeypatch.setenv("INLAY_RUN_DIR", str(run_dir))
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_CONNECTION", raising=False)
    with Connection("tests", installation=Installation(Path(sys.executable), ROOT)) as made:
        yield made
    endpoint = read_endpoint(run_dir / CONNECTION_FILE)
    os.kill(endpoint.pid, signal.SIGTERM)
    wait_for(lambda: not alive(endpoint.pid), "the end of the backend")


def test_a_backend_that_is_killed_costs_its_job_alone(connection: Connection, tmp_path: Path) -> None:
    first = identity(640, 480)
    assert connection.run(first).outputs[0].raster == first.inputs["image"]
    pid = read_endpoint(tmp_path / "run" / CONNECTION_FILE).pid

    def kill(event: Progress) -> None:
        if event.message == "Waiting":
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(JobFailed) as caught:
        connection.run(identity(seconds=60.0), on_event=kill)
    assert caught.value.failure.code is ErrorCode.UNREACHABLE
    assert "document is as it was" in caught.value.failure.remedy
    assert Path(caught.value.failure.log).exists()

    last = identity(640, 480)
    assert connection.run(last).outputs[0].raster == last.inputs["image"]
    assert connection.state is State.READY
    assert read_endpoint(tmp_path / "run" / CONNECTION_FILE).pid != pid
