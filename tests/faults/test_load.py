"""Very many clients and jobs, and clients that take nothing off their sockets."""

from __future__ import annotations

from backend.memory import held
from plugin.client.codec import Failed, Submit
from plugin.client.messages import Result
from plugin.client.net.connection import Connection
from tests.backends import Backend, identity, wait_for

CLIENTS, JOBS = 32, 1000
MIB = 1 << 20


def test_very_many_clients_at_once_each_get_their_own(backend: Backend, talk) -> None:
    talkers = [talk(backend, f"client {number}") for number in range(CLIENTS)]
    jobs = [[identity(16, 16) for _ in range(3)] for _ in talkers]
    for row in zip(*jobs, strict=True):
        for talker, job in zip(talkers, row, strict=True):
            talker.say(Submit(talker.client, job))
    for talker, own in zip(talkers, jobs, strict=True):
        for job in own:
            result = talker.receive_end(job)
            assert isinstance(result, Result)
            assert bytes(result.outputs[0].raster.data) == job.inputs["image"].data


def test_very_many_waiting_jobs_all_come_back_once(connection: Connection) -> None:
    jobs = {job.id: job for job in (identity(8, 8) for _ in range(JOBS))}
    for job in jobs.values():
        connection.submit(job)
    order: list[str] = []

    def all_there() -> bool:
        for event in connection.events(0.1):
            assert not isinstance(event, Failed), event
            if isinstance(event, Result):
                assert bytes(event.outputs[0].raster.data) == jobs[event.job].inputs["image"].data
                order.append(event.job)
        return len(order) == JOBS

    wait_for(all_there, "the results", timeout=120)
    assert len(set(order)) == JOBS, "none comes twice"


def test_a_client_that_stops_reading_holds_nobody_up_and_its_results_go(start_backend, talk) -> None:
    backend = start_backend("--lease", "2")
    watcher, deaf = talk(backend, "watcher"), talk(backend, "deaf")
    watcher.say(Submit("watcher", first := identity()))
    watcher.receive_end(first)
    before = held(backend.process.pid)
    for _ in range(60):
        deaf.say(Submit("deaf", identity(1024, 1024)))  # 4 MiB there and back, and nothing is read
    watcher.say(Submit("watcher", own := identity()))
    assert isinstance(watcher.receive_end(own), Result)

    def forgotten() -> bool:
        watcher.status()
        return held(backend.process.pid) < before + 64 * MIB

    wait_for(forgotten, "the results of the client that does not read to go")
