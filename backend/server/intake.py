"""What comes in over the clients' sockets, kept within limits: frames of a message, and open connections.

libzmq takes any number of both. A message is therefore read a few frames at a time, and what is beyond the limits is
dropped as it is read. Connections are counted, and all are cut when they are too many: clients connect anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import recv_monitor_message

from plugin.client.codec import Limits

TURN = 500
"""Frames that are read in one go, before others have their turn."""

CONNECTIONS = 512
"""Open connections of one socket at most; an editor has one of each socket."""

HANDSHAKE_MS = 2000
"""A connection that has not said by then what it is gets closed."""

SPARE = 32
"""A socket's connections may take one in so many of the files that this process may have open. libzmq accepts
connections on a thread of its own and ends the process when the files run out: there must be room for many more until
the broker has its turn to count and cut them."""

Socket = zmq.Socket[bytes]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message: the client's route and its frames, or how it went beyond the limits."""

    route: bytes
    frames: list[zmq.Frame]
    excess: str = ""


class Inbox:
    """The messages of a ROUTER socket, read in small portions."""

    def __init__(self, socket: Socket, limits: Limits) -> None:
        self.socket = socket
        self._bytes = limits.message_bytes
        self._most = 3 + 2 * limits.rasters  # the route, signature and header; each raster has pixels and a profile
        self._frames: list[zmq.Frame] = []
        self._count = self._size = 0

    def read(self) -> Incoming | None:
        """The next message, when the portion that is read now holds its end."""
        for _ in range(TURN):
            try:
                frame = self.socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return None
            self._count += 1
            self._size += len(frame)
            if not self._excess():
                self._frames.append(frame)
            else:
                del self._frames[1:]  # all but the route
            if not frame.more:
                return self._message()
        return None

    def _excess(self) -> str:
        if self._count > self._most:
            return f"it has more than {self._most - 1} frames"
        if self._size > self._bytes:
            return f"it has more than {self._bytes >> 30} GiB"
        return ""

    def _message(self) -> Incoming:
        (route, *frames), excess = self._frames, self._excess()
        self._frames, self._count, self._size = [], 0, 0
        return Incoming(route.bytes, frames, excess)


class Gate:
    """Counts the open connections of a bound socket."""

    def __init__(self, socket: Socket, most: int) -> None:
        self.socket, self.most = socket, most
        self.monitor: Socket = socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._open: set[int] = set()

    def count(self) -> int:
        """How many connections are open."""
        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor)
            change = self._open.add if event["event"] == zmq.EVENT_ACCEPTED else self._open.discard
            change(int(event["value"]))
        return len(self._open)

    def crowded(self) -> bool:
        """Whether there are more connections than there may be."""
        return self.count() > self.most

    def clear(self) -> None:
        """Cut all connections, and go on listening."""
        address = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.socket.unbind(address)
        self.socket.bind(address)
        self._open.clear()

    def close(self) -> None:
        """Stop counting; before the socket is closed."""
        self.socket.disable_monitor()
        self.monitor.close(0)


def most_connections() -> int:
    """How many connections a socket may have, after as many open files were asked for as the system gives."""
    if sys.platform == "win32":
        return CONNECTIONS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SPARE * CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files = wanted if soft == resource.RLIM_INFINITY else soft
    return max(16, min(CONNECTIONS, files // SPARE))
