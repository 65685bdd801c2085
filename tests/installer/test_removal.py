"""Taking Inlay away: what the record says, never what the user has made; and what runs ends first."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from installer import processes, removal
from installer.console import Console, InstallError
from installer.machine import SOURCE, Machine
from plugin.client.server.endpoint import read_endpoint
from plugin.client.server.launcher import take_lock
from tests.backends import Backend, wait_for


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which nothing runs."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("INLAY_RUN_DIR", str(tmp_path / "run"))
    (tmp_path / "home").mkdir()
    return Machine("linux", tmp_path / "home", {"INLAY_DATA_DIR": str(tmp_path / "data")})


def fill(machine: Machine, *names: str) -> None:
    for name in names:
        path = machine.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def remove(machine: Machine, purge: bool = False) -> None:
    removal.uninstall(machine, Console(machine.home / "log"), purge)


INSTALLED = ("venv/bin/python", "steps.json", "install.json", "install.log", "backend.log", "torch.incomplete")
USERS = {"models/net.safetensors", "styles/mine.safetensors", "holiday.jpg", "letters/a.txt"}


def test_a_folder_in_which_nothing_was_installed_is_left_alone(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(machine, *USERS)
    remove(machine, purge=True)
    assert left(machine.data) == USERS
    assert "not installed" in capsys.readouterr().out


def test_what_the_user_has_made_stays(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    fill(machine, *INSTALLED, *USERS)
    remove(machine)
    assert left(machine.data) == USERS
    assert "--purge" in capsys.readouterr().out


def test_purge_takes_models_and_styles_and_still_not_what_is_not_ours(machine: Machine) -> None:
    fill(machine, *INSTALLED, *USERS)
    remove(machine, purge=True)
    assert left(machine.data) == {"holiday.jpg", "letters/a.txt"}


def test_an_empty_folder_goes(machine: Machine) -> None:
    fill(machine, *INSTALLED)
    remove(machine)
    assert not machine.data.exists()


def test_a_link_to_a_folder_of_the_users_is_removed_as_a_link(machine: Machine, tmp_path: Path) -> None:
    fill(machine, "install.json")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").touch()
    (machine.data / "venv").symlink_to(tmp_path / "elsewhere")
    remove(machine)
    assert (tmp_path / "elsewhere/kept").exists()


def test_copies_that_a_newer_gimp_has_made_go_with_the_plugin(machine: Machine) -> None:
    profiles = machine.home / ".config/GIMP"
    for version in ("3.0", "3.2"):
        (profiles / version / "plug-ins/inlay/plugin").mkdir(parents=True)
        (profiles / version / "plug-ins/other").mkdir()
    entry = {"kind": "gimp", "name": "GIMP 3.0", "plugins": str(profiles / "3.0/plug-ins"), "config": ""}
    fill(machine, "venv/x")
    (machine.data / "install.json").write_text(json.dumps({"editors": [entry]}))
    remove(machine)
    assert sorted(str(p.relative_to(profiles)) for p in profiles.rglob("*") if not any(p.iterdir())) == [
        "3.0/plug-ins/other",
        "3.2/plug-ins/other",
    ]


@pytest.fixture
def backend(start_backend: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """A backend that runs, where the installer looks for it."""
    running = start_backend()
    monkeypatch.setenv("INLAY_RUN_DIR", str(running.run_dir))
    yield running
    running.run_dir.mkdir(exist_ok=True)
    running.log.touch()


def test_a_backend_that_runs_ends_before_its_files_go(
    machine: Machine, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = backend.process.pid
    seen = []
    monkeypatch.setattr(removal, "_remove", lambda path: seen.append(processes.alive(pid)))
    fill(machine, "install.json")
    remove(machine)
    assert seen == [False]
    assert left(backend.run_dir) <= {"log"}


def test_a_backend_that_does_not_listen_is_ended_all_the_same(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_endpoint(backend.run_dir / "connection.json").pid == backend.process.pid
    monkeypatch.setattr("plugin.client.net.connection.Connection.shutdown", lambda self: None)
    removal.stop_backend(wait=0.5)
    assert backend.process.wait(10) is not None


HOLD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {source!r})
from plugin.client.server.launcher import take_lock
folder = Path({folder!r})
lock = take_lock(folder / "lock")
(folder / "ready").touch()
while not (folder / "pause").exists() or {stubborn}:
    time.sleep(0.02)
"""


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_training_that_runs_is_paused_first(machine: Machine, stubborn: bool) -> None:
    fill(machine, "install.json", "styles/mine.run/settings.json")
    folder = machine.data / "styles/mine.run"
    code = HOLD.format(source=str(SOURCE), folder=str(folder), stubborn=stubborn)
    training = subprocess.Popen([sys.executable, "-c", code])
    try:
        wait_for((folder / "ready").exists, "the training")
        if stubborn:
            with pytest.raises(InstallError, match="training of mine"):
                removal.end_trainings(machine.data, Console(machine.home / "log"), wait=0.3)
            assert (machine.data / "install.json").exists()
        else:
            remove(machine)
            assert training.wait(10) == 0
            assert (folder / "settings.json").exists()
    finally:
        training.kill()
        training.wait()


def test_a_training_that_was_killed_holds_nothing_up(machine: Machine) -> None:
    fill(machine, "install.json", "styles/mine.run/settings.json", "styles/mine.run/lock")
    remove(machine)
    assert not (machine.data / "styles/mine.run/pause").exists()
    lock = take_lock(machine.data / "styles/mine.run/lock")
    assert lock is not None
    lock.close()


def test_processes_are_told_apart_from_zombies_and_strangers() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert processes.alive(child.pid)
    assert not processes.wait_for_end(child.pid, 0.1)
    processes.terminate(child.pid)
    assert processes.wait_for_end(child.pid, 10), "a zombie has ended"
    child.communicate()
    assert not processes.alive(child.pid)
    assert not processes.alive(0)
