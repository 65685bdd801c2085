"""Where a backend answers: the run directory and the connection file in it, read and written by both halves.

The file is the backend's word to its clients: addresses, and off POSIX or from afar the CURVE keys. It is written
whole or not at all, readable by its owner alone, and believed only when nobody else could have written it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import stat
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..messages import ErrorCode, Failure
from . import sandbox

FILE_VERSION = 1
CONNECTION_FILE = "connection.json"
LOOPBACK = "127.0.0.1"
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
"""Longest path of a unix socket, in bytes (sockaddr_un)."""
LONGEST_NAME = "worker-99"
"""Of a socket in the run directory."""

KEY = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")  # Z85, 32 bytes
_TCP = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+):([0-9]{1,5})")
_NAME = re.compile(r"ipc://([A-Za-z0-9_.\-]+)")


class EndpointError(Exception):
    """The run directory or the connection file is not one to trust; `failure` says why and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.failure = Failure(ErrorCode.UNREACHABLE, message, remedy)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The two addresses of a backend and the keys to them.

    `work` and `control` are "ipc://NAME", NAME being a file beside the connection file, or "tcp://HOST:PORT". Keys are
    Z85 text of 40 characters: all three with CURVE, none without. `folder` is where the connection file lies.
    """

    work: str
    control: str
    pid: int = 0  # 0: on another machine, not known
    server_key: str = ""
    client_public: str = ""
    client_secret: str = ""
    plain_loopback: bool = False  # tcp without CURVE to 127.0.0.1 is meant
    folder: Path | None = None

    def __post_init__(self) -> None:
        keys = (self.server_key, self.client_public, self.client_secret)
        if any(keys) and not all(KEY.fullmatch(key) for key in keys):
            raise EndpointError("the keys in the connection file are incomplete", "Copy it again from the backend.")
        for address in (self.work, self.control):
            tcp = _TCP.fullmatch(address)
            if not tcp and not _NAME.fullmatch(address):
                raise EndpointError(f"{address[:80]!r} is no backend's address", "Write ipc://NAME or tcp://HOST:PORT.")
            if tcp and not self.secure and not (self.plain_loopback and tcp[1] == LOOPBACK):
                raise EndpointError(
                    f"the connection to {address} would not be encrypted",
                    "Use the connection file that the backend wrote: it holds the keys.",
                )

    @property
    def secure(self) -> bool:
        """Whether CURVE encrypts the connection and proves both sides."""
        return bool(self.server_key)

    @property
    def local(self) -> bool:
        """Whether the backend runs on this machine."""
        return all(not (tcp := _TCP.fullmatch(a)) or tcp[1] == LOOPBACK for a in (self.work, self.control))

    def resolve(self, address: str) -> str:
        """`address` with an ipc path made absolute from the connection file's folder, as sockets want it."""
        name = _NAME.fullmatch(address)
        if not name:
            return address
        path = (self.folder or run_directory()) / name[1]
        check_socket_path(path)
        return f"ipc://{path}"


def run_directory(path: Path | None = None) -> Path:
    """The private folder of sockets and the connection file; made if need be.

    `path`, else INLAY_RUN_DIR, else (in a sandbox) the app's own folder, else XDG_RUNTIME_DIR/inlay, else a
    folder of this user's in the temporary folder.
    Raises EndpointError when somebody else could write to it.
    """
    if path is None:
        path = _default_directory()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise EndpointError(
            f"the folder {path}, in which the backend is met, cannot be made: {error.strerror}",
            "Make the folder above it yours, or set INLAY_RUN_DIR to a folder of yours.",
        ) from None
    _demand_private(path, found, directory=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise EndpointError(f"the folder {path} cannot be written to", f"Make it writable: chmod 700 {path}")
    if hasattr(socket, "AF_UNIX"):
        check_socket_path(path.absolute() / LONGEST_NAME)
    return path.absolute()


def check_socket_path(path: Path) -> None:
    """Raises EndpointError when the path of a unix socket is longer than the system takes."""
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise EndpointError(
            f"the path of the socket {path} is longer than {SOCKET_PATH_BYTES} bytes",
            "Set INLAY_RUN_DIR to a folder with a shorter path.",
        )


def _default_directory() -> Path:
    if named := os.environ.get("INLAY_RUN_DIR"):
        return Path(named)
    if (confined := sandbox.current()) is not None:
        return confined.run_dir
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / f"inlay{_of_home()}"
    if os.name == "posix":
        import tempfile  # not above: it is slow to load, and most systems have XDG_RUNTIME_DIR

        return Path(tempfile.gettempdir()) / f"inlay-{os.getuid()}{_of_home()}"
    return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "Inlay" / "run"


def _of_home() -> str:
    """What tells apart the backends of one user's homes, which have their own models; empty for the usual home."""
    data = os.environ.get("INLAY_DATA_DIR", "")
    home = os.path.realpath(data or os.path.expanduser("~"))  # noqa: PTH111 -- as a user without a home has no Path.home
    if sys.platform != "win32" and not data:
        import pwd

        with contextlib.suppress(KeyError):  # a user that the system does not list
            if home == os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir):
                return ""
    return f"-{zlib.crc32(os.fsencode(home)):08x}"


def _demand_private(path: Path, found: os.stat_result, directory: bool) -> None:
    if not (stat.S_ISDIR if directory else stat.S_ISREG)(found.st_mode):
        raise EndpointError(f"{path} is no {'folder' if directory else 'file'}", "Remove it and try again.")
    if os.name == "posix" and found.st_uid != os.getuid():
        raise EndpointError(
            f"{path} belongs to another user of this machine (number {found.st_uid})",
            "Have it removed, or set INLAY_RUN_DIR to a folder of yours.",
        )
    if os.name == "posix" and found.st_mode & 0o077:
        raise EndpointError(
            f"{path} is open to other users of this machine",
            f"Make it yours alone: chmod {'700' if directory else '600'} {path}",
        )


def read_private(path: Path) -> bytes:
    """A small file that only this user can have written. Raises FileNotFoundError, or EndpointError when it is another.

    A pipe in its place holds nobody up, and a link is not followed.
    """
    flags = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")]
    try:
        number = os.open(path, os.O_RDONLY | sum(flags))
        try:
            _demand_private(path, os.fstat(number), directory=False)
            return os.read(number, 1 << 16)
        finally:
            os.close(number)
    except FileNotFoundError:
        raise
    except OSError as error:
        if path.is_symlink():
            raise EndpointError(f"{path} is a link", "Remove it and try again.") from None
        raise EndpointError(f"{path} cannot be read: {error.strerror}", "Make it readable for yourself.") from None


def read_endpoint(path: Path) -> Endpoint:
    """The endpoint in a connection file. Raises FileNotFoundError, or EndpointError when it is not to be trusted."""
    text = read_private(path)
    remedy = f"End the backend if it runs, and remove {path}; the next start writes it anew."
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        raise EndpointError(f"{path} cannot be read", remedy) from None
    if not isinstance(entry, dict) or entry.pop("version", None) != FILE_VERSION:
        raise EndpointError(f"{path} is of another version of Inlay", remedy)
    types = {"work": str, "control": str, "pid": int, "server_key": str}
    types |= {"client_public": str, "client_secret": str, "plain_loopback": bool}
    if not set(entry) <= set(types) or not {"work", "control"} <= set(entry):
        raise EndpointError(f"{path} does not hold the fields of a connection file", remedy)
    for name, value in entry.items():
        if type(value) is not types[name]:
            raise EndpointError(f"{path}: {name} is not of type {types[name].__name__}", remedy)
    return Endpoint(**entry, folder=path.absolute().parent)


def write_endpoint(endpoint: Endpoint, path: Path) -> None:
    """Write the connection file: atomically, for its owner's eyes alone."""
    names = ("pid", "work", "control", "server_key", "client_public", "client_secret", "plain_loopback")
    entry = {"version": FILE_VERSION} | {name: getattr(endpoint, name) for name in names}
    import tempfile  # not above: only the backend writes the file

    number, name = tempfile.mkstemp(dir=path.parent, prefix=".connection-")  # mkstemp makes it 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(entry, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_endpoint(path: Path, pid: int) -> None:
    """Remove the connection file if it is still that of process `pid`."""
    with contextlib.suppress(OSError, EndpointError):
        if read_endpoint(path).pid == pid:
            path.unlink()


def listening(address: str, timeout: float = 1.0) -> bool:
    """Whether anyone accepts connections at a resolved address. For ipc and loopback the answer is immediate."""
    tcp = _TCP.fullmatch(address)
    try:
        if tcp:
            socket.create_connection((tcp[1].strip("[]"), int(tcp[2])), timeout).close()
        else:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(timeout)
                probe.connect(address.removeprefix("ipc://"))
    except BlockingIOError:  # so many are about to connect that no more may wait: somebody does listen
        return True
    except (OSError, AttributeError):  # AttributeError: a Python without unix sockets
        return False
    return True
