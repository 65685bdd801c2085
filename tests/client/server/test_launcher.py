"""Finding and starting the backend, with a small program in its place."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from backend.server.options import add_arguments
from plugin.client.messages import Job
from plugin.client.net.connection import Connection, JobFailed, State
from plugin.client.server import preferences
from plugin.client.server.launcher import (
    INSTALL_RECORD,
    LOG_BYTES,
    Installation,
    Launch,
    LaunchError,
    data_directory,
    find_installation,
    log_name,
    log_path,
)
from plugin.client.server.preferences import Preferences

ROOT = Path(__file__).parents[3]

BACKEND = f"""
import json, os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.client.peers import Backend
run_dir = Path(sys.argv[sys.argv.index("--run-dir") + 1])
with open(run_dir / "started", "a") as file:
    file.write(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), os.getsid(0)]) + "\\n")
with Backend(run_dir, pid=os.getpid()) as backend:
    while not (run_dir / "stop").exists():
        time.sleep(0.01)
"""


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("INLAY_RUN_DIR", str(folder))
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    for name in ("INLAY_BACKEND_PYTHON", "INLAY_BACKEND_PATH", "INLAY_CONNECTION", "INLAY_TRANSPORT"):
        monkeypatch.delenv(name, raising=False)
    return folder


def installation(tmp_path: Path, program: str) -> Installation:
    package = tmp_path / "installed" / "backend"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(program)
    return Installation(Path(sys.executable), package.parent)


def until_ready(*connections: Connection) -> None:
    deadline = time.monotonic() + 20
    while not all(connection.state is State.READY for connection in connections):
        assert time.monotonic() < deadline, [connection.failure for connection in connections]
        time.sleep(0.01)


def test_two_editors_at_once_start_one_backend(run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "GIMP3_DIRECTORY", "INLAY_MARK"):
        monkeypatch.setenv(name, "set")
    made = installation(tmp_path, BACKEND)
    try:
        with Connection("one", installation=made) as one, Connection("two", installation=made) as two:
            until_ready(one, two)
    finally:
        (run_dir / "stop").touch()
    (line,) = (run_dir / "started").read_text().splitlines()
    arguments, folder, environment, session = json.loads(line)
    assert arguments == ["serve", "--run-dir", str(run_dir)]
    assert Path(folder) == made.path
    assert session != os.getsid(0)
    assert environment["INLAY_MARK"] == "set"
    assert not {"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "GIMP3_DIRECTORY"} & set(environment)


def test_the_users_preferences_are_options_of_the_backend(run_dir: Path, tmp_path: Path) -> None:
    assert preferences.load() == Preferences()
    preferences.save(Preferences("cpu", 2.5, 10))
    try:
        with Connection("one", installation=installation(tmp_path, BACKEND)) as connection:
            until_ready(connection)
    finally:
        (run_dir / "stop").touch()
    arguments = json.loads((run_dir / "started").read_text())[0]
    given = parser_of_serve().parse_args(arguments[1:])
    assert (given.device, given.memory, given.idle) == (["cpu"], 2.5, 600)


@pytest.mark.parametrize("text", ["", "[]", '{"device": 3, "memory": "x"}'])
def test_preferences_that_cannot_be_read_are_the_defaults(run_dir: Path, text: str) -> None:
    data_directory().mkdir()
    (data_directory() / preferences.FILE).write_text(text)
    assert preferences.load() == Preferences()


def parser_of_serve() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser


def test_a_backend_that_ends_while_starting_fails_the_job_with_its_log(run_dir: Path, tmp_path: Path) -> None:
    made = installation(tmp_path, "raise SystemExit('the wrong torch')")
    with Connection("one", installation=made) as connection, pytest.raises(JobFailed) as caught:
        connection.run(Job("diagnose.identity", {}, {}))
    assert "ended while it was starting" in caught.value.failure.message
    assert "the wrong torch" in Path(caught.value.failure.log).read_text()


def test_the_next_job_after_a_failed_start_tries_again(run_dir: Path, tmp_path: Path) -> None:
    made = installation(tmp_path, "raise SystemExit(1)")
    with Connection("one", installation=made) as connection:
        with pytest.raises(JobFailed):
            connection.run(Job("diagnose.identity", {}, {}))
        (made.path / "backend" / "__main__.py").write_text(BACKEND)
        try:
            connection.run(Job("diagnose.identity", {}, {}))
        finally:
            (run_dir / "stop").touch()


def test_closing_while_the_backend_starts_does_not_wait_for_it(run_dir: Path, tmp_path: Path) -> None:
    connection = Connection("one", installation=installation(tmp_path, "import time; time.sleep(10)"))
    time.sleep(0.1)
    connection.close()
    assert "inlay-io" not in {thread.name for thread in threading.enumerate()}


def test_the_record_of_the_installer_is_found(run_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="python3 -m installer"):
        find_installation()
    made = installation(tmp_path, "")
    data_directory().mkdir()
    record = data_directory() / INSTALL_RECORD
    for broken in ("", "[]", '{"python": 7, "path": ""}', '{"python": "/nowhere/python", "path": "/nowhere"}'):
        record.write_text(broken)
        with pytest.raises(LaunchError, match="python3 -m installer"):
            find_installation()
    record.write_text(json.dumps({"python": str(made.python), "path": str(made.path)}))
    assert find_installation() == made


def test_the_environment_goes_before_the_record(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_BACKEND_PYTHON", sys.executable)
    monkeypatch.setenv("INLAY_BACKEND_PATH", str(ROOT))
    assert find_installation() == Installation(Path(sys.executable), ROOT)


def test_a_python_that_cannot_be_run_is_said(run_dir: Path, tmp_path: Path) -> None:
    with Launch(run_dir, Installation(tmp_path / "no-python", tmp_path)) as launch:
        assert launch.lock()
        with pytest.raises(LaunchError, match="cannot be run"):
            launch.start()


def test_one_lock_goes_to_one(run_dir: Path, tmp_path: Path) -> None:
    made = Installation(Path(sys.executable), tmp_path)
    with Launch(run_dir, made) as first, Launch(run_dir, made) as second:
        assert first.lock()
        assert first.lock()
        assert not second.lock()
        first.close()
        assert second.lock()


def test_a_long_log_is_put_aside(run_dir: Path, tmp_path: Path) -> None:
    log_path().parent.mkdir()
    log_path().write_bytes(b"x" * (LOG_BYTES + 1))
    with Launch(run_dir, installation(tmp_path, "print('hello')")) as launch:
        launch.lock()
        launch.start()
        assert launch.process is not None
        launch.process.wait(20)
    assert log_path().read_text() == "hello\n"
    assert log_path().with_name("backend.log.1").stat().st_size == LOG_BYTES + 1


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("linux", {}, ".local/share/inlay"),
        ("darwin", {}, "Library/Application Support/Inlay"),
        ("win32", {"LOCALAPPDATA": "/home/u/AppData/Local"}, "AppData/Local/Inlay"),
        ("linux", {"INLAY_DATA_DIR": "/home/u/mine"}, "mine"),
    ],
)
def test_the_data_directory_is_the_systems_usual_place(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], place: str
) -> None:
    monkeypatch.delenv("INLAY_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setattr("sys.platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert data_directory() == Path("/home/u") / place


def test_no_thread_outlives_a_connection(run_dir: Path) -> None:
    before = threading.active_count()
    with Connection("one", start=False):
        assert threading.active_count() > before
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another way to a home folder")
def test_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "INLAY_DATA_DIR", "INLAY_BACKEND_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])  # KeyError, as where there is no entry
    with pytest.raises(LaunchError) as caught:
        find_installation()
    assert "HOME" in caught.value.failure.message
    assert "INLAY_DATA_DIR" in caught.value.failure.remedy
    assert log_name() == ""


def test_log_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "file" / "data"))
    run_dir = tmp_path / "run"
    run_dir.mkdir(mode=0o700)
    with Launch(run_dir, Installation(Path(sys.executable), ROOT)) as launch, pytest.raises(LaunchError) as caught:
        launch.start()
    assert "log" in caught.value.failure.message
    assert str(tmp_path / "file") in caught.value.failure.message
    assert "INLAY_DATA_DIR" in caught.value.failure.remedy
