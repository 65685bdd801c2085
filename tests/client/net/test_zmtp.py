"""The framing of ZMTP without sockets: any division of the bytes gives the same messages, rubbish an error."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.client.codec import Limits
from plugin.client.net.zmtp import STAGING, Framer, ZmtpError, command, message

from ..peers import GREETING_AND_READY

SIZES = st.sampled_from([0, 1, 255, 256, 300, STAGING // 2 - 9, STAGING // 2, STAGING + 5, 200_000])


def read(framer: Framer, wire: bytes, steps: Sequence[int]) -> list[list[memoryview]]:
    """What `framer` makes of `wire` when the socket gives so many bytes at a time."""
    messages: list[list[memoryview]] = []
    place = turn = 0
    while place < len(wire):
        buffer = framer.buffer()
        count = min(len(buffer), steps[turn % len(steps)], len(wire) - place)
        buffer[:count] = wire[place : place + count]
        messages.extend(framer.received(count))
        place, turn = place + count, turn + 1
    return messages


def framer(limits: Limits | None = None) -> tuple[Framer, list[bytes]]:
    replies: list[bytes] = []
    return Framer(limits or Limits(), replies.append), replies


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.lists(SIZES, min_size=1, max_size=4), max_size=4),
    steps=st.lists(st.integers(1, 100_000), min_size=1, max_size=5).filter(lambda steps: max(steps) > 500),
)
def test_any_division_of_the_bytes_gives_the_same_messages(sizes: list[list[int]], steps: list[int]) -> None:
    messages = [[bytes([n % 251]) * size for n, size in enumerate(part)] for part in sizes]
    wire = GREETING_AND_READY + b"".join(b"".join(message(frames)) for frames in messages)
    assert read(framer()[0], wire, steps) == messages


def test_a_ping_is_answered_with_its_context() -> None:
    made, replies = framer()
    read(made, GREETING_AND_READY + command(b"PING", b"\0\x0acontext"), [7])
    assert replies[-1] == command(b"PONG", b"context")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (message([b"early"])[0] + b"early", "before the end of the handshake"),
        (command(b"READY", b"") + b"\x80\x00", "unknown flags"),
        (command(b"READY", b"") + b"\x05\x00", "unknown flags"),
        (command(b"ERROR", b"\x07go away"), "go away"),
        (command(b"READY", b"") + b"\x06" + (1 << 20).to_bytes(8, "big"), "at most"),
        (command(b"READY", b"") + b"\x02" + (1 << 63).to_bytes(8, "big"), "at most"),
        (command(b"READY", b"") + b"\x01\x00" * 100, "too large"),
    ],
)
def test_what_breaks_the_rules_is_refused(words: bytes, why: str) -> None:
    with pytest.raises(ZmtpError, match=why):
        read(framer()[0], GREETING_AND_READY[:64] + words, [1000])


def test_frames_that_are_small_each_but_large_together_are_refused() -> None:
    made, _ = framer(Limits(message_bytes=1000))
    with pytest.raises(ZmtpError, match="too large"):
        read(made, GREETING_AND_READY + b"".join(message([b"x" * 400] * 3)), [50])


@settings(max_examples=150, deadline=None)
@given(rubbish=st.binary(min_size=1, max_size=400), greeted=st.booleans())
def test_rubbish_gives_messages_or_an_error(rubbish: bytes, greeted: bool) -> None:
    made, _ = framer()
    try:
        for frames in read(made, (GREETING_AND_READY if greeted else b"") + rubbish, [64]):
            assert sum(len(frame) for frame in frames) <= len(rubbish)
    except ZmtpError:
        pass
