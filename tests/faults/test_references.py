"""A worker that no longer has an image that a client names costs a little time, and nothing else."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job
from plugin.client.net.connection import Connection, JobFailed
from tests.backends import Backend, wait_for
from tests.conftest import StartBackend

LAYER = Raster(PixelFormat("RGBA", "u8"), 1024, 512, os.urandom(1024 * 512 * 4))


@pytest.fixture(params=["pyzmq", "pure"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", request.param)


def there_and_back(connection: Connection, **parameters: float | str) -> bool:
    """Whether the layer comes back as it went."""
    job = Job("diagnose.identity", dict(parameters), {"image": LAYER})
    return connection.run(job).outputs[0].raster == LAYER


def ends(backend: Backend) -> list[tuple[str, float]]:
    """How the jobs of a backend ended, and how many megabytes each had brought."""
    found = re.findall(r"job \w+ of \w+ \S+ (\w+): .* ([\d.]+) MB in", backend.log.read_text())
    return [(state, float(size)) for state, size in found]


HEALED = [("done", 2.1), ("failed", 0.0), ("done", 2.1), ("done", 0.0)]
"""Sent, named in vain, sent again, named."""


def test_a_new_worker_is_sent_the_image_again(backend: Backend, connection: Connection) -> None:
    assert there_and_back(connection)
    (worker,) = backend.workers()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not backend.workers(), "the broker to notice")
    assert there_and_back(connection)
    assert there_and_back(connection)
    assert ends(backend) == HEALED
    assert connection.events() == []


def test_a_worker_that_has_idled_is_sent_the_image_again(start_backend: StartBackend) -> None:
    backend = start_backend("--release-after", "0.1")
    with Connection("tests", endpoint=backend.endpoint) as connection:
        assert there_and_back(connection)
        time.sleep(1.0)
        assert there_and_back(connection)
    assert ends(backend) == HEALED[:3]


def test_a_worker_that_runs_out_of_memory_lets_go_of_the_images(backend: Backend, connection: Connection) -> None:
    assert there_and_back(connection, fault="tight")
    assert there_and_back(connection)
    assert there_and_back(connection)
    assert ends(backend) == HEALED


def test_a_second_worker_is_sent_the_image_too(start_backend: StartBackend) -> None:
    backend = start_backend("--device", "cpu", "--device", "cpu")
    with Connection("tests", endpoint=backend.endpoint) as connection:
        assert there_and_back(connection)
        long = Job("diagnose.identity", {"seconds": 60.0}, {"image": LAYER})
        connection.submit(long)
        assert there_and_back(connection)  # on the worker that is free
        assert ends(backend) == HEALED[:3]


def test_a_worker_that_dies_over_a_job_by_reference_costs_that_job(backend: Backend, connection: Connection) -> None:
    assert there_and_back(connection)
    with pytest.raises(JobFailed) as caught:
        there_and_back(connection, fault="crash")
    assert caught.value.failure.code is ErrorCode.WORKER_DIED
    assert there_and_back(connection)
    assert [end for end in ends(backend) if end[1]] == [("done", 2.1), ("done", 2.1)]
