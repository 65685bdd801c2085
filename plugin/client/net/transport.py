"""Sockets that carry frames: one interface, over pyzmq where it imports and over our own ZMTP where it does not.

Everything here belongs to one thread, and only `Transport.wait` blocks. Frames that arrive are views of memory that
nobody else holds; frames that are sent must not change until they are on their way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..codec import Limits
from ..image import Bytes
from ..messages import ErrorCode, Failure
from ..server.endpoint import Endpoint


class TransportError(Exception):
    """No connection can be made; `failure` says why and what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.failure = Failure(ErrorCode.UNREACHABLE, message, remedy)


class ConnectError(TransportError):
    """Nobody answers at the address, or not any more."""


class Channel(Protocol):
    """One DEALER socket, connected to one address. A channel that is lost stays lost: close it and connect again."""

    @property
    def lost(self) -> str:
        """Why the connection is down; empty while it is up or being made."""

    def send(self, frames: Sequence[Bytes]) -> None:
        """Take a message to send. It leaves, without a copy of its large frames, while the transport waits."""

    def receive(self) -> list[memoryview] | None:
        """The frames of the next message that has arrived whole, or None."""

    def close(self, linger: float = 0.0) -> None:
        """Disconnect, after at most `linger` seconds for what was sent to leave."""


class Transport(Protocol):
    """Makes channels, and waits on all that are open at once."""

    name: str  # "pyzmq" or "pure"

    def connect(self, endpoint: Endpoint, address: str, limits: Limits) -> Channel:
        """A channel to one of the endpoint's addresses. Frames beyond `limits` lose the connection before they take
        memory. Raises TransportError, of which ConnectError, or EndpointError."""

    def wait(self, wake: int, timeout: float) -> None:
        """Move bytes until a channel may have something to receive or is lost, `wake` (a socket's number) is readable,
        or `timeout` seconds have passed; or for a shorter time."""

    def close(self) -> None:
        """Let go of everything; the channels were closed before."""
