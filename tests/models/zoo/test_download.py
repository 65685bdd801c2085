"""Downloads where something is in the way: another process, a full or read-only disk, a server that drips."""

from __future__ import annotations

import errno
import hashlib
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.zoo import download as downloads
from models.zoo.cards import Card, CardError
from models.zoo.download import DownloadError, download
from tests.models.zoo.test_store import DIGEST, PAYLOAD

SIZE = len(PAYLOAD)


class Handler(http.server.BaseHTTPRequestHandler):
    """/slow sends PAYLOAD in pieces, /drip a byte now and then, /dripping-head one header after the other."""

    served: list[str] = []  # noqa: RUF012 - one list for the server of a test
    ending = threading.Event()

    def do_GET(self) -> None:
        self.served.append(self.path)
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if self.path == "/dripping-head":
            self._drip_head()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(SIZE - start))
        self.end_headers()
        piece = 1 if self.path == "/drip" else SIZE // 20
        try:
            for at in range(start, SIZE, piece):
                self.wfile.write(PAYLOAD[at : at + piece])
                if self.ending.wait(0.05):
                    return
        except ConnectionError:
            return

    def _drip_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while not self.ending.wait(0.02):
                self.wfile.write(b"X")
        except ConnectionError:
            return

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("INLAY_OFFLINE", raising=False)
    Handler.served.clear()
    Handler.ending.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        Handler.ending.set()
        httpd.shutdown()
        thread.join()


FETCH = """
import sys
from pathlib import Path
from models.zoo.download import download
download(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
"""


def test_two_processes_that_fetch_one_file_fetch_it_once(server: str, tmp_path: Path) -> None:
    target = tmp_path / "net.pth"
    command = [sys.executable, "-c", FETCH, f"{server}/slow", str(target), DIGEST, str(SIZE)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert hashlib.sha256(target.read_bytes()).hexdigest() == DIGEST
    assert Handler.served == ["/slow"]


def test_who_waits_sees_how_far_the_other_is(server: str, tmp_path: Path) -> None:
    target, seen = tmp_path / "net.pth", []
    other = threading.Thread(target=download, args=(f"{server}/slow", target, DIGEST, SIZE))
    other.start()
    while not (tmp_path / "net.pth.partial").exists():
        time.sleep(0.01)
    download(f"{server}/slow", target, DIGEST, SIZE, lambda have, total: seen.append((have, total)))
    other.join()
    assert seen and all(have <= total == SIZE for have, total in seen)


def test_a_server_that_drips_is_given_up(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "WINDOW", 0.3)
    with pytest.raises(DownloadError, match="comes too slowly"):
        download(f"{server}/drip", tmp_path / "net.pth", DIGEST, SIZE)
    partial = (tmp_path / "net.pth.partial").read_bytes()
    assert partial and partial == PAYLOAD[: len(partial)], "the next try goes on from there"


@pytest.mark.timeout(60)
def test_a_server_that_drips_its_headers_is_given_up(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "WINDOW", 0.3)
    with pytest.raises(DownloadError, match=r"no whole answer within 0.3 seconds.*try again"):
        download(f"{server}/dripping-head", tmp_path / "net.pth", DIGEST, SIZE)
    assert Handler.served == ["/dripping-head"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("where", ["mkdir", "open"])
def test_a_disk_that_takes_nothing_is_named(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, where: str
) -> None:
    whole = getattr(Path, where)

    def refusing(path: Path, *words: Any, **named: Any) -> Any:
        if path.name in ("models", "net.pth.partial"):
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, *words, **named)

    monkeypatch.setattr(Path, where, refusing)
    with pytest.raises(DownloadError, match=str(tmp_path)) as raised:
        download(f"{server}/slow", tmp_path / "models/net.pth", DIGEST, SIZE)
    full = number in (errno.ENOSPC, errno.EDQUOT)
    assert ("is full. Make room for 1 MB" if full else "cannot be written") in str(raised.value)


def test_a_disk_with_too_little_room_is_named_before_anything_is_fetched(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 1000})())
    with pytest.raises(DownloadError, match=r"is full: 1 MB are needed, 0 MB are free"):
        download(f"{server}/slow", tmp_path / "net.pth", DIGEST, SIZE)
    assert Handler.served == []


@pytest.mark.parametrize("file", ["..", ".", "", "../net.pth", "/etc/passwd", "a\\b.pth", "C:net.pth"])
def test_a_card_cannot_name_a_file_elsewhere(file: str) -> None:
    with pytest.raises(CardError, match="plain file name"):
        Card("net", "subject", file, "0" * 64, 1, "MIT", url="https://models.example/net.pth")
