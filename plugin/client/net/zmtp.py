"""ZMTP 3 in pure Python: a DEALER over unix or loopback TCP sockets, with the NULL mechanism.

For editors whose Python has no pyzmq. It speaks to libzmq's ROUTER (https://rfc.zeromq.org/spec/23/ and /37/) and does
no encryption: CURVE needs pyzmq. `Framer` is the protocol without sockets, `PureChannel` the socket.
"""

from __future__ import annotations

import contextlib
import mmap
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ..codec import Limits
from ..image import Bytes
from ..server.endpoint import Endpoint
from .transport import ConnectError, TransportError

MORE, LONG, COMMAND = 1, 2, 4
GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f\3\0" + b"NULL".ljust(20, b"\0") + b"\0" * 32
OPENING = GREETING[:12]
"""Signature and version. The rest waits for the peer's greeting, since libzmq hangs up on a mechanism that is not its
own before it has said which that is."""

STAGING = 1 << 16
"""Bytes read at once. Frames longer than half of it get memory of their own, into which the socket reads directly."""

_SEGMENTS = 64  # buffers handed to one sendmsg
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # select alone cannot take numbers over 1023


class ZmtpError(Exception):
    """The peer does not speak ZMTP as we can, or says more than we are willing to hear."""


def _property(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">I", len(value)) + value


def _header(flags: int, size: int) -> bytes:
    return struct.pack(">BQ", flags | LONG, size) if size > 255 else struct.pack(">BB", flags, size)


def command(name: bytes, data: bytes) -> bytes:
    """A command frame."""
    body = struct.pack(">B", len(name)) + name + data
    return _header(COMMAND, len(body)) + body


READY = command(b"READY", _property(b"Socket-Type", b"DEALER") + _property(b"Identity", b""))


def message(frames: Sequence[Bytes]) -> list[Bytes]:
    """What goes over the wire for a message: frame headers and the frames themselves, not copied."""
    wire: list[Bytes] = []
    for number, frame in enumerate(frames, 1):
        view = memoryview(frame)
        wire.append(_header(MORE if number < len(frames) else 0, view.nbytes))
        if view.nbytes:
            wire.append(view.cast("B"))
    return wire


def _memory(size: int) -> memoryview:
    """Fresh memory. A large one costs nothing until it is written to, and little then: it has huge pages."""
    if size < 1 << 20 or not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return memoryview(bytearray(size))
    area = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them
            area.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(area)


class Framer:
    """Turns the bytes a peer sends into messages. Read into `buffer()`, then tell `received(count)`.

    `reply` is called with bytes to send back: the rest of the handshake, PONG after a PING.
    """

    def __init__(self, limits: Limits, reply: Callable[[bytes], None]) -> None:
        self.limits, self.reply = limits, reply
        self.ready = False  # the handshake is done
        self._greeted = False
        self._staging = memoryview(bytearray(STAGING))
        self._start = self._end = 0  # of what is in the staging buffer
        self._large: memoryview | None = None  # the frame that is read directly
        self._filled = 0
        self._flags = 0
        self._frames: list[memoryview] = []
        self._size = 0  # of the frames so far, in bytes

    def buffer(self) -> memoryview:
        """Where the next bytes from the peer belong; never empty."""
        if self._large is not None:
            return self._large[self._filled :]
        if self._start:
            rest = self._end - self._start
            self._staging[:rest] = self._staging[self._start : self._end]
            self._start, self._end = 0, rest
        return self._staging[self._end :]

    def received(self, count: int) -> Iterator[list[memoryview]]:
        """Messages made complete by `count` more bytes. Raises ZmtpError."""
        if self._large is not None:
            self._filled += count
            if self._filled < len(self._large):
                return
            whole, self._large = self._large, None
            yield from self._frame(whole)
            return
        self._end += count
        if not self._greeted and not self._greet():
            return
        while (frame := self._next()) is not None:
            yield from self._frame(frame)

    def _greet(self) -> bool:
        held = bytes(self._staging[: min(self._end, len(GREETING))])
        if held[:1] not in (b"", b"\xff") or (len(held) > 9 and not held[9] & 1):
            raise ZmtpError("what answers there does not speak ZMTP 3")
        if len(held) < len(GREETING):
            return False
        if held[10] < 3:
            raise ZmtpError(f"the peer speaks ZMTP {held[10]}; 3 is needed")
        if (mechanism := held[12:32].rstrip(b"\0")) != b"NULL":
            raise ZmtpError(
                f"the backend asks for encryption ({mechanism.decode('ascii', 'replace')}), which needs pyzmq, "
                "and this Python has none"
            )
        self._start, self._greeted = len(GREETING), True
        self.reply(GREETING[len(OPENING) :] + READY)
        return True

    def _next(self) -> memoryview | None:
        """The next whole frame of the staging buffer; None when more bytes are needed."""
        held = self._end - self._start
        if held < 2 or (self._staging[self._start] & LONG and held < 9):
            return None
        self._flags, size, head = self._staging[self._start], self._staging[self._start + 1], 2
        if self._flags & LONG:
            size, head = struct.unpack_from(">Q", self._staging, self._start + 1)[0], 9
        self._check(size)
        if held - head >= size:
            frame = memoryview(bytes(self._staging[self._start + head : self._start + head + size]))
            self._start += head + size
            return frame
        if head + size > STAGING // 2:
            self._large, self._filled = _memory(size), held - head
            self._large[: self._filled] = self._staging[self._start + head : self._end]
            self._start = self._end = 0
        return None

    def _check(self, size: int) -> None:
        if self._flags & ~(MORE | LONG | COMMAND) or self._flags & (MORE | COMMAND) == MORE | COMMAND:
            raise ZmtpError(f"a frame with unknown flags {self._flags:#x}")
        limit = STAGING // 4 if self._flags & COMMAND or not self.ready else self.limits.raster_bytes
        if size > limit:
            raise ZmtpError(f"the backend sends a frame of {size} bytes; at most {limit} are taken")
        if self._size + size > self.limits.message_bytes or len(self._frames) >= 2 + 2 * self.limits.rasters:
            raise ZmtpError("the backend sends a message that is too large")

    def _frame(self, frame: memoryview) -> Iterator[list[memoryview]]:
        if self._flags & COMMAND:
            self._command(bytes(frame))
            return
        if not self.ready:
            raise ZmtpError("a message before the end of the handshake")
        self._frames.append(frame)
        self._size += frame.nbytes
        if not self._flags & MORE:
            whole, self._frames, self._size = self._frames, [], 0
            yield whole

    def _command(self, body: bytes) -> None:
        length = body[0] if body else 0
        name, data = body[1 : 1 + length], body[1 + length :]
        if name == b"READY":
            self.ready = True
        elif name == b"ERROR":
            raise ZmtpError(f"the backend refuses the connection: {data[1:].decode('utf-8', 'replace')}")
        elif name == b"PING":  # 2 bytes time to live, then a context to be sent back
            self.reply(command(b"PONG", data[2:18]))


class PureChannel:
    """A DEALER on a non-blocking socket."""

    def __init__(self, endpoint: Endpoint, address: str, limits: Limits) -> None:
        self.lost = ""
        self.socket = _connect(endpoint.resolve(address))
        self._framer = Framer(limits, self._reply)
        self._urgent: deque[Bytes] = deque([OPENING])  # the handshake: goes before any message
        self._outgoing: deque[Bytes] = deque()
        self._incoming: deque[list[memoryview]] = deque()

    def send(self, frames: Sequence[Bytes]) -> None:
        if not self.lost:
            self._outgoing.extend(message(frames))

    def receive(self) -> list[memoryview] | None:
        return self._incoming.popleft() if self._incoming else None

    @property
    def waiting(self) -> bool:
        """Whether a message can be received without waiting, or never will be."""
        return bool(self._incoming or self.lost)

    @property
    def interest(self) -> int:
        """What to ask a selector for."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._queue else 0)

    @property
    def closed(self) -> bool:
        return self.socket.fileno() < 0

    @property
    def _queue(self) -> deque[Bytes]:
        return self._outgoing if self._framer.ready and not self._urgent else self._urgent

    def _reply(self, data: bytes) -> None:
        # In the middle of a message a command would break it, so later replies queue behind what is being sent.
        (self._outgoing if self._framer.ready else self._urgent).append(data)

    def move(self) -> None:
        """Send and read what can be without waiting."""
        try:
            self._flush()
            for _ in range(256):  # then the other channel has its turn
                count = self.socket.recv_into(self._framer.buffer())
                if not count:
                    raise ConnectionResetError
                self._incoming.extend(self._framer.received(count))
            self._flush()
        except (BlockingIOError, InterruptedError):
            pass
        except ZmtpError as error:
            self.lost = str(error)
        except OSError:
            self.lost = "the backend closed the connection"

    def _flush(self) -> None:
        while queue := self._queue:
            try:
                count = self._write(list(islice(queue, _SEGMENTS)))
            except (BlockingIOError, InterruptedError):
                return
            while queue and count >= len(queue[0]):
                count -= len(queue.popleft())
            if count:
                queue[0] = memoryview(queue[0])[count:]

    def _write(self, buffers: list[Bytes]) -> int:
        if hasattr(self.socket, "sendmsg"):
            return self.socket.sendmsg(buffers)
        return self.socket.send(buffers[0])  # Windows

    def close(self, linger: float = 0.0) -> None:
        deadline = time.monotonic() + linger
        while (self._urgent or self._outgoing) and not self.lost and (rest := deadline - time.monotonic()) > 0:
            _wait([self], None, rest)
        self.socket.close()


def _connect(address: str) -> socket.socket:
    try:
        if address.startswith("tcp://"):
            host, port = address.removeprefix("tcp://").rsplit(":", 1)
            made = socket.create_connection((host, int(port)), timeout=2.0)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        elif hasattr(socket, "AF_UNIX"):
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(2.0)
            try:
                made.connect(address.removeprefix("ipc://"))
            except OSError:
                made.close()
                raise
        else:
            raise TransportError(f"{address} is a unix socket, which this Python does not have", "Use a tcp backend.")
    except OSError as error:
        raise ConnectError(f"nobody answers at {address}: {error.strerror or error}") from None
    made.setblocking(False)
    return made


class PureTransport:
    """Channels on plain sockets."""

    name = "pure"

    def __init__(self) -> None:
        self._channels: list[PureChannel] = []

    def connect(self, endpoint: Endpoint, address: str, limits: Limits) -> PureChannel:
        self._channels.append(PureChannel(endpoint, address, limits))
        return self._channels[-1]

    def wait(self, wake: int, timeout: float) -> None:
        self._channels = [channel for channel in self._channels if not channel.closed]
        _wait(self._channels, wake, timeout)

    def close(self) -> None:
        pass


def _wait(channels: Sequence[PureChannel], wake: int | None, timeout: float) -> None:
    if any(channel.waiting for channel in channels):
        timeout = 0.0
    with _Selector() as selector:
        if wake is not None:
            selector.register(wake, selectors.EVENT_READ)
        for channel in channels:
            if not channel.lost:
                selector.register(channel.socket, channel.interest)
        selector.select(max(0.0, timeout))
    for channel in channels:
        if not channel.lost:
            channel.move()
