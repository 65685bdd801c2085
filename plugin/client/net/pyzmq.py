"""The transport over pyzmq."""

from __future__ import annotations

from collections.abc import Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from ..codec import Limits
from ..image import Bytes
from ..server.endpoint import Endpoint
from .transport import TransportError

_LOSSES = {
    zmq.EVENT_DISCONNECTED: "the backend closed the connection",
    zmq.EVENT_CLOSED: "nobody answers at the backend's address",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "what answers at the backend's address is no backend",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the backend wants another kind of encryption, or other keys",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the backend does not accept this client's key",
}


class PyzmqChannel:
    """A DEALER socket of libzmq with a monitor that tells when its connection breaks."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: Endpoint, address: str, limits: Limits):
        self.lost = ""
        self.socket = context.socket(zmq.DEALER)
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.linger = 0  # what cannot leave when a connection breaks must not keep the context from ending
        self.socket.reconnect_ivl = -1  # a lost connection is for Connection to judge, not to be restored in silence
        self.socket.maxmsgsize = limits.raster_bytes
        self.socket.ipv6 = True  # takes IPv4 addresses, too
        if endpoint.secure:
            self.socket.curve_serverkey = endpoint.server_key.encode()
            self.socket.curve_publickey = endpoint.client_public.encode()
            self.socket.curve_secretkey = endpoint.client_secret.encode()
        events = 0
        for event in _LOSSES:
            events |= event
        self.monitor = self.socket.get_monitor_socket(events)
        self.socket.connect(endpoint.resolve(address))

    def send(self, frames: Sequence[Bytes]) -> None:
        if self.lost:
            return
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.Again:  # there is no limit to what may wait, so there is nobody to send to
            self.lost = _LOSSES[zmq.EVENT_DISCONNECTED]

    def receive(self) -> list[memoryview] | None:
        try:
            return [frame.buffer for frame in self.socket.recv_multipart(zmq.NOBLOCK, copy=False)]
        except zmq.Again:
            return None

    def watch(self) -> None:
        """Learn from the monitor whether the connection is lost."""
        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor)["event"]
            self.lost = self.lost or _LOSSES[zmq.Event(event)]

    def close(self, linger: float = 0.0) -> None:
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(int(linger * 1000))


class PyzmqTransport:
    """Channels of one libzmq context."""

    name = "pyzmq"

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._channels: list[PyzmqChannel] = []

    def connect(self, endpoint: Endpoint, address: str, limits: Limits) -> PyzmqChannel:
        if endpoint.secure and not zmq.has("curve"):
            raise TransportError("this pyzmq was built without CURVE", "Run python3 -m installer to get another.")
        self._channels.append(PyzmqChannel(self._context, endpoint, address, limits))
        return self._channels[-1]

    def wait(self, wake: int, timeout: float) -> None:
        self._channels = [channel for channel in self._channels if not channel.socket.closed]
        poller = zmq.Poller()
        poller.register(wake, zmq.POLLIN)
        for channel in self._channels:
            poller.register(channel.socket, zmq.POLLIN)
            poller.register(channel.monitor, zmq.POLLIN)
        poller.poll(max(0, int(timeout * 1000)))
        for channel in self._channels:
            channel.watch()

    def close(self) -> None:
        self._context.term()
