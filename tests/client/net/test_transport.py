"""Both transports against libzmq's ROUTER, and against peers that misbehave."""

from __future__ import annotations

import os
import socket
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from plugin.client.codec import Limits
from plugin.client.net.load_transport import load_transport
from plugin.client.net.transport import Channel, Transport, TransportError
from plugin.client.server.endpoint import Endpoint

from ..peers import GREETING_AND_READY, next_message, pump, raw_peer, router


@pytest.fixture(params=["pyzmq", "pure"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Transport]:
    monkeypatch.setenv("INLAY_TRANSPORT", request.param)
    made = load_transport(ipc(tmp_path))
    assert made.name == request.param
    yield made
    made.close()


def ipc(folder: Path) -> Endpoint:
    return Endpoint("ipc://work", "ipc://control", folder=folder)


def loopback(port: int) -> Endpoint:
    return Endpoint(f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}", plain_loopback=True)


class Connected:
    """A channel that closes."""

    def __init__(self, transport: Transport, endpoint: Endpoint, limits: Limits | None = None) -> None:
        self.channel: Channel = transport.connect(endpoint, endpoint.work, limits or Limits())

    def __enter__(self) -> Channel:
        return self.channel

    def __exit__(self, *_: object) -> None:
        self.channel.close()


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_a_message_of_several_frames_goes_there_and_back(transport: Transport, tmp_path: Path, kind: str) -> None:
    frames = [b"INLAY", b"", b"x" * 255, b"y" * 256, os.urandom(100_000), b"z"]
    with router(f"ipc://{tmp_path}/work" if kind == "ipc" else "tcp://127.0.0.1:*") as peer:
        endpoint = ipc(tmp_path)
        if kind == "tcp":
            endpoint = loopback(int(peer.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2]))
        with Connected(transport, endpoint) as channel:
            channel.send(frames)
            pump(transport, lambda: peer.poll(0))
            route, *got = peer.recv_multipart()
            assert got == frames
            peer.send_multipart([route, *frames])
            assert next_message(transport, channel) == frames
            assert channel.receive() is None


def test_48_megabytes_arrive_unchanged(transport: Transport, tmp_path: Path) -> None:
    image = os.urandom(1 << 20) * 46 + b"end"
    with router(f"ipc://{tmp_path}/work") as peer, Connected(transport, ipc(tmp_path)) as channel:
        channel.send([b"header", image])
        pump(transport, lambda: peer.poll(0))
        route, _, got = peer.recv_multipart(copy=False)
        assert got.bytes == image
        peer.send_multipart([route, b"header", got, b"after"], copy=False)
        assert next_message(transport, channel) == [b"header", image, b"after"]


def test_many_small_messages_keep_their_order(transport: Transport, tmp_path: Path) -> None:
    with router(f"ipc://{tmp_path}/work", sndhwm=0, rcvhwm=0) as peer, Connected(transport, ipc(tmp_path)) as channel:
        for number in range(3000):
            channel.send([b"n", str(number).encode()])
        got: list[bytes] = []

        def take() -> bool:
            while peer.poll(0):
                route, _, number = peer.recv_multipart()
                got.append(number)
                peer.send_multipart([route, number])
            return len(got) == 3000

        pump(transport, take)
        assert got == [str(number).encode() for number in range(3000)]
        assert [bytes(next_message(transport, channel)[0]) for _ in got] == got


def test_heartbeats_of_the_peer_are_answered(transport: Transport, tmp_path: Path) -> None:
    beats = {"heartbeat_ivl": 50, "heartbeat_timeout": 150}
    with router(f"ipc://{tmp_path}/work", **beats) as peer, Connected(transport, ipc(tmp_path)) as channel:
        channel.send([b"hello"])
        pump(transport, lambda: peer.poll(0))
        route, _ = peer.recv_multipart()
        quiet = time.monotonic() + 0.6
        pump(transport, lambda: time.monotonic() > quiet)
        peer.send_multipart([route, b"still there"])
        assert next_message(transport, channel) == [b"still there"]
        assert not channel.lost


def test_a_peer_that_ends_is_noticed_and_its_successor_reached(transport: Transport, tmp_path: Path) -> None:
    with router(f"ipc://{tmp_path}/work") as peer:
        old = transport.connect(ipc(tmp_path), "ipc://work", Limits())
        old.send([b"one"])
        pump(transport, lambda: peer.poll(0))
    pump(transport, lambda: old.lost)
    old.send([b"into the void"])
    old.close()
    with router(f"ipc://{tmp_path}/work") as peer, Connected(transport, ipc(tmp_path)) as channel:
        channel.send([b"two"])
        pump(transport, lambda: peer.poll(0))
        assert peer.recv_multipart()[1:] == [b"two"]


def test_nobody_at_the_address_is_said(transport: Transport, tmp_path: Path) -> None:
    try:
        with Connected(transport, ipc(tmp_path)) as channel:
            pump(transport, lambda: channel.lost)
            assert "nobody answers" in channel.lost
    except TransportError as error:
        assert "nobody answers" in error.failure.message


def test_a_peer_that_vanishes_in_the_middle_of_a_frame_gives_no_message(transport: Transport, tmp_path: Path) -> None:
    half = struct.pack(">BQ", 2, 1 << 20) + b"x" * 70_000
    with raw_peer(tmp_path / "work", GREETING_AND_READY + half), Connected(transport, ipc(tmp_path)) as channel:
        pump(transport, lambda: channel.lost)
        assert channel.receive() is None


def test_a_frame_beyond_the_limit_is_refused_before_it_takes_memory(transport: Transport, tmp_path: Path) -> None:
    huge = struct.pack(">BQ", 2, 1 << 40) + b"x" * 1000
    limits = Limits(raster_bytes=1 << 20)
    tracemalloc.start()
    with (
        raw_peer(tmp_path / "work", GREETING_AND_READY + huge, stays=True),
        Connected(transport, ipc(tmp_path), limits) as channel,
    ):
        pump(transport, lambda: channel.lost)
        assert channel.receive() is None
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4, b"\xff" * 200, b"\x01\x00"])
def test_something_that_is_no_backend_loses_the_connection(transport: Transport, tmp_path: Path, words: bytes) -> None:
    with raw_peer(tmp_path / "work", words), Connected(transport, ipc(tmp_path)) as channel:
        channel.send([b"hello"])
        pump(transport, lambda: channel.lost)


def test_waiting_ends_when_it_is_woken(transport: Transport, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, router(f"ipc://{tmp_path}/work"), Connected(transport, ipc(tmp_path)):
        theirs.send(b"\0")
        begun = time.monotonic()
        for _ in range(10):  # a wait may end early, never late
            transport.wait(ours.fileno(), 5.0)
        assert time.monotonic() - begun < 4.0


def test_what_was_sent_leaves_before_a_close_that_lingers(transport: Transport, tmp_path: Path) -> None:
    with router(f"ipc://{tmp_path}/work") as peer:
        channel = transport.connect(ipc(tmp_path), "ipc://work", Limits())
        channel.send([b"cancel"])
        channel.close(linger=2.0)
        assert peer.recv_multipart()[1:] == [b"cancel"]


class Keys:
    def __init__(self) -> None:
        self.server_public, self.server_secret = zmq.curve_keypair()
        self.client_public, self.client_secret = (key.decode() for key in zmq.curve_keypair())

    def endpoint(self, port: int) -> Endpoint:
        address = f"tcp://127.0.0.1:{port}"
        return Endpoint(address, address, 0, self.server_public.decode(), self.client_public, self.client_secret)


def test_curve_encrypts_with_pyzmq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", "pyzmq")
    keys = Keys()
    options = {"curve_server": True, "curve_secretkey": keys.server_secret, "curve_publickey": keys.server_public}
    with router("tcp://127.0.0.1:*", **options) as peer:
        endpoint = keys.endpoint(int(peer.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2]))
        transport = load_transport(endpoint)
        with Connected(transport, endpoint) as channel:
            channel.send([b"secret"])
            pump(transport, lambda: peer.poll(0))
            assert peer.recv_multipart()[1:] == [b"secret"]
        wrong = Keys().endpoint(int(endpoint.work.rpartition(":")[2]))
        with Connected(transport, wrong) as channel:
            pump(transport, lambda: channel.lost)
        transport.close()


def test_the_pure_client_says_that_it_cannot_encrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", "pure")
    with pytest.raises(TransportError) as caught:
        load_transport(Keys().endpoint(5000))
    assert "needs pyzmq" in caught.value.failure.message
    assert "installer" in caught.value.failure.remedy


def test_the_pure_client_says_that_the_peer_wants_encryption(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", "pure")
    transport, keys = load_transport(ipc(tmp_path)), Keys()
    options = {"curve_server": True, "curve_secretkey": keys.server_secret, "curve_publickey": keys.server_public}
    with router(f"ipc://{tmp_path}/work", **options), Connected(transport, ipc(tmp_path)) as channel:
        pump(transport, lambda: channel.lost)
        assert "CURVE" in channel.lost


def test_an_unknown_transport_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INLAY_TRANSPORT", "pigeon")
    with pytest.raises(TransportError, match="pigeon"):
        load_transport(ipc(tmp_path))
