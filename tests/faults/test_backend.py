"""A backend that is killed: what the plugin sees, and that the next action works."""

from __future__ import annotations

import pytest

from plugin.client.codec import Failed, Submit
from plugin.client.messages import ErrorCode, Job, Progress, Result
from plugin.client.net.connection import Connection, JobFailed
from tests.backends import Backend, Talker, alive, identity, wait_for


def running(connection: Connection) -> Job:
    """A job of ten minutes that has begun."""
    job, events = identity(seconds=600), []
    connection.submit(job)
    wait_for(
        lambda: events.extend(connection.events(0.1)) or any(getattr(e, "message", "") == "Waiting" for e in events),
        "the job to run",
    )
    return job


def test_killed_backend_fails_its_job_and_the_next_submit_works_after_a_restart(
    backend: Backend, connection: Connection
) -> None:
    running(connection)
    backend.kill()
    ends: list[object] = []
    wait_for(
        lambda: ends.extend(e for e in connection.events(0.1) if not isinstance(e, Progress)) or ends, "its end", 30
    )
    (failed,) = ends
    assert isinstance(failed, Failed)
    assert failed.failure.code is ErrorCode.UNREACHABLE
    assert failed.failure.remedy
    backend.start()
    following = identity()
    result = connection.run(following)
    assert isinstance(result, Result)
    assert bytes(result.outputs[0].raster.data) == following.inputs["image"].data


def test_worker_of_a_killed_backend_ends_too(backend: Backend, talker: Talker) -> None:
    job = identity(fault="hang")
    talker.say(Submit(talker.client, job))
    wait_for(backend.workers, "the worker")
    (worker,) = backend.workers()
    wait_for(lambda: talker.status().worker == "busy", "the job to run")
    backend.kill()
    wait_for(lambda: not alive(worker), "the worker to end")


def test_stale_files_of_a_killed_backend_are_replaced(backend: Backend, talk) -> None:
    old = backend.endpoint
    backend.kill()
    assert backend.endpoint == old  # the file is still there
    new = backend.start()
    assert new.pid != old.pid
    talker = talk(backend)
    assert talker.status().pid == new.pid


def test_connection_reports_a_workers_death_as_it_is(connection: Connection) -> None:
    with pytest.raises(JobFailed) as caught:
        connection.run(identity(fault="crash"))
    assert caught.value.failure.code is ErrorCode.WORKER_DIED
    assert isinstance(connection.run(identity()), Result)


def test_cancel_through_the_connection_frees_the_worker(backend: Backend, connection: Connection) -> None:
    job = running(connection)
    workers = backend.workers()
    connection.cancel(job.id)
    assert isinstance(connection.run(identity()), Result)
    assert backend.workers() == workers
