"""An image that the backend has had travels by its digest alone, and nobody notices but the clock."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.client.codec import Cancel, Fetch, Release, Submit
from plugin.client.image import PixelFormat, Raster, Reference
from plugin.client.messages import Job, JobState, Progress, Result
from plugin.client.net.connection import Connection, JobCancelled
from tests import backends

from .peers import Backend

LAYER = Raster(PixelFormat("RGBA", "u8"), 1024, 512, os.urandom(1024 * 512 * 4), x=-3, y=5, profile=b"a profile")


@pytest.fixture(params=["pyzmq", "pure"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", request.param)


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """A backend that does as it is told."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("INLAY_RUN_DIR", str(folder))
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_CONNECTION", raising=False)
    with Backend(folder) as backend:
        yield backend


@pytest.fixture
def client(peer: Backend) -> Iterator[Connection]:
    with Connection("test", start=False) as made:
        yield made


def job_on(layer: Raster, seconds: float = 0.0) -> Job:
    return Job("diagnose.identity", {"seconds": seconds}, {"image": layer})


def came(peer: Backend) -> str:
    """How the images of the submitted jobs came: w whole, r by reference."""
    jobs = [message.job for message in peer.received if isinstance(message, Submit)]
    return "".join("wr"[isinstance(image, Reference)] for job in jobs for image in job.inputs.values())


def sent_megabytes(backend: backends.Backend) -> list[float]:
    """What the jobs that ended brought, as the broker wrote it down."""
    return [float(found) for found in re.findall(r"([\d.]+) MB in", backend.log.read_text())]


def test_the_second_time_a_layer_travels_by_its_digest(backend: backends.Backend, connection: Connection) -> None:
    first = connection.run(job_on(LAYER)).outputs[0].raster
    second = connection.run(job_on(LAYER.at(40, -50))).outputs[0].raster
    assert first == LAYER
    assert second == LAYER.at(40, -50)
    assert sent_megabytes(backend) == [2.1, 0.0]


def test_another_layer_travels_whole(peer: Backend, client: Connection) -> None:
    other = replace(LAYER, data=bytes(LAYER.nbytes))
    recolored = replace(LAYER, profile=b"another profile")
    for layer in (LAYER, other, recolored, LAYER, other):
        assert client.run(job_on(layer)).outputs[0].raster == layer
    assert came(peer) == "wwwrr"


def test_small_images_and_those_of_jobs_without_a_result_travel_whole(peer: Backend, client: Connection) -> None:
    small = Raster(PixelFormat("Y", "u8"), 4, 4, bytes(16))
    for _ in range(2):
        client.run(job_on(small))
    for _ in range(2):
        with pytest.raises(JobCancelled):
            client.run(job_on(LAYER, seconds=60), cancelled=lambda: bool(peer.held))
        peer.held.clear()
    assert came(peer) == "wwww"


def test_the_memory_of_the_images_is_let_go_of_when_the_job_has_ended(peer: Backend, client: Connection) -> None:
    for _ in range(2):
        client.run(job_on(LAYER))
    assert came(peer) == "wr"
    backends.wait_for(lambda: peer.count(Release) == 2, "the end of the second job")
    assert not client._exchange._pending_jobs


def test_an_image_that_is_gone_is_sent_again_and_no_event_tells_of_it(peer: Backend, client: Connection) -> None:
    client.run(job_on(LAYER))
    peer.images.clear()
    job, seen = job_on(LAYER), []
    assert client.run(job, on_event=seen.append).outputs[0].raster == LAYER
    assert [message.job.id for message in peer.received if isinstance(message, Submit)][1:] == [job.id] * 2
    assert {event.state for event in seen[1:]} == {JobState.RUNNING}  # the first says that it is being sent
    client.run(job_on(LAYER))
    assert came(peer) == "wrwr"
    assert client.events() == []


def test_a_backend_that_always_asks_again_gets_the_image(peer: Backend, client: Connection) -> None:
    peer.forgets = True
    for _ in range(3):
        assert client.run(job_on(LAYER)).outputs[0].raster == LAYER
    assert came(peer) == "wrwrw"


def test_another_connection_sends_the_image_whole(peer: Backend, client: Connection) -> None:
    client.run(job_on(LAYER))
    with Connection("another", start=False) as another:
        another.run(job_on(LAYER))
    assert came(peer) == "ww"


def test_a_broken_connection_loses_no_job_by_reference(peer: Backend, client: Connection) -> None:
    client.run(job_on(LAYER))
    job = job_on(LAYER, seconds=60)
    client.submit(job)
    backends.wait_for(lambda: any(isinstance(event, Progress) for event in client.events()), "the first word")
    peer.forget()
    backends.wait_for(lambda: peer.count(Fetch) == 1, "the client to come back")
    peer.finish(job.id)
    backends.wait_for(lambda: any(isinstance(event, Result) for event in client.events()), "the result")
    assert came(peer) == "wr"


def test_after_a_broken_connection_the_image_travels_whole(peer: Backend, client: Connection) -> None:
    client.run(job_on(LAYER))
    peer.forget()
    assert client.run(job_on(LAYER)).outputs[0].raster == LAYER
    assert came(peer) == "ww"


def test_a_job_by_reference_can_be_cancelled(backend: backends.Backend, connection: Connection) -> None:
    connection.run(job_on(LAYER))
    seen: list[Progress] = []
    with pytest.raises(JobCancelled):
        connection.run(job_on(LAYER, seconds=60), seen.append, lambda: any(e.message == "Waiting" for e in seen))
    assert connection.run(job_on(LAYER)).outputs[0].raster == LAYER
    assert sent_megabytes(backend) == [2.1, 0.0, 0.0]
    assert connection.events() == []


def test_a_job_cancelled_while_its_image_is_asked_for_stays_cancelled(peer: Backend, client: Connection) -> None:
    client.run(job_on(LAYER))
    peer.images.clear()
    peer.silent = True
    job = job_on(LAYER)
    client.submit(job)
    backends.wait_for(lambda: peer.count(Submit) == 2, "the job")
    client.cancel(job.id)
    backends.wait_for(lambda: peer.count(Cancel) == 1, "the cancel")
    peer.ask_again(job.id)
    backends.wait_for(lambda: peer.count(Release) == 2, "the release")
    time.sleep(0.1)
    assert came(peer) == "wr"
    assert client.events()[1:] == [Progress(job.id, JobState.CANCELLED)]  # the first says that it is being sent
