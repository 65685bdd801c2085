"""An update beside a backend that runs: the old one ends before its files change, the next job starts the new one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from installer import processes
from installer.console import Console
from installer.install import Choices, Installation
from installer.machine import SOURCE, Machine
from plugin.client.net.connection import Connection
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint
from tests.backends import Backend, identity, wait_for

STEPS = ("_make_venv", "_install_torch", "_install_backend", "_install_plugins", "_write_record")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without editors."""
    (tmp_path / "home").mkdir()
    monkeypatch.setattr("installer.editors.find", lambda machine: [])
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    return Machine("linux", tmp_path / "home", {"INLAY_DATA_DIR": str(tmp_path / "data")})


@pytest.mark.parametrize("changed", [True, False], ids=["another-version", "the-same-version-again"])
def test_the_backend_that_runs_is_replaced(
    machine: Machine, start_backend: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    old = start_backend()
    pid = old.process.pid
    monkeypatch.setenv("INLAY_RUN_DIR", str(old.run_dir))
    running: dict[str, bool] = {}
    for name in (*STEPS, "_check"):
        monkeypatch.setattr(Installation, name, lambda *_, name=name: running.update({name: processes.alive(pid)}))
    monkeypatch.setattr(Installation, "_up_to_date", lambda self: not changed)
    (machine.data / "venv").mkdir(parents=True)
    (machine.data / "steps.json").write_text("{}")

    with Connection("an editor") as editor:  # it stays open during the update
        assert editor.run(identity()).outputs
        Installation(machine, Console(machine.home / "log"), Choices()).run()
        assert list(running) == [*STEPS, "_check"]
        assert not running["_check"], "the demo runs on the old backend"
        assert [running[name] for name in STEPS] == [not changed] * len(STEPS)

        monkeypatch.setenv("INLAY_BACKEND_PYTHON", sys.executable)
        monkeypatch.setenv("INLAY_BACKEND_PATH", str(SOURCE))
        assert editor.run(identity()).outputs
        assert read_endpoint(old.run_dir / CONNECTION_FILE).pid != pid
        editor.shutdown()
        wait_for(lambda: not (old.run_dir / CONNECTION_FILE).exists(), "the end of the new backend")
    old.log.touch()
