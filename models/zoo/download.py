"""Downloads of checkpoints: resumable, checked against their sha256, put in place only when whole and right."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from plugin.client.server.launcher import take_lock

CHUNK = 1 << 18
TIMEOUT = 30.0  # seconds without a byte
LEAST_RATE = 1 << 10  # bytes a second; a server that sends less holds nobody up for long
WINDOW = 30.0  # seconds over which the rate is taken, and within which the head of an answer must be there
WAIT = 3600.0  # seconds for another process that fetches the same file

Progress = Callable[[int, int], None]  # bytes so far, bytes in all


class DownloadError(RuntimeError):
    """A download that did not end well; the message says what to do."""


class OfflineError(DownloadError):
    """A file is needed that is not here, and INLAY_OFFLINE=1 forbids fetching it."""


def offline() -> bool:
    """Whether INLAY_OFFLINE=1 forbids all downloads."""
    return os.environ.get("INLAY_OFFLINE", "") not in ("", "0")


def sha256_of(path: Path) -> str:
    """The file's digest in lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def mirrored(urls: Sequence[str]) -> list[str]:
    """The addresses, the one in the mirror that INLAY_MODELS_MIRROR names (a folder of such files) before all others.

    The file's name there is the last part of the first address.
    """
    mirror = os.environ.get("INLAY_MODELS_MIRROR")
    return [*([f"{mirror.rstrip('/')}/{urls[0].rsplit('/', 1)[-1]}"] if mirror else []), *urls]


def download(urls: str | Sequence[str], path: Path, sha256: str, size: int, progress: Progress | None = None) -> Path:
    """Fetches the first of `urls` that gives the file to `path` and returns `path`; what an earlier try left in
    `path`.partial is continued.

    sha256: the digest or its beginning; size: bytes expected, of which no more than 1 % over will be written. Raises
    OfflineError, or DownloadError with the remedy; after a wrong digest nothing is left behind, after a broken
    connection, or an exception of `progress`, the partial file is.
    """
    addresses = mirrored([urls] if isinstance(urls, str) else urls)
    if offline():
        raise OfflineError(
            f"{path.name} is not on this machine and INLAY_OFFLINE=1 forbids downloads. Unset INLAY_OFFLINE, or fetch "
            f"{addresses[0]} elsewhere and put it at {path}."
        )
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(partial, size, progress):
            if path.is_file() and sha256_of(path).startswith(sha256):
                return path  # another process has fetched it meanwhile
            _fetch_from_any(addresses, partial, sha256, size, progress)
            partial.replace(path)
    except OSError as error:
        raise _cannot_be_kept(path, size, error) from None
    return path


def _fetch_from_any(urls: Sequence[str], partial: Path, sha256: str, size: int, progress: Progress | None) -> None:
    failures: list[DownloadError] = []
    if any(_tried(url, partial, sha256, size, progress, failures) for url in urls):
        return
    raise failures[0] if len(failures) == 1 else DownloadError(" ".join(map(str, failures)))


def _tried(
    url: str, partial: Path, sha256: str, size: int, progress: Progress | None, failures: list[DownloadError]
) -> bool:
    try:
        _fetch(url, partial, sha256, size, progress)
    except DownloadError as error:
        failures.append(error)
        return False
    return True


def _fetch(url: str, partial: Path, sha256: str, size: int, progress: Progress | None) -> None:
    limit = size + size // 100
    if partial.exists() and not (partial.is_file() and partial.stat().st_size <= limit):
        partial.unlink()  # too long, or a pipe in its place, which would hold this up for ever
    have = partial.stat().st_size if partial.exists() else 0
    if (free := shutil.disk_usage(partial.parent).free) < size - have:
        raise DownloadError(
            f"The disk of {partial.parent} is full: {(size - have) / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are "
            "free. Make room and try again."
        )
    try:
        _receive(url, partial, size, progress)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", "") or error
        raise DownloadError(
            f"{url} could not be fetched ({reason}). Check the connection and try again; it will go on from there."
        ) from None
    if not sha256_of(partial).startswith(sha256):
        partial.unlink()
        raise DownloadError(
            f"{url} is not the file that was expected: its sha256 differs. Nothing was kept; try again later."
        )


@contextmanager
def _alone(partial: Path, size: int, progress: Progress | None) -> Iterator[None]:
    """Hold the lock of a file that is fetched; while another process does, wait and show how far that one is.

    Raises DownloadError when that takes an hour.
    """
    name = partial.with_name(partial.name + ".lock")
    end = time.monotonic() + WAIT
    while (lock := _lock(name)) is None:
        if time.monotonic() > end:
            raise DownloadError(f"Another process has been fetching {partial.stem} for an hour. End it and try again.")
        if progress is not None:
            progress(partial.stat().st_size if partial.exists() else 0, size)
        time.sleep(0.1)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file: there it stays
            name.unlink()
        lock.close()


def _lock(path: Path) -> IO[bytes] | None:
    """The locked file, None while another process holds it, or when it was removed by the one that held it."""
    lock = take_lock(path)
    if lock is None:
        return None
    try:
        if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
            return lock
    except FileNotFoundError:
        pass
    lock.close()
    return None


def _cannot_be_kept(path: Path, size: int, error: OSError) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            f"The disk of {path.parent} is full. Make room for {size / 1e6:.0f} MB; the next try goes on from there."
        )
    return DownloadError(
        f"{path} cannot be written ({error.strerror or error}). Make {path.parent} writable, or name another folder "
        "with INLAY_DATA_DIR."
    )


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows no redirection from https to a connection that anybody can read and change."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.URLError(f"it leads from https to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Answer(http.client.HTTPResponse):
    """An answer whose head must be there within WINDOW: one that drips would take hours, with each byte in time."""

    def __init__(self, sock: socket.socket, *words: Any, **named: Any) -> None:
        super().__init__(sock, *words, **named)
        self._socket = sock

    def begin(self) -> None:
        late = threading.Event()
        timer = threading.Timer(WINDOW, _hang_up, (self._socket, late))
        timer.start()
        try:
            super().begin()
        except Exception:
            if not late.is_set():
                raise
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError(f"no whole answer within {WINDOW:g} seconds")


def _hang_up(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # an encrypted one's own would say good-bye first


class _Connection(http.client.HTTPConnection):
    response_class = _Answer


class _SecureConnection(http.client.HTTPSConnection):
    response_class = _Answer


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, request)


def _open(request: urllib.request.Request) -> Any:
    """The answer to a request; proxies are those of the environment, asked anew each time."""
    return urllib.request.build_opener(_NoDowngrade, _Http, _Https).open(request, timeout=TIMEOUT)


def _block(response: Any, most: int) -> bytes:
    """What is there, not all that was asked for; empty at the end."""
    try:
        return bytes(response.read1(most))
    except OSError as error:  # of the connection, not of the disk
        raise urllib.error.URLError(error) from None


def _receive(url: str, partial: Path, size: int, progress: Progress | None) -> None:
    """Appends to `partial` what it lacks; starts over where the server cannot continue."""
    limit = size + size // 100
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = _open(request)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # nothing is lacking
            return
        raise
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        declared = response.headers.get("Content-Length") or ""
        total = have + (int(declared) if declared.isdecimal() else 0)
        if total > limit:
            raise DownloadError(f"{url} has {total} bytes, at most {limit} are expected; nothing was fetched.")
        with partial.open("ab" if have else "wb") as file:
            since, before = time.monotonic(), have
            while block := _block(response, min(CHUNK, limit + 1 - have)):
                have += len(block)
                if (seconds := time.monotonic() - since) > WINDOW:
                    if have - before < LEAST_RATE * seconds:
                        raise DownloadError(
                            f"{url} comes too slowly ({(have - before) / seconds:.0f} bytes a second). Try again "
                            "later; it will go on from there."
                        )
                    since, before = time.monotonic(), have
                file.write(block)
                if progress is not None:
                    progress(have, total)
    total = max(total, size - size // 100)  # a server that tells no length may have broken off, too
    if have < total:
        raise DownloadError(f"{url} broke off after {have} of {total} bytes. Try again; it will go on from there.")
