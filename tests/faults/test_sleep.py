"""Programs that stand still for longer than a lease: a laptop's sleep, a debugger, a stopped editor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.backends import ROOT, Backend, Talker, wait_for

CLIENT = """
import sys
from pathlib import Path
from plugin.client.net.connection import Connection
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint
from tests.backends import identity
with Connection("sleeper", endpoint=read_endpoint(Path(sys.argv[1]) / CONNECTION_FILE)) as connection:
    connection.submit(identity(seconds=float(sys.argv[2])))
    while True:
        for event in connection.events(0.1):
            print(type(event).__name__, getattr(event, "message", ""), flush=True)
            if type(event).__name__ in ("Result", "Failed"):
                print(getattr(event, "failure", ""))
                sys.exit()
"""
LEASE = 1.0


@pytest.fixture(params=["pyzmq", "pure"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


def client(backend: Backend, transport: str, seconds: float) -> subprocess.Popen[str]:
    """A program that waits for one job; it runs when this returns."""
    started = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(backend.run_dir), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"INLAY_TRANSPORT": transport, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert started.stdout is not None
    while "Waiting" not in (line := started.stdout.readline()):
        assert line, "the client has ended"
    return started


def test_a_client_that_stood_still_hears_the_end_of_its_job(start_backend, talk, transport: str) -> None:
    backend = start_backend("--lease", str(LEASE))
    watcher: Talker = talk(backend, "watcher")
    asleep = client(backend, transport, 60)
    asleep.send_signal(signal.SIGSTOP)
    wait_for(lambda: watcher.status().worker == "idle", "the lease to end")
    asleep.send_signal(signal.SIGCONT)
    printed, _ = asleep.communicate(timeout=20)
    assert "Failed" in printed
    assert "Run the action again" in printed


def test_when_all_stand_still_the_job_goes_on(start_backend, transport: str) -> None:
    backend = start_backend("--lease", str(LEASE))
    asleep = client(backend, transport, 3 * LEASE)
    everybody = [asleep.pid, *backend.workers(), backend.process.pid]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2 * LEASE)
    for pid in everybody:
        os.kill(pid, signal.SIGCONT)
    printed, _ = asleep.communicate(timeout=20)
    assert "Result" in printed
