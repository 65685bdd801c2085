"""Clients that vanish, talk nonsense or are of another version."""

from __future__ import annotations

import contextlib
import random
import socket

import pytest
import zmq

from backend.memory import held
from plugin.client.codec import SIGNATURE, Cancel, Failed, Fetch, Hello, Ping, Submit, decode, encode
from plugin.client.messages import ErrorCode, Result
from plugin.client.net.connection import Connection
from plugin.client.net.zmtp import GREETING, command
from tests.backends import Backend, Talker, identity, wait_for


def test_silent_client_loses_its_jobs_at_the_end_of_its_lease(start_backend, talk) -> None:
    backend = start_backend("--lease", "3")
    silent, watcher = talk(backend, "silent"), talk(backend, "watcher")
    watcher.say(Submit("watcher", first := identity()))
    watcher.receive_end(first)  # there is a worker now
    running, waiting = identity(seconds=60), identity()
    silent.say(Submit("silent", running))
    silent.say(Submit("silent", waiting))
    wait_for(lambda: watcher.status().worker == "busy", "the job to run")
    wait_for(lambda: watcher.status().worker == "idle", "the lease to end")
    silent.say(Fetch("silent", running.id))
    failed = silent.receive_until(lambda message: isinstance(message, Failed))
    assert (failed.job, failed.failure.code) == (running.id, ErrorCode.BAD_REQUEST)
    assert silent.status().jobs == []


def test_client_that_is_gone_cancels_its_jobs_before_the_end_of_its_lease(start_backend, talk) -> None:
    backend = start_backend("--lease", "600")
    gone, watcher = talk(backend, "gone"), talk(backend, "watcher")
    running, waiting = identity(seconds=600), identity()
    gone.say(Submit("gone", running))
    gone.say(Submit("gone", waiting))
    gone.receive_running(running)
    gone.close()
    wait_for(lambda: watcher.status().worker == "idle", "the cancel")
    log = backend.log.read_text()
    assert all(f"job {job.id[:8]} of gone diagnose.identity cancelled" in log for job in (running, waiting))


def test_ping_alone_keeps_the_lease(start_backend, talk) -> None:
    talker = talk(start_backend("--lease", "1.5"))
    job = identity(seconds=3)
    talker.say(Submit(talker.client, job))
    assert isinstance(talker.receive_end(job), Result)


def test_two_clients_each_get_their_own(backend: Backend, talk) -> None:
    talkers = [talk(backend, name) for name in ("one", "two")]
    jobs = [[identity() for _ in range(3)] for _ in talkers]
    for pair in zip(*jobs, strict=True):
        for talker, job in zip(talkers, pair, strict=True):
            talker.say(Submit(talker.client, job))
    for talker, own in zip(talkers, jobs, strict=True):
        for job in own:
            result = talker.receive_end(job)
            assert bytes(result.outputs[0].raster.data) == job.inputs["image"].data


NONSENSE = {
    "one frame": [b"hello"],
    "no frames to speak of": [b""],
    "no JSON": [SIGNATURE, b"{"],
    "no object": [SIGNATURE, b"[]"],
    "unknown type": [SIGNATURE, b'{"type":"launch","body":{}}'],
    "type of a strange kind": [SIGNATURE, b'{"type":[],"body":{}}'],
    "missing fields": [SIGNATURE, b'{"type":"submit","body":{"client":"a"}}'],
    "deep nesting": [SIGNATURE, b"[" * 100_000],
    "nobody": encode(Ping("")),
    "many frames": [SIGNATURE, b"{}"] + [b""] * 1000,
}


@pytest.mark.parametrize("frames", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_answered_and_survived(talker: Talker, frames: list[bytes]) -> None:
    for channel in (talker.work, talker.control):
        channel.send_multipart(frames)
        assert channel.poll(5000)
        failed = decode(channel.recv_multipart())
        assert isinstance(failed, Failed)
        assert failed.failure.code in (ErrorCode.BAD_REQUEST, ErrorCode.TOO_LARGE)
    assert talker.status().worker == "stopped"


def test_mutated_messages_are_answered_and_survived(talker: Talker) -> None:
    """Every bit flip, cut and swap of a real submit gets some answer, and the broker stays up."""
    chance = random.Random(0)
    original = [bytes(frame) for frame in encode(Submit(talker.client, identity(8, 8)))]
    for _ in range(300):
        frames = [bytearray(frame) for frame in original]
        for _ in range(chance.randint(1, 3)):
            frame = chance.choice(frames)
            place = chance.randrange(len(frame)) if frame else 0
            match chance.randrange(4):
                case 0 if frame:
                    frame[place] ^= 1 << chance.randrange(8)
                case 1:
                    del frame[place : place + chance.randint(1, 40)]
                case 2:
                    frame[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 40)))
                case 3:
                    chance.shuffle(frames)
        talker.work.send_multipart(frames)
        assert talker.receive(), frames
    job = identity()
    talker.say(Submit(talker.client, job))
    assert isinstance(talker.receive_end(job), Result)


def test_message_on_the_wrong_socket_is_refused(talker: Talker) -> None:
    talker.say(Cancel(talker.client, "a"))
    assert "work socket" in talker.receive().failure.message
    assert "control socket" in talker.ask(Fetch(talker.client, "a")).failure.message


@pytest.mark.parametrize(
    "frames", [encode(Hello("old", version=99)), [b"INLAY\x01", b"{}"]], ids=["hello", "signature"]
)
def test_another_version_is_told_what_to_do(talker: Talker, frames: list[bytes]) -> None:
    talker.work.send_multipart(frames)
    failure = talker.receive().failure
    assert failure.code is ErrorCode.VERSION
    assert "installer" in failure.remedy


def test_client_without_an_allowed_key_does_not_get_in(start_backend, talk) -> None:
    backend = start_backend("--listen", "tcp://127.0.0.1:0")
    stranger = talk(backend, greet=False, pair=zmq.curve_keypair())
    stranger.control.send_multipart(encode(Ping("stranger")))
    assert not stranger.control.poll(700)


def test_allowed_key_gets_in_but_not_to_anothers_jobs(start_backend, talk) -> None:
    pair = zmq.curve_keypair()
    backend = start_backend("--listen", "tcp://127.0.0.1:0", "--allow", pair[0].decode())
    owner, other = talk(backend, "owner"), talk(backend, "other", pair=pair)
    assert owner.status().pid == other.status().pid == backend.process.pid
    failed = other.ask(Ping("owner"))
    assert isinstance(failed, Failed)
    assert failed.failure.code is ErrorCode.BAD_REQUEST


def test_a_message_of_very_many_frames_is_refused_and_holds_nobody_up(backend: Backend, talk) -> None:
    flood, other = talk(backend, "flood"), talk(backend, "other")
    memory = held(backend.process.pid)
    flood.work.send_multipart([SIGNATURE, b"{}"] + [b""] * 300_000)
    answers = 0
    while not flood.work.poll(0):
        other.status()
        answers += 1
    assert held(backend.process.pid) - memory < 100 << 20
    assert answers > 10  # while it was read, a portion at a time
    failed = flood.receive()
    assert isinstance(failed, Failed)
    assert failed.failure.code is ErrorCode.TOO_LARGE
    assert "frames" in failed.failure.message
    job = identity()
    flood.say(Submit("flood", job))
    assert isinstance(flood.receive_end(job), Result)


@pytest.mark.parametrize("greets", [False, True], ids=["silent", "greeted"])
def test_connections_beyond_measure_do_not_end_the_backend(
    start_backend, talk, monkeypatch: pytest.MonkeyPatch, greets: bool
) -> None:
    """As many as the backend may have open files, and more. In portions: libzmq accepts connections on a thread of its
    own, and ends the process where the broker has not run for so long that they take all its files."""
    monkeypatch.setattr("tests.backends.FILES", 256)
    backend = start_backend()
    watcher = talk(backend, "watcher")
    path = backend.endpoint.resolve("ipc://work").removeprefix("ipc://")
    opened = []
    with Connection("tests", endpoint=backend.endpoint) as connection, contextlib.ExitStack() as stack:
        job = identity(seconds=3)
        connection.submit(job)
        for number in range(400):
            if number % 16 == 0:
                watcher.status()  # the broker has run
            opened.append(stack.enter_context(socket.socket(socket.AF_UNIX)))
            try:
                opened[-1].settimeout(5)
                opened[-1].connect(path)
                if greets:
                    opened[-1].sendall(GREETING + command(b"READY", b"\x0bSocket-Type\0\0\0\x06DEALER"))
            except OSError:  # it is cut
                pass
        events: list[object] = []
        ends = Result | Failed
        wait_for(
            lambda: events.extend(connection.events(0.1)) or any(isinstance(e, ends) for e in events), "the end", 60
        )
        assert isinstance(events[-1], Result), events[-1]
        assert backend.process.poll() is None
        assert isinstance(connection.run(identity()), Result)
        assert "all of them are cut" in backend.log.read_text()
