"""`inlay models`: what there is, fetched, intact."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

import backend.cli.models as command
from backend.cli import Exit
from backend.cli.main import main
from models.zoo import store
from models.zoo.cards import Card, names

CONTENT = b"weights" * 1000
CARD = Card("tiny", "trunk", "vgg16", "tiny.pth", sha256(CONTENT).hexdigest(), len(CONTENT), "CC0", "http://unset")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model whose weights are served on this machine; yields the file they are fetched to."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_OFFLINE", raising=False)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/tiny.pth").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    card = replace(CARD, url=f"http://127.0.0.1:{server.server_port}/tiny.pth")
    for module in (command, store):
        monkeypatch.setattr(module, "find_card", lambda name: card)
    yield store.cache_folder() / "tiny.pth"
    server.shutdown()
    server.server_close()


def test_the_list_names_every_model_without_importing_torch() -> None:
    code = "import sys; from backend.cli.main import main; main(['models', 'list']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in names():
        assert name in done.stdout


def test_bundled_weights_are_as_their_cards_say() -> None:
    assert main(["models", "verify"]) == Exit.DONE


def test_fetched_once_verified_and_damage_noticed(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "tiny"]) == Exit.DONE  # not here: nothing to verify
    assert main(["models", "fetch", "tiny"]) == Exit.DONE
    assert tiny.read_bytes() == CONTENT
    assert str(tiny) in capsys.readouterr().out
    assert main(["models", "verify", "tiny"]) == Exit.DONE
    tiny.write_bytes(b"x" + CONTENT[1:])
    assert main(["models", "verify", "tiny"]) == Exit.BAD_INPUT
    assert "fetch tiny" in capsys.readouterr().err


def test_what_cannot_be_fetched_is_said(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INLAY_OFFLINE", "1")
    assert main(["models", "fetch", "tiny"]) == Exit.UNREACHABLE
    assert "INLAY_OFFLINE" in capsys.readouterr().err


def test_unknown_names_and_missing_names_are_usage_errors() -> None:
    assert main(["models", "fetch"]) == Exit.USAGE
    assert main(["models", "list", "nonsense"]) == Exit.USAGE
