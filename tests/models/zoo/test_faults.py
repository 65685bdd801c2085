"""Downloads that go wrong, each over loopback: torn, truncated, empty, another file, redirected, no room, no way
out."""

from __future__ import annotations

import contextlib
import errno
import http.server
import io
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.zoo.download import DownloadError, OfflineError, _NoDowngrade, download
from tests.models.zoo.test_store import DIGEST, PAYLOAD

SIZE = len(PAYLOAD)
HALF = SIZE // 2


class FullAtHalf(io.FileIO):
    """A file on a disk with room for half of PAYLOAD."""

    def write(self, block: Any, /) -> int:
        room = HALF - os.fstat(self.fileno()).st_size
        if len(block) > room:
            super().write(block[:room])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(block)


class Handler(http.server.BaseHTTPRequestHandler):
    """A fault by the path's name; /good sends PAYLOAD, with ranges. As a proxy it is asked for whole addresses."""

    served: list[str] = []  # noqa: RUF012 - one list for the server of a test

    def do_GET(self) -> None:
        self.served.append(self.path)
        name = self.path.rsplit("/", 1)[-1]
        if name == "moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        if name == "around":
            self.send_response(302)
            self.send_header("Location", "/around")
            self.end_headers()
            return
        if name == "missing":
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        body = {"empty": b"", "other": bytes(SIZE), "page": b"<html>Sign in</html>"}.get(name, PAYLOAD[start:])
        self.send_response(206 if start else 200)
        if name != "truncated":  # a server that tells no length
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who downloads may have hung up
            self.wfile.write(body[:HALF] if name in ("torn", "truncated") else body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("INLAY_OFFLINE", "INLAY_MODELS_MIRROR", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Handler.served.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "net.onnx"


@pytest.mark.parametrize("fault", ["torn", "truncated"])
def test_what_breaks_off_goes_on_the_next_time(server: str, target: Path, fault: str) -> None:
    with pytest.raises(DownloadError, match=f"broke off after {HALF} of"):
        download(f"{server}/{fault}", target, DIGEST, SIZE)
    assert not target.exists()
    seen: list[int] = []
    download(f"{server}/good", target, DIGEST, SIZE, lambda have, _: seen.append(have))
    assert target.read_bytes() == PAYLOAD
    assert seen[0] > HALF


def test_an_empty_answer_is_no_download(server: str, target: Path) -> None:
    with pytest.raises(DownloadError, match=r"broke off after 0 of"):
        download(f"{server}/empty", target, DIGEST, SIZE)
    assert not target.exists()
    assert download(f"{server}/good", target, DIGEST, SIZE).read_bytes() == PAYLOAD


def test_a_disk_that_runs_full_is_named_and_what_is_there_goes_on(
    server: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        real = Path.open

        def opened(path: Path, mode: str = "r", *words: Any, **named: Any) -> Any:
            return FullAtHalf(path, mode) if mode == "wb" else real(path, mode, *words, **named)

        full.setattr(Path, "open", opened)
        with pytest.raises(DownloadError, match=r"disk of .* is full. Make room"):
            download(f"{server}/good", target, DIGEST, SIZE)
    assert not target.exists()
    assert target.with_name("net.onnx.partial").read_bytes() == PAYLOAD[:HALF]
    seen: list[int] = []
    download(f"{server}/good", target, DIGEST, SIZE, lambda have, _: seen.append(have))
    assert target.read_bytes() == PAYLOAD and seen[0] > HALF


def test_another_file_of_the_same_size_is_not_kept(server: str, target: Path) -> None:
    with pytest.raises(DownloadError, match="sha256 differs"):
        download(f"{server}/other", target, DIGEST, SIZE)
    assert list(target.parent.iterdir()) == []


def test_a_page_that_asks_to_sign_in_is_no_model(server: str, target: Path) -> None:
    with pytest.raises(DownloadError, match="broke off after 20 of"):
        download(f"{server}/page", target, DIGEST, SIZE)
    assert not target.exists()


def test_a_redirection_is_followed_and_one_in_a_circle_is_not(server: str, target: Path) -> None:
    with pytest.raises(DownloadError, match="could not be fetched"):
        download(f"{server}/around", target, DIGEST, SIZE)
    assert download(f"{server}/moved", target, DIGEST, SIZE).read_bytes() == PAYLOAD
    assert Handler.served[-2:] == ["/moved", "/good"]


def test_a_redirection_to_a_connection_without_encryption_is_refused() -> None:
    request = urllib.request.Request("https://models.example/net.onnx")
    with pytest.raises(urllib.error.URLError, match="from https to http://"):
        _NoDowngrade().redirect_request(request, None, 302, "", {}, "http://models.example/net.onnx")


def test_mirrors_are_asked_in_turn_and_all_of_their_failures_told(server: str, target: Path) -> None:
    addresses = [f"{server}/missing", f"{server}/other", f"{server}/torn"]
    with pytest.raises(DownloadError) as raised:
        download(addresses, target, DIGEST, SIZE)
    assert all(address in str(raised.value) for address in addresses)
    assert download([*addresses, f"{server}/good"], target, DIGEST, SIZE).read_bytes() == PAYLOAD


def test_the_mirror_of_the_settings_comes_first(server: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_MODELS_MIRROR", f"{server}/mirror/")
    download("http://127.0.0.1:9/models/good", target, DIGEST, SIZE)
    assert Handler.served == ["/mirror/good"]


def test_a_proxy_of_the_environment_is_asked(server: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server)
    monkeypatch.delenv("no_proxy", raising=False)
    download("http://models.example/good", target, DIGEST, SIZE)
    assert Handler.served == ["http://models.example/good"]


def test_offline_asks_nobody(server: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_OFFLINE", "1")
    with pytest.raises(OfflineError, match="forbids downloads"):
        download([f"{server}/good", f"{server}/moved"], target, DIGEST, SIZE)
    assert Handler.served == []


def test_a_download_that_is_cancelled_can_be_gone_on_with(server: str, target: Path) -> None:
    class Stop(Exception):  # noqa: N818 - no error
        pass

    def stop(have: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        download(f"{server}/good", target, DIGEST, SIZE, stop)
    assert 0 < target.with_name("net.onnx.partial").stat().st_size <= SIZE
    assert not target.exists()
    assert download(f"{server}/good", target, DIGEST, SIZE).read_bytes() == PAYLOAD
    assert list(target.parent.iterdir()) == [target]
