"""The model store: bundled weights, downloads that resume, digests that are checked, offline mode."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.zoo import cards, store
from models.zoo.cards import Card, CardError
from models.zoo.download import DownloadError, OfflineError, download

PAYLOAD = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(PAYLOAD).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves PAYLOAD with ranges; /broken stops in the middle, /whole knows no ranges."""

    requests: list[tuple[str, str]] = []  # noqa: RUF012 - one list for the server of a test

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.requests.append((self.path, asked))
        start = int(asked[6:-1]) if asked and self.path != "/whole" else 0
        if start >= len(PAYLOAD):
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(PAYLOAD) - start))
        self.end_headers()
        end = len(PAYLOAD) // 2 if self.path == "/broken" else len(PAYLOAD)
        self.wfile.write(PAYLOAD[start:end])

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INLAY_OFFLINE", raising=False)
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path))


def test_an_interrupted_download_resumes_where_it_stopped(server: str, tmp_path: Path) -> None:
    target = tmp_path / "net.safetensors"
    with pytest.raises(DownloadError, match="go on from there"):
        download(f"{server}/broken", target, DIGEST, len(PAYLOAD))
    assert not target.exists()
    seen: list[int] = []
    download(f"{server}/file", target, DIGEST, len(PAYLOAD), lambda have, total: seen.append(have))
    assert target.read_bytes() == PAYLOAD
    assert Handler.requests[-1] == ("/file", f"bytes={len(PAYLOAD) // 2}-")
    assert seen[0] > len(PAYLOAD) // 2 and seen[-1] == len(PAYLOAD)
    assert list(tmp_path.iterdir()) == [target]


def test_a_server_without_ranges_starts_over(server: str, tmp_path: Path) -> None:
    target = tmp_path / "net.safetensors"
    target.with_name("net.safetensors.partial").write_bytes(b"x" * 1000)
    assert download(f"{server}/whole", target, DIGEST[:8], len(PAYLOAD)).read_bytes() == PAYLOAD


def test_a_complete_partial_file_is_only_checked(server: str, tmp_path: Path) -> None:
    target = tmp_path / "net.safetensors"
    target.with_name("net.safetensors.partial").write_bytes(PAYLOAD)
    assert download(f"{server}/file", target, DIGEST, len(PAYLOAD)).read_bytes() == PAYLOAD


def test_a_wrong_digest_is_refused_and_nothing_kept(server: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="sha256 differs"):
        download(f"{server}/file", tmp_path / "net.pth", "0" * 64, len(PAYLOAD))
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_the_card_says_are_refused(server: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="at most"):
        download(f"{server}/file", tmp_path / "net.pth", DIGEST, 1000)
    assert list(tmp_path.iterdir()) == []


def test_a_dead_server_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="Check the connection"):
        download("http://127.0.0.1:9/file", tmp_path / "net.pth", DIGEST, 1000)


def test_offline_mode_says_where_the_file_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INLAY_OFFLINE", "1")
    with pytest.raises(OfflineError, match=r"lraspp_mobilenet_v3_large-d234d4ea\.pth") as caught:
        store.fetch("lraspp_mobilenet_v3_large")
    assert str(tmp_path / "models") in str(caught.value)


def test_fetched_weights_are_loaded_and_damaged_ones_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    net = store.build(cards.find_card("lraspp_mobilenet_v3_large"))
    path = tmp_path / "models" / "net.pth"
    path.parent.mkdir()
    torch.save(net.state_dict(), path)
    entries = {
        "role": "classes",
        "builder": "lraspp_mobilenet_v3_large",
        "license": "BSD",
        "url": "https://localhost/net.pth",
    }
    card = Card(name="net", file="net.pth", sha256=store.sha256_of(path), size=path.stat().st_size, **entries)
    monkeypatch.setattr(store, "find_card", lambda name: card)
    loaded, _ = store.load("net")
    assert not loaded.training
    assert torch.equal(
        loaded.state_dict()["classifier.low_classifier.bias"], net.state_dict()["classifier.low_classifier.bias"]
    )
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(store.WeightsError, match="damaged"):
        store.load("net")


def test_weights_of_another_network_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "models" / "other.safetensors"
    path.parent.mkdir()
    save_file(nn.Linear(2, 2).state_dict(), path)
    card = Card(
        "other",
        "classes",
        path.name,
        store.sha256_of(path),
        100,
        "BSD",
        "lraspp_mobilenet_v3_large",
        url="https://localhost",
    )
    monkeypatch.setattr(store, "find_card", lambda name: card)
    with pytest.raises(store.WeightsError, match="does not fit"):
        store.load("other")


def test_an_absent_model_names_the_command_that_fetches_it() -> None:
    with pytest.raises(store.WeightsError, match="inlay models fetch vgg16"):
        store.load("vgg16")


def test_an_unknown_name_lists_the_models() -> None:
    with pytest.raises(CardError, match="vgg16"):
        store.load("vgg17")


@pytest.mark.parametrize("name", store.names())
def test_every_card_says_what_is_asked_and_names_its_bundled_file(name: str) -> None:
    card = cards.find_card(name)
    assert (card.builder in store.BUILDERS) == (card.runtime == "torch")
    assert card.license and card.data and card.limits
    if not card.bundled:
        assert card.rank > 0
        assert card.contract is not None or card.role == "features"
        assert card.source or all(part.url.startswith("https://") for part in card.parts)
        assert card.digest_by == "the publisher" or all(len(part.sha256) == 64 for part in card.parts)
    else:
        assert card.scores
        path = store.locate(card)
        assert path is not None, "a bundled file is missing"
        assert path.stat().st_size == card.size
        assert store.sha256_of(path) == card.sha256


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("color = 1", "unknown entries color"),
        ('sha256 = "zz"', "hexadecimal"),
        ('sha256 = "00"\n[contract]\nkind = "map"', "contract"),
        ('sha256 = "00"\n[contract]\nkind = "map"\nsize = 8\norder = "RBG"', "order must be one of RGB, BGR"),
        ('sha256 = "00"\n[contract]\nkind = "map"\nsize = 8\nstd = [1, 0, 1]', "no std is 0"),
        ('sha256 = "00"\n[contract]\nkind = "maps"', "kind must be one of"),
        ("", "missing"),
        ("=", "damaged"),
    ],
)
def test_bad_cards_are_refused(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    known = 'role = "subject"\nbuilder = "x"\nfile = "x"\nsize = 1\nlicense = "x"\n'
    path.write_text((known if message != "missing" else "") + line)
    with pytest.raises(CardError, match=message):
        cards.read_card(path)
