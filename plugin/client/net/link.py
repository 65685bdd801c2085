"""One connection to one backend: both channels, from the first Hello until it is lost. Belongs to the I/O thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from ..codec import (
    VERSION,
    Cancel,
    Failed,
    Fetch,
    Hello,
    Limits,
    Message,
    Ping,
    ProtocolError,
    Release,
    Shutdown,
    Status,
    Submit,
    Welcome,
    decode,
    encode,
)
from ..image_cache import ImageCache
from ..messages import ErrorCode, Failure
from ..server.endpoint import Endpoint, EndpointError
from ..server.launcher import log_name
from .load_transport import load_transport
from .transport import Channel, ConnectError, TransportError

HANDSHAKE_SECONDS = 5.0
"""How long a backend may take to answer the first Hello. It answers whatever runs, so this is generous."""

PAUSE_SECONDS = 0.5
"""A wait that took so much too long was a sleep of the whole program."""

_UNANSWERED = "If it happens again, end the backend's process and look in the log."


class LinkError(Exception):
    """There is no connection to the backend (any more); `failure` says why and what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class LinkBrokenError(LinkError):
    """The connection was there and broke, which says nothing yet about the backend."""


def _lost(message: str, remedy: str = _UNANSWERED, code: ErrorCode = ErrorCode.UNREACHABLE) -> LinkError:
    return LinkError(Failure(code, message, remedy, log_name()))


class Link:
    """Sends requests, receives answers, and renews the lease while `exchange` is called."""

    def __init__(self, endpoint: Endpoint, client: str, program: str, limits: Limits) -> None:
        """Connect and say Hello. `client` is this client's id. Raises LinkError."""
        self.endpoint, self.client, self.limits = endpoint, client, limits
        self.actions: tuple[str, ...] = ()
        self.cached = ImageCache()  # what the backend should still have of the images sent
        self.unfinished: frozenset[str] | None = None  # jobs of this client, as the backend's last Status had them
        self.missing: dict[str, float] = {}  # jobs not among these: since when, 0 once they were asked after
        self._lease = 0.0  # until the backend has said how long it is
        self._welcomes = 0
        self._questions: deque[bool] = deque()  # pings that wait for their Status: whether somebody wants to see it
        self._ping_at = self._asked_at = 0.0
        self._opened_at = time.monotonic()
        self._channels: list[Channel] = []
        try:
            self._transport = load_transport(endpoint)
            try:
                for address in (endpoint.work, endpoint.control):
                    self._channels.append(self._transport.connect(endpoint, address, limits))
                    self._channels[-1].send(encode(Hello(client, VERSION, program)))
            except BaseException:
                self.close()
                raise
        except ConnectError as error:
            raise LinkBrokenError(error.failure) from None
        except (TransportError, EndpointError) as error:
            raise LinkError(error.failure) from None

    @property
    def ready(self) -> bool:
        """Whether the backend has answered on both channels."""
        return self._welcomes == 2

    def work(self, message: Submit | Fetch | Release) -> None:
        """Send on the work channel."""
        self._channels[0].send(encode(message))

    def control(self, message: Cancel | Shutdown) -> None:
        """Send on the control channel."""
        if isinstance(message, Shutdown):
            self._questions.append(False)
        self._channels[1].send(encode(message))

    def ask(self, show: bool) -> None:
        """Ping. With `show` the Status that answers is among what `exchange` returns."""
        if not self._questions:
            self._asked_at = time.monotonic()
        self._questions.append(show)
        self._channels[1].send(encode(Ping(self.client)))

    def ask_again(self, seconds: float) -> None:
        """Ping in so many seconds, if not before."""
        self._ping_at = min(self._ping_at, time.monotonic() + seconds)

    def exchange(self, wake: int, timeout: float) -> list[Message]:
        """What arrives within `timeout` seconds, or until socket `wake` is readable. Raises LinkError."""
        if self.ready and time.monotonic() >= self._ping_at:
            self.ask(show=False)
            self._ping_at = time.monotonic() + self._lease / 3
        if self.ready:
            timeout = min(timeout, self._ping_at - time.monotonic())
        begun = time.monotonic()
        self._transport.wait(wake, timeout)
        if (pause := time.monotonic() - begun - timeout) > PAUSE_SECONDS:
            self._asked_at += pause  # this program stood still, and perhaps the backend with it
            self._opened_at += pause
        arrived = [message for channel in self._channels for message in self._receive(channel)]
        if not arrived:
            self._check()
        return [message for message in arrived if not self._absorbed(message)]

    def _receive(self, channel: Channel) -> Iterator[Message]:
        while (frames := channel.receive()) is not None:
            yield self._decode(frames)

    def _decode(self, frames: list[memoryview]) -> Message:
        try:
            return decode(frames, self.limits)
        except ProtocolError as error:
            if error.code is ErrorCode.VERSION:
                raise self._version() from None
            raise _lost(f"The backend sent a message that cannot be read: {error}.") from None

    def _absorbed(self, message: Message) -> bool:
        """Deal with what is about the connection itself."""
        if isinstance(message, Welcome):
            if message.version != VERSION:
                raise self._version()
            self._lease, self.actions = max(0.3, message.lease), tuple(message.actions)
            self._welcomes += 1
            return True
        if isinstance(message, Status):
            self.unfinished = frozenset(entry.job for entry in message.jobs)
            shown = self._questions.popleft() if self._questions else False
            self._asked_at = time.monotonic()
            return not shown
        if isinstance(message, Failed) and message.failure.code is ErrorCode.VERSION:
            raise self._version()
        return False

    def _check(self) -> None:
        """Nothing arrived: is anybody there?"""
        for channel in self._channels:
            if channel.lost:
                raise LinkBrokenError(_lost(f"The connection to the backend broke: {channel.lost}.").failure)
        now = time.monotonic()
        if not self.ready and now - self._opened_at > HANDSHAKE_SECONDS:
            raise _lost(f"The backend{self._process} does not answer.")
        if self.ready and self._questions and now - self._asked_at > self._lease / 2:
            raise _lost(f"The backend{self._process} has not answered for {self._lease / 2:.0f} seconds.")

    @property
    def _process(self) -> str:
        return f" (process {self.endpoint.pid})" if self.endpoint.pid else ""

    def _version(self) -> LinkError:
        return _lost(
            "The plugin and the running backend are of different versions of Inlay.",
            f"Run python3 -m installer, end the backend{self._process}, and restart this program.",
            ErrorCode.VERSION,
        )

    def close(self, linger: float = 0.0) -> None:
        """Disconnect; what was sent has `linger` seconds to leave."""
        for channel in self._channels:
            channel.close(linger)
        self._transport.close()
