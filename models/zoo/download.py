"""Downloads of checkpoints: resumable, checked against their sha256, put in place only when whole and right."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

CHUNK = 1 << 18
TIMEOUT = 30.0  # seconds without a byte

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


def download(url: str, path: Path, sha256: str, size: int, progress: Progress | None = None) -> Path:
    """Fetches `url` to `path` and returns `path`; what an earlier try left in `path`.partial is continued.

    sha256: the digest or its beginning; size: bytes expected, of which no more than 1 % over will be written. Raises
    OfflineError, or DownloadError with the remedy; after a wrong digest nothing is left behind, after a broken
    connection the partial file is.
    """
    if offline():
        raise OfflineError(
            f"{path.name} is not on this machine and INLAY_OFFLINE=1 forbids downloads. Unset INLAY_OFFLINE, or fetch "
            f"{url} elsewhere and put it at {path}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    limit = size + size // 100
    if partial.exists() and partial.stat().st_size > limit:
        partial.unlink()
    try:
        _receive(url, partial, limit, progress)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f"{url} could not be fetched ({reason}). Check the connection and try again; it will go on from there."
        ) from None
    if not sha256_of(partial).startswith(sha256):
        partial.unlink()
        raise DownloadError(
            f"{url} is not the file that was expected: its sha256 differs. Nothing was kept; try again later."
        )
    partial.replace(path)
    return path


def _receive(url: str, partial: Path, limit: int, progress: Progress | None) -> None:
    """Appends to `partial` what it lacks; starts over where the server cannot continue."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # nothing is lacking
            error.close()
            return
        raise
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        total = have + int(response.headers.get("Content-Length") or 0)
        if total > limit:
            raise DownloadError(f"{url} has {total} bytes, at most {limit} are expected; nothing was fetched.")
        with partial.open("ab" if have else "wb") as file:
            while block := response.read(min(CHUNK, limit + 1 - have)):
                have += len(block)
                file.write(block)
                if progress is not None:
                    progress(have, total)
    if have < total:
        raise DownloadError(f"{url} broke off after {have} of {total} bytes. Try again; it will go on from there.")
