"""A live broker takes whatever bytes come, answers with errors, and goes on working."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
from collections.abc import Callable

import pytest
import zmq

from plugin.client.codec import (
    SIGNATURE,
    Cancel,
    Failed,
    Fetch,
    Hello,
    Message,
    Ping,
    ProtocolError,
    Release,
    Submit,
    decode,
    encode,
)
from plugin.client.image import PixelFormat, Reference
from plugin.client.messages import ErrorCode, Job
from plugin.client.net.connection import Connection
from plugin.client.net.zmtp import GREETING, READY, command
from tests.backends import PATIENCE, Backend, identity

ROUNDS = 150


def mutate(frames: list[bytes], dice: random.Random) -> list[bytes]:
    """Frames with one to four wounds."""
    wounded = [bytearray(frame) for frame in frames]
    for _ in range(dice.randint(1, 4)):
        if not wounded:
            break
        number = dice.randrange(len(wounded))
        frame, place = wounded[number], dice.randrange(len(wounded[number]) + 1)
        change: Callable[[], object] = dice.choice(
            [
                lambda f=frame, p=place: f.__delitem__(slice(p, p + dice.randint(1, 40))),
                lambda f=frame, p=place: f.__setitem__(slice(p, p + 1), bytes([dice.randrange(256)])),
                lambda f=frame, p=place: f.__setitem__(slice(p, p), dice.choice([b"[", b"null", b"1e999", b"\0" * 9])),
                lambda n=number: wounded.pop(n),
                lambda n=number: wounded.append(bytearray(wounded[n])),
                lambda: dice.shuffle(wounded),
            ]
        )
        change()
    return [bytes(frame) for frame in wounded]


def understood(frames: list[bytes]) -> Message | None:
    try:
        return decode(frames)
    except ProtocolError:
        return None


def still_works(backend: Backend) -> None:
    """A job there and back, and a status."""
    with Connection("after", endpoint=backend.endpoint) as client:
        job = identity()
        assert client.run(job).outputs[0].raster == job.inputs["image"]
        client.status()
        assert client.events(PATIENCE)


@pytest.mark.parametrize("channel", ["work", "control"])
def test_mutated_messages_are_answered_with_errors(backend: Backend, channel: str) -> None:
    dice = random.Random(7)
    endpoint = backend.endpoint
    context = zmq.Context()
    try:
        dealer = context.socket(zmq.DEALER)
        dealer.connect(endpoint.resolve(getattr(endpoint, channel)))
        client = "f" * 32
        messages: list[Message] = [Hello(client), Cancel(client, "a" * 32), Ping(client), Fetch(client, "a" * 32)]
        messages += [Release(client, "a" * 32), Submit(client, identity(8, 8))]
        named = Reference(PixelFormat("RGBA", "u8"), 8, 8, key="0" * 32)
        messages.append(Submit(client, Job("diagnose.identity", {}, {"image": named})))
        refused = errors = 0
        for _ in range(ROUNDS):
            frames = mutate([bytes(frame) for frame in encode(dice.choice(messages))], dice)
            if not frames or frames == [b""]:
                continue
            refused += understood(frames) is None
            dealer.send_multipart(frames)
        while dealer.poll(1000):
            answer = decode(dealer.recv_multipart())
            errors += isinstance(answer, Failed)
        assert refused > ROUNDS / 2
        assert errors >= refused
    finally:
        context.destroy(linger=0)
    still_works(backend)


def test_headers_that_lie_are_answered_with_errors(backend: Backend) -> None:
    endpoint = backend.endpoint
    frames = [bytes(frame) for frame in encode(Submit("f" * 32, identity(8, 8)))]
    header = json.loads(frames[1])
    image = header["body"]["job"]["inputs"]["image"]
    lies = [
        {"box": [0, 0, 131072, 131072]},
        {"box": [0, 0, 1 << 60, 1]},
        {"format": "RGBA f32"},
        {"frame": 1 << 40},
        {"frame": -1},
        {"digest": "\u0000" * 32},
    ]
    context = zmq.Context()
    try:
        dealer = context.socket(zmq.DEALER)
        dealer.connect(endpoint.resolve(endpoint.work))
        for lie in lies:
            header["body"]["job"]["inputs"]["image"] = image | lie
            dealer.send_multipart([SIGNATURE, json.dumps(header).encode(), *frames[2:]])
            assert dealer.poll(5000)
            answer = decode(dealer.recv_multipart())
            assert isinstance(answer, Failed), lie
            assert answer.failure.code is ErrorCode.BAD_REQUEST
        dealer.send_multipart([b"INLAY\x63", b"{}"])
        assert dealer.poll(5000)
        assert isinstance(decode(dealer.recv_multipart()), Failed)
    finally:
        context.destroy(linger=0)
    still_works(backend)


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(500),
        GREETING[:20],
        GREETING + READY + struct.pack(">BQ", 2, 1 << 62) + b"x" * 100,
        GREETING + READY + command(b"PING", b""),
        GREETING + READY + b"\x01\x00" * 5000,
        GREETING + READY + struct.pack(">BQ", 2, 1 << 20) + b"half",
    ],
    ids=["http", "noise", "half a greeting", "huge frame", "short ping", "endless message", "half a frame"],
)
def test_peers_that_break_zmtp_do_no_harm(backend: Backend, words: bytes) -> None:
    endpoint = backend.endpoint
    for address in (endpoint.work, endpoint.control):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(endpoint.resolve(address).removeprefix("ipc://"))
            raw.settimeout(0.2)
            try:
                raw.sendall(words)
                raw.recv(1000)
            except OSError:
                continue
    still_works(backend)
