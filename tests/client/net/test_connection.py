"""A Connection against a backend that does as it is told, over both transports."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin.client.actions import ResultKind
from plugin.client.codec import Cancel, Failed, Fetch, Limits, Ping, Release, Status, Submit
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job, JobState, Output, Progress, Result
from plugin.client.net.connection import Connection, Event, JobCancelled, JobFailed, State
from plugin.client.net.session import LOSSES
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint

from ..peers import Backend


@pytest.fixture(params=["pyzmq", "pure"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", request.param)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("INLAY_RUN_DIR", str(folder))
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_CONNECTION", raising=False)
    monkeypatch.delenv("INLAY_BACKEND_PYTHON", raising=False)
    return folder


@pytest.fixture
def client(run_dir: Path) -> Iterator[Connection]:
    with Connection("test", start=False) as made:
        yield made


def identity(seconds: float = 0.0) -> Job:
    raster = Raster(PixelFormat("RGBA", "u8"), 40, 30, os.urandom(4800), x=-3, y=5)
    return Job("diagnose.identity", {"seconds": seconds}, {"image": raster})


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def acknowledged(client: Connection) -> bool:
    """Whether the backend's first word on a job has come."""
    return any(isinstance(event, Progress) and event.fraction == 0.5 for event in client.events())


def last_event(client: Connection, job: Job) -> tuple[Event, list[Event]]:
    """The event that ended `job`, and those before it."""
    seen: list[Event] = []
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for event in client.events(0.2):
            if isinstance(event, Result | Failed) or (
                isinstance(event, Progress) and event.state is JobState.CANCELLED
            ):
                assert event.job == job.id
                return event, seen
            seen.append(event)
    raise AssertionError(f"no end of the job; state {client.state}, {client.failure}")


def test_a_job_comes_back_as_it_went(run_dir: Path) -> None:
    with Backend(run_dir) as backend, Connection("test") as client:
        job, seen = identity(), []
        result = client.run(job, on_event=seen.append)
        assert result.outputs[0].raster == job.inputs["image"]
        assert any(event.fraction == 0.5 for event in seen)
        assert client.state is State.READY
        assert client.actions == ("diagnose.identity",)
        until(lambda: backend.count(Release) == 1)
        assert client.events() == []


def test_events_make_the_descriptor_readable(run_dir: Path) -> None:
    with Backend(run_dir), Connection("test") as client:
        until(lambda: client.state is State.READY)
        assert not select.select([client.fileno()], [], [], 0)[0]
        client.status()
        assert select.select([client.fileno()], [], [], 5)[0]
        (event,) = client.events()
        assert isinstance(event, Status)
        assert event.pid == os.getpid()
        assert not select.select([client.fileno()], [], [], 0)[0]


def test_several_threads_run_jobs_at_once(run_dir: Path) -> None:
    with Backend(run_dir), Connection("test") as client:
        jobs = [identity() for _ in range(6)]
        results: dict[str, Result] = {}
        threads = [threading.Thread(target=lambda j=job: results.update({j.id: client.run(j)})) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert all(results[job.id].outputs[0].raster == job.inputs["image"] for job in jobs)


def test_cancel_is_there_at_once_and_reaches_the_backend(run_dir: Path) -> None:
    with Backend(run_dir) as backend, Connection("test") as client:
        job = identity(seconds=60)
        client.submit(job)
        until(lambda: backend.held)
        backend.silent = True
        client.cancel(job.id)
        assert client.events()[-1] == Progress(job.id, JobState.CANCELLED)
        until(lambda: backend.count(Cancel) >= 1)  # again, when word of the job came meanwhile
        backend.finish(job.id)  # a result that comes too late is not seen, but released
        backend.silent = False
        until(lambda: backend.count(Release) == 1)
        assert client.events() == []


def test_the_first_progress_does_not_wait_for_the_backend(run_dir: Path) -> None:
    """A large image takes long to be packed and sent."""
    with Backend(run_dir) as backend, Connection("test") as client:
        until(lambda: client.state is State.READY)
        backend.silent = True
        job = identity()
        client.submit(job)
        (event,) = client.events()
        assert event == Progress(job.id, JobState.QUEUED, -1.0, "Sending the image")


def test_run_can_be_cancelled(run_dir: Path) -> None:
    with Backend(run_dir) as backend, Connection("test") as client, pytest.raises(JobCancelled):
        client.run(identity(seconds=60), cancelled=lambda: bool(backend.held))


def test_the_lease_is_renewed_while_nothing_happens(run_dir: Path) -> None:
    with Backend(run_dir, lease=0.45) as backend, Connection("test") as client:
        until(lambda: client.state is State.READY)
        before = backend.count(Ping)
        time.sleep(0.9)
        assert 3 <= backend.count(Ping) - before <= 8
        assert client.events() == []  # nobody asked for these


def test_a_broken_connection_to_the_same_backend_loses_no_job(run_dir: Path) -> None:
    with Backend(run_dir) as backend, Connection("test", start=False) as client:
        job = identity(seconds=60)
        client.submit(job)
        until(lambda: acknowledged(client))
        backend.forget()
        until(lambda: backend.count(Fetch) == 1)
        assert backend.count(Submit) == 1
        backend.finish(job.id)
        event, seen = last_event(client, job)
        assert isinstance(event, Result)
        assert any(isinstance(e, Progress) and e.message == "Still working" for e in seen)


def test_a_backend_that_dies_fails_its_jobs_and_the_next_one_is_used(run_dir: Path, client: Connection) -> None:
    with Backend(run_dir, pid=1001):
        job = identity(seconds=60)
        client.submit(job)
        until(lambda: acknowledged(client))
    event, _ = last_event(client, job)
    assert isinstance(event, Failed)
    assert event.failure.code is ErrorCode.UNREACHABLE
    assert "ended" in event.failure.message
    assert "document is as it was" in event.failure.remedy
    assert event.failure.log.endswith("backend.log")
    until(lambda: client.state is State.UNREACHABLE)
    with Backend(run_dir, pid=1002):
        assert client.run(identity()).outputs


def test_another_backend_at_the_same_place_is_not_asked_for_the_old_ones_jobs(
    run_dir: Path, client: Connection
) -> None:
    job = identity(seconds=60)
    with Backend(run_dir, pid=1001) as backend:
        client.submit(job)
        until(lambda: acknowledged(client))
        (run_dir / CONNECTION_FILE).write_text((run_dir / CONNECTION_FILE).read_text().replace("1001", "1002"))
        backend.forget()
        event, _ = last_event(client, job)
        assert isinstance(event, Failed)
        assert backend.count(Fetch) == 0


def test_a_job_that_reaches_a_backend_as_it_ends_goes_to_the_next_one(run_dir: Path, client: Connection) -> None:
    with Backend(run_dir, pid=1001) as backend:
        until(lambda: client.state is State.READY)
        backend.silent = True
        job = identity()
        client.submit(job)
        until(lambda: backend.count(Submit) == 1)
        (run_dir / CONNECTION_FILE).write_text((run_dir / CONNECTION_FILE).read_text().replace("1001", "1002"))
        backend.silent = False
        backend.forget()
        event, _ = last_event(client, job)
        assert isinstance(event, Result)
        assert backend.count(Submit) == 2


def test_a_result_beyond_the_limit_is_not_fetched_for_ever(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.client.net.session.Limits", lambda: Limits(raster_bytes=100_000))
    monkeypatch.setattr("plugin.client.net.session.FIRST_PAUSE", 0.002)
    with Backend(run_dir) as backend, Connection("test", start=False) as client:
        job = identity(seconds=60)
        client.submit(job)
        until(lambda: acknowledged(client))
        huge = Raster(PixelFormat("RGBA", "u8"), 200, 200, bytes(160_000))
        backend.to_fetch = Result(job.id, (Output(ResultKind.LAYER, "Huge", huge),))
        backend.forget()
        event, _ = last_event(client, job)
        assert isinstance(event, Failed)
        assert backend.count(Fetch) == LOSSES


def test_a_backend_that_hangs_is_given_up(run_dir: Path, client: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.client.net.link.HANDSHAKE_SECONDS", 0.4)
    with Backend(run_dir, lease=0.6) as backend:
        job = identity(seconds=60)
        client.submit(job)
        until(lambda: job.id in backend.held)
        backend.silent = True
        event, _ = last_event(client, job)
        assert isinstance(event, Failed)
        assert "does not answer" in event.failure.message
        assert str(os.getpid()) in event.failure.message


def test_no_backend_and_none_to_start_fails_with_a_remedy(client: Connection) -> None:
    with pytest.raises(JobFailed) as caught:
        client.run(identity())
    assert caught.value.failure.code is ErrorCode.UNREACHABLE
    assert "inlay serve" in caught.value.failure.remedy


def test_asking_an_unreachable_backend_again_and_again_piles_nothing_up(client: Connection) -> None:
    until(lambda: client.state is State.UNREACHABLE)
    for _ in range(500):
        client.status()
    assert len(client._exchange._orders) <= 1


def test_closing_need_not_wait_for_what_takes_long(
    run_dir: Path, client: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: client.state is State.UNREACHABLE)
    held = threading.Event()
    monkeypatch.setattr(client._exchange, "_session", lambda: held.wait(30) and False)
    job = identity()
    client.submit(job)
    until(lambda: client.state is State.UNREACHABLE)
    client.close(wait=0)
    assert client.state is State.CLOSED
    assert client._exchange._thread.is_alive()  # it goes on behind
    held.set()
    client._exchange._thread.join(10)
    assert not client._exchange._thread.is_alive()


def test_no_installation_says_what_to_run(run_dir: Path) -> None:
    with Connection("test") as client:
        job = identity()
        client.submit(job)
        event, seen = last_event(client, job)
        assert isinstance(event, Failed)
        assert "python3 -m installer" in event.failure.remedy
        assert seen[0] == Progress(job.id, JobState.QUEUED, -1.0, "Starting the backend")
        until(lambda: client.failure)
        assert client.state is State.UNREACHABLE


def test_the_first_word_on_a_job_comes_before_the_backend_does(run_dir: Path) -> None:
    with Connection("test") as client:
        client.submit(identity())
        (event, *_) = client.events()
        assert isinstance(event, Progress)


def test_another_version_of_the_backend_is_said_to_be_one(run_dir: Path, client: Connection) -> None:
    with Backend(run_dir, version=7), pytest.raises(JobFailed) as caught:
        client.run(identity())
    assert caught.value.failure.code is ErrorCode.VERSION
    assert "installer" in caught.value.failure.remedy


def test_a_backend_somebody_else_starts_is_found_without_a_job(
    run_dir: Path, client: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.client.net.session.LOOK_AGAIN", 0.05)
    until(lambda: client.state is State.UNREACHABLE)
    with Backend(run_dir):
        until(lambda: client.state is State.READY)


def test_close_cancels_what_runs_and_leaves_the_backend_running(run_dir: Path) -> None:
    with Backend(run_dir) as backend:
        client = Connection("test")
        job = identity(seconds=60)
        client.submit(job)
        until(lambda: job.id in backend.held)
        client.close()
        until(lambda: backend.count(Cancel) >= 1)  # again, when word of the job came meanwhile
        assert client.state is State.CLOSED
        assert client.events()[-1] == Progress(job.id, JobState.CANCELLED)
        client.submit(identity())
        (event,) = client.events()
        assert isinstance(event, Failed)
        client.close()  # closing twice does no harm
        with Connection("test") as another:
            assert another.run(identity()).outputs


def test_a_connection_file_of_another_folder_is_used(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "else"
    elsewhere.mkdir(mode=0o700)
    with Backend(elsewhere):
        with Connection("test", endpoint=read_endpoint(elsewhere / CONNECTION_FILE)) as client:
            assert client.run(identity()).outputs
        monkeypatch.setenv("INLAY_CONNECTION", str(elsewhere / CONNECTION_FILE))
        with Connection("test") as client:
            assert client.run(identity()).outputs


def test_an_image_beyond_the_limit_is_refused_here(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.client.net.session.Limits", lambda: Limits(raster_bytes=1000))
    with Backend(run_dir) as backend, Connection("test") as client:
        with pytest.raises(JobFailed) as caught:
            client.run(identity())
        assert caught.value.failure.code is ErrorCode.TOO_LARGE
        assert backend.count(Submit) == 0
