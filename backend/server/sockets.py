"""The broker's sockets: where they listen, who may connect, and the connection file that says so."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import zmq
from zmq.auth.thread import ThreadAuthenticator

from plugin.client.codec import Limits
from plugin.client.server.endpoint import (
    CONNECTION_FILE,
    KEY,
    LOOPBACK,
    Endpoint,
    EndpointError,
    read_private,
    remove_endpoint,
    write_endpoint,
)

from .intake import HANDSHAKE_MS, Gate, most_connections
from .options import Options

KEY_FILE = "keys.json"
_LISTEN = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|\*|[A-Za-z0-9.\-]+):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Keys:
    """CURVE keys, Z85 text: the backend's, and the pair that the connection file hands to clients and workers."""

    server_public: str
    server_secret: str
    client_public: str
    client_secret: str

    @classmethod
    def generate(cls) -> Keys:
        pairs = zmq.curve_keypair() + zmq.curve_keypair()
        return cls(*(key.decode("ascii") for key in pairs))

    @classmethod
    def kept(cls, path: Path) -> Keys:
        """The keys in `path`, made when there are none: copies of a connection file stay good over a restart.

        Raises EndpointError when the file is damaged.
        """
        try:
            entry = json.loads(read_private(path))
        except FileNotFoundError:
            keys = cls.generate()
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                json.dump({name: getattr(keys, name) for name in cls.__slots__}, file)
            return keys
        except (ValueError, RecursionError):
            entry = None
        whole = isinstance(entry, dict) and entry.keys() == set(cls.__slots__)
        if not whole or not all(isinstance(key, str) and KEY.fullmatch(key) for key in entry.values()):
            raise EndpointError(
                f"{path}, with the backend's keys, is damaged",
                "Remove it: the next start makes new ones, and its clients elsewhere need the new connection file.",
            )
        return cls(**entry)


class Sockets:
    """`work` and `control` for the clients, and one more for each worker. Raises EndpointError if they cannot be."""

    def __init__(self, options: Options) -> None:
        self.run_dir = options.run_dir
        self.files: set[str] = set()  # of ipc sockets in the run directory
        self.keys: Keys | None = None
        if options.listen or os.name != "posix":
            self.keys = Keys.kept(options.run_dir / KEY_FILE) if options.listen else Keys.generate()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=2)
        self.authenticator: ThreadAuthenticator | None = None
        if self.keys is not None:
            self._admit_only({self.keys.client_public, *options.allow})
        self.work = self._socket(zmq.ROUTER)
        self.control = self._socket(zmq.ROUTER)
        self.control.setsockopt(zmq.MAXMSGSIZE, Limits().header_bytes)
        self.gates = [Gate(socket, most_connections()) for socket in (self.work, self.control)]
        try:
            self.endpoint = self._bind(options.listen)
        except (zmq.ZMQError, EndpointError) as error:
            self.close()
            if isinstance(error, EndpointError):
                raise
            raise EndpointError(f"no socket could be opened: {error}", "Choose another address or folder.") from None

    def publish(self) -> None:
        """Write the connection file, in place of a dead backend's."""
        write_endpoint(self.endpoint, self.run_dir / CONNECTION_FILE)

    def for_worker(self, number: int) -> tuple[zmq.Socket[bytes], str]:
        """A new socket for one worker process and the address to connect it to."""
        worker = self._socket(zmq.DEALER)
        return worker, self._bind_local(worker, f"worker-{number}")

    def close(self) -> None:
        """Let the last answers go out, then remove sockets and connection file."""
        remove_endpoint(self.run_dir / CONNECTION_FILE, os.getpid())
        if self.authenticator is not None:
            self.authenticator.stop()
        for gate in self.gates:
            gate.close()
        self.context.destroy(linger=500)
        for name in self.files:
            (self.run_dir / name).unlink(missing_ok=True)

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        made = self.context.socket(kind)
        made.setsockopt(zmq.MAXMSGSIZE, Limits().raster_bytes)
        made.setsockopt(zmq.LINGER, 500)
        if kind == zmq.ROUTER:
            made.setsockopt(zmq.ROUTER_MANDATORY, 1)
            made.setsockopt(zmq.ROUTER_HANDOVER, 1)
            made.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        if self.keys is not None:
            made.curve_server = True
            made.curve_secretkey = self.keys.server_secret.encode("ascii")
            made.curve_publickey = self.keys.server_public.encode("ascii")
        return made

    def _admit_only(self, allowed: set[str]) -> None:
        class Allowed:
            def callback(self, domain: str, key: bytes) -> bool:
                return key.decode("ascii") in allowed

        self.authenticator = ThreadAuthenticator(self.context)
        self.authenticator.start()
        self.authenticator.configure_curve_callback(domain="*", credentials_provider=Allowed())

    def _bind(self, listen: str) -> Endpoint:
        if not listen:
            work, control = self._bind_local(self.work, "work"), self._bind_local(self.control, "control")
        else:
            match = _LISTEN.fullmatch(listen)
            if not match or int(match[2]) > 65534:
                raise EndpointError(f"{listen!r} is no address to listen at", "Write tcp://HOST:PORT.")
            host, port = match[1], int(match[2])
            for bound in (self.work, self.control):
                bound.setsockopt(zmq.IPV6, int(host.startswith("[")))
            self.work.bind(f"tcp://{host}:{port or '*'}")
            self.control.bind(f"tcp://{host}:{port + 1 if port else '*'}")
            name = socket.gethostname() if host in ("*", "0.0.0.0", "[::]") else host
            work, control = (
                f"tcp://{name}:{bound.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(':')[2]}"
                for bound in (self.work, self.control)
            )
        if self.keys is None:
            return Endpoint("ipc://work", "ipc://control", os.getpid(), folder=self.run_dir)
        keys = self.keys
        return Endpoint(
            work, control, os.getpid(), keys.server_public, keys.client_public, keys.client_secret, folder=self.run_dir
        )

    def _bind_local(self, bound: zmq.Socket[bytes], name: str) -> str:
        if os.name == "posix":
            address = Endpoint("ipc://work", "ipc://control", folder=self.run_dir).resolve(f"ipc://{name}")
            bound.bind(address)
            self.files.add(name)
            return address
        bound.bind(f"tcp://{LOOPBACK}:*")
        return bound.getsockopt_string(zmq.LAST_ENDPOINT)
