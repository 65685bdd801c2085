"""`inlay models`: what there is, fetched, intact."""

from __future__ import annotations

import http.server
import json
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
from models.zoo import imports, roles, store
from models.zoo.cards import Card, names

CONTENT = b"weights" * 1000
TERMS = "images of cats, whose owners were not asked"
CARD = Card("tiny", "features", "tiny.pth", sha256(CONTENT).hexdigest(), len(CONTENT), "CC0", "vgg16", "http://unset")


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
    card = replace(CARD, url=f"http://127.0.0.1:{server.server_port}/tiny.pth", terms=TERMS, digest_by="others")
    for module in (command, store, roles):
        monkeypatch.setattr(module, "find_card", lambda name: card)
    for module in (command, roles, imports):
        monkeypatch.setattr(module, "readable", lambda: ([card], []))
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
    assert "remove tiny, then inlay models fetch tiny" in capsys.readouterr().err
    assert main(["models", "remove", "tiny"]) == Exit.DONE
    assert not tiny.exists()


def test_the_terms_are_said_before_the_download_and_not_again(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "fetch", "tiny"]) == Exit.DONE
    printed = capsys.readouterr().err
    assert "license of the weights: CC0" in printed and TERMS in printed and "stated by others" in printed
    assert main(["models", "fetch", "tiny"]) == Exit.DONE
    assert TERMS not in capsys.readouterr().err


def test_windows_of_editors_read_json(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == Exit.DONE
    (facts,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (facts["name"], facts["state"], facts["used"], facts["terms"]) == ("tiny", "not here", False, TERMS)
    assert main(["models", "fetch", "tiny", "--json"]) == Exit.DONE
    *steps, end = map(json.loads, capsys.readouterr().out.splitlines())
    assert steps[-1] == {"name": "tiny", "received": len(CONTENT), "size": len(CONTENT)}
    assert end == {"name": "tiny", "path": str(tiny)}
    assert main(["models", "list", "--json"]) == Exit.DONE
    (facts,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (facts["state"], facts["used"]) == ("here", True)


def test_a_file_is_imported_and_one_role_set(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "brought").write_bytes(CONTENT)
    assert main(["models", "import", str(tmp_path / "brought")]) == Exit.DONE
    assert tiny.read_bytes() == CONTENT
    assert "is tiny.pth of tiny, and is as it should be" in capsys.readouterr().out
    (tmp_path / "other").write_bytes(b"x")
    assert main(["models", "import", str(tmp_path / "other")]) == Exit.BAD_INPUT
    assert main(["models", "import", str(tmp_path / "nowhere")]) == Exit.BAD_INPUT
    assert main(["models", "use", "features", "bundled"]) == Exit.DONE
    assert roles.pins() == {"features": "bundled"}
    assert main(["models", "use", "subject", "tiny"]) == Exit.USAGE
    assert main(["models", "use", "subject"]) == Exit.USAGE
    assert main(["models", "import"]) == Exit.USAGE
    assert main(["models", "remove"]) == Exit.USAGE


def test_those_that_are_recommended_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--json"]) == Exit.DONE
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) >= 3
    assert all(facts["size"] <= 45e6 and facts["license"] for facts in found)


def test_what_cannot_be_fetched_is_said(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INLAY_OFFLINE", "1")
    assert main(["models", "fetch", "tiny"]) == Exit.UNREACHABLE
    assert "INLAY_OFFLINE" in capsys.readouterr().err


def test_unknown_names_and_missing_names_are_usage_errors() -> None:
    assert main(["models", "fetch"]) == Exit.USAGE
    assert main(["models", "list", "nonsense"]) == Exit.USAGE
