"""The window of models without a window: what its table says, what its buttons do, with the real command."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from models.zoo.cards import names
from plugin.client.models import BUTTONS, COLUMNS, Model, ModelsCommand, Step, details
from plugin.client.models_presenter import ModelsPresenter
from plugin.client.server.launcher import Installation, LaunchError

ROOT = Path(__file__).parents[2]
CONTENT = bytes(range(256)) * 8192


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_OFFLINE", raising=False)
    return Installation(Path(sys.executable), ROOT)


def ended(command: ModelsCommand, wait: float = 120) -> list[Step]:
    """All steps of a command, once it has ended."""
    steps: list[Step] = []
    end = time.monotonic() + wait
    while not (steps and steps[-1].ended):
        assert time.monotonic() < end, "it does not end"
        steps += command.steps()
        time.sleep(0.02)
    return steps


def listed(installation: Installation) -> dict[str, Model]:
    command = ModelsCommand(["list"], installation)
    assert ended(command)[-1] == Step(ended=True)
    return {model.name: model for model in command.models()}


def pressed(label: str, model: Model) -> list[str]:
    """The words of a button, which must be enabled."""
    (button,) = (button for button in BUTTONS if button.label == label)
    assert button.enabled(model)
    return button.words(model)


def enabled(model: Model) -> list[str]:
    return [button.label for button in BUTTONS if button.enabled(model)]


def test_the_table_shows_every_network_with_its_license_and_terms(installation: Installation) -> None:
    models = listed(installation)
    assert sorted(models) == names()
    for model in models.values():
        cells = [value(model) for _, value in COLUMNS]
        assert all(isinstance(cell, str) for cell in cells) and cells[0] == model.name
        assert model.license in details(model) and model.terms in details(model)
    assert enabled(models["u2netp"]) == ["Fetch"]
    assert enabled(models["isnet"]) == []  # it has no address: it is imported
    assert "only imported" in details(models["isnet"])
    assert enabled(models["subject"]) == ["Always Use"]


def test_one_that_is_set_can_be_set_back(installation: Installation) -> None:
    assert ended(ModelsCommand(pressed("Always Use", listed(installation)["subject"]), installation))[-1].ended
    subject = listed(installation)["subject"]
    assert (subject.set, enabled(subject)) == ("bundled", ["Choose Automatically"])
    ended(ModelsCommand(pressed("Choose Automatically", subject), installation))
    assert listed(installation)["subject"].set == "auto"


def test_what_goes_wrong_is_said_in_the_words_of_the_command(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    last = ended(ModelsCommand(["import", str(tmp_path / "holiday.jpg")], installation))[-1]
    assert last.failure.startswith(str(tmp_path / "holiday.jpg")) and "no file of a model" in last.failure


def test_without_a_backend_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INLAY_BACKEND_PYTHON", "INLAY_BACKEND_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LaunchError, match="not installed"):
        ModelsCommand(["list"])


class Slow(http.server.BaseHTTPRequestHandler):
    """Sends the first half at once, the rest when it is let."""

    let = threading.Event()
    asked: list[str] = []  # noqa: RUF012 - one list for the server of a test

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Range", ""))
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        half = max(start, len(CONTENT) // 2)
        try:
            self.wfile.write(CONTENT[start:half])
            self.let.wait(120)
            self.wfile.write(CONTENT[half:])
        except ConnectionError:
            return

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Slow.let.clear()
    Slow.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        Slow.let.set()
        httpd.shutdown()
        thread.join()


@pytest.fixture
def tree(tmp_path: Path, mirror: str) -> Installation:
    """An installation whose only model lies on this machine's server: a folder that stands before the real one."""
    start = tmp_path / "start"
    (start / "backend").mkdir(parents=True)
    (start / "cards").mkdir()
    card = {
        "role": "subject", "runtime": "onnx", "file": "net.onnx", "sha256": sha256(CONTENT).hexdigest(),
        "size": len(CONTENT), "license": "CC0", "url": f"{mirror}/net.onnx",
    }  # fmt: skip
    (start / "cards" / "net.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in card.items()))
    (start / "backend" / "__init__.py").write_text("")
    (start / "backend" / "__main__.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path[:] = [{str(ROOT)!r}, *sys.path[1:]]\ndel sys.modules['backend']\n"
        "from models.zoo import cards\ncards.FOLDER = Path(__file__).parents[1] / 'cards'\n"
        "from backend.cli.main import main\nsys.exit(main())\n"
    )
    return Installation(Path(sys.executable), start)


def wait_for(condition: Callable[[], bool], wait: float = 120) -> None:
    end = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def test_a_download_is_paused_gone_on_with_and_cancelled(tree: Installation, tmp_path: Path) -> None:
    partial = tmp_path / "data" / "models" / "net.onnx.partial"
    words = pressed("Fetch", listed(tree)["net"])
    command = ModelsCommand(words, tree)
    wait_for(lambda: partial.exists() and partial.stat().st_size == len(CONTENT) // 2)
    command.stop()
    assert ended(command)[-1] == Step(ended=True)  # a pause is no failure
    assert listed(tree)["net"].state == "not here"

    ended(ModelsCommand(["remove", "net"], tree))  # a cancel is a pause, and what there is of it is removed
    assert not partial.exists()

    first = ModelsCommand(words, tree)
    wait_for(lambda: partial.exists() and partial.stat().st_size == len(CONTENT) // 2)
    first.stop()
    ended(first)
    Slow.let.set()
    steps = ended(ModelsCommand(words, tree))
    assert Slow.asked[-1] == f"bytes={len(CONTENT) // 2}-"
    assert steps[-1] == Step(ended=True) and steps[-2].fraction == 1.0
    model = listed(tree)["net"]
    assert (model.state, model.used, enabled(model)) == ("here", True, ["Remove", "Always Use"])
    assert "Always Use" not in enabled(replace(model, set="net"))
    ended(ModelsCommand(pressed("Remove", model), tree))
    assert not (tmp_path / "data" / "models" / "net.onnx").exists()


class Window:
    """A window that notes what it is to show."""

    def __init__(self) -> None:
        self.tables: list[list[Model]] = []
        self.status, self.fractions = "", [0.0]

    def show_models(self, models: list[Model]) -> None:
        self.tables.append(models)

    def show_chosen(self) -> None: ...

    def show_status(self, text: str) -> None:
        self.status = text

    def show_progress(self, fraction: float) -> None:
        self.fractions.append(fraction)


def test_a_window_pauses_cancels_and_shows_the_table_anew(tree: Installation, tmp_path: Path) -> None:
    partial = tmp_path / "data" / "models" / "net.onnx.partial"
    view = Window()
    presenter = ModelsPresenter(view, tree)

    def look_until(condition: Callable[[], bool]) -> None:
        wait_for(lambda: (presenter.look(), condition())[1])

    presenter.start(["list"])
    assert not presenter.busy
    look_until(lambda: len(view.tables) == 1)
    presenter.start(pressed("Fetch", view.tables[0][0]))
    assert presenter.fetching
    look_until(lambda: view.fractions[-1] > 0 and partial.stat().st_size == len(CONTENT) // 2)
    presenter.pause()
    look_until(lambda: len(view.tables) == 2)
    assert partial.exists() and "Paused" in view.status and not presenter.busy
    presenter.start(pressed("Fetch", view.tables[1][0]))
    look_until(lambda: Slow.asked[-1] != "")
    presenter.cancel()
    look_until(lambda: len(view.tables) == 3)
    assert not partial.exists()
    presenter.start(["import", str(tmp_path / "nowhere")])
    look_until(lambda: len(view.tables) == 4)
    assert "nowhere" in view.status


def test_a_window_without_a_backend_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INLAY_BACKEND_PYTHON", "INLAY_BACKEND_PATH"):
        monkeypatch.delenv(name, raising=False)
    view = Window()
    presenter = ModelsPresenter(view)
    presenter.start(["list"])
    assert "not installed" in view.status and not presenter.busy
