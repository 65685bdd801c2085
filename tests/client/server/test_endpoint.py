"""The run directory and the connection file: believed only when nobody else could have written them."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.client.server.endpoint import (
    CONNECTION_FILE,
    Endpoint,
    EndpointError,
    listening,
    read_endpoint,
    remove_endpoint,
    run_directory,
    write_endpoint,
)

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir(mode=0o700)
    return made


def local(folder: Path) -> Endpoint:
    return Endpoint("ipc://work.sock", "ipc://control.sock", 4711, folder=folder)


def test_what_is_written_is_read_and_only_by_its_owner(folder: Path) -> None:
    path = folder / CONNECTION_FILE
    write_endpoint(local(folder), path)
    assert read_endpoint(path) == local(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["work"] == "ipc://work.sock"
    assert list(folder.iterdir()) == [path]


def test_an_ipc_path_is_relative_to_where_the_file_is_seen(folder: Path, tmp_path: Path) -> None:
    write_endpoint(local(folder), folder / CONNECTION_FILE)
    moved = folder.rename(tmp_path / "seen")
    endpoint = read_endpoint(moved / CONNECTION_FILE)
    assert endpoint.resolve(endpoint.work) == f"ipc://{moved}/work.sock"


def test_a_path_too_long_for_a_socket_says_so(tmp_path: Path) -> None:
    with pytest.raises(EndpointError) as caught:
        local(tmp_path / ("x" * 100)).resolve("ipc://work.sock")
    assert "INLAY_RUN_DIR" in caught.value.failure.remedy


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_file_that_others_can_read_is_not_believed(folder: Path, mode: int) -> None:
    write_endpoint(local(folder), folder / CONNECTION_FILE)
    (folder / CONNECTION_FILE).chmod(mode)
    with pytest.raises(EndpointError) as caught:
        read_endpoint(folder / CONNECTION_FILE)
    assert "chmod 600" in caught.value.failure.remedy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[" * 60_000,
        '{"version": 2, "work": "ipc://a", "control": "ipc://b"}',
        '{"version": 1, "work": "ipc://a"}',
        '{"version": 1, "work": "ipc://a", "control": 7}',
        '{"version": 1, "work": "ipc://a", "control": "ipc://b", "pid": true}',
        '{"version": 1, "work": "ipc://a", "control": "ipc://b", "more": 1}',
        '{"version": 1, "work": "ipc:///etc/a", "control": "ipc://b"}',
        '{"version": 1, "work": "ipc://../a", "control": "ipc://b"}',
        '{"version": 1, "work": "inproc://a", "control": "ipc://b"}',
        '{"version": 1, "work": "tcp://127.0.0.1:5", "control": "tcp://127.0.0.1:6"}',
        '{"version": 1, "work": "tcp://10.0.0.1:5", "control": "tcp://127.0.0.1:6", "plain_loopback": true}',
        '{"version": 1, "work": "ipc://a", "control": "ipc://b", "server_key": "short"}',
    ],
)
def test_a_file_that_is_wrong_is_not_believed(folder: Path, text: str) -> None:
    path = folder / CONNECTION_FILE
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(EndpointError):
        read_endpoint(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("put", "what"),
    [
        (lambda path: os.mkfifo(path, 0o600), "is no file"),
        (lambda path: path.symlink_to("elsewhere"), "is a link"),
        (lambda path: path.symlink_to("/dev/zero"), "is a link"),
        (lambda path: path.mkdir(0o700), "is no file"),
    ],
    ids=["pipe", "dangling link", "link", "folder"],
)
def test_what_is_no_file_in_its_place_is_refused(folder: Path, put: Callable[[Path], object], what: str) -> None:
    put(folder / CONNECTION_FILE)
    with pytest.raises(EndpointError, match=what) as caught:
        read_endpoint(folder / CONNECTION_FILE)
    assert caught.value.failure.remedy


def test_tcp_wants_keys_except_for_a_loopback_that_is_said_to_be_plain(folder: Path) -> None:
    address = "tcp://127.0.0.1:5000"
    with pytest.raises(EndpointError, match="not be encrypted"):
        Endpoint(address, address)
    assert Endpoint(address, address, plain_loopback=True).local
    away = Endpoint("tcp://gpu.example:5000", "tcp://gpu.example:5001", 0, KEY, KEY, KEY)
    assert away.secure
    assert not away.local
    with pytest.raises(EndpointError, match="incomplete"):
        Endpoint(address, address, server_key=KEY)


def test_a_backend_removes_its_own_file_and_no_others(folder: Path) -> None:
    path = folder / CONNECTION_FILE
    write_endpoint(local(folder), path)
    remove_endpoint(path, 4712)
    assert path.exists()
    remove_endpoint(path, 4711)
    assert not path.exists()
    remove_endpoint(path, 4711)


def test_the_run_directory_is_made_private_and_refused_when_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INLAY_RUN_DIR", str(tmp_path / "a" / "b"))
    made = run_directory()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    with pytest.raises(EndpointError, match="open to other users"):
        run_directory()
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(EndpointError):
            run_directory(tmp_path / name)


def test_the_run_directory_is_found_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INLAY_RUN_DIR", raising=False)
    monkeypatch.delenv("INLAY_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", pwd.getpwuid(os.getuid()).pw_dir)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert run_directory() == tmp_path / "inlay"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_directory().name == f"inlay-{os.getuid()}"


def test_two_homes_of_one_user_have_a_run_directory_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INLAY_RUN_DIR", raising=False)
    monkeypatch.delenv("INLAY_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found = [run_directory()]
    for home in ("one", "two"):
        monkeypatch.setenv("HOME", str(tmp_path / home))
        found += [run_directory(), run_directory()]
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    found.append(run_directory())
    assert found[1] == found[2] and found[3] == found[4]
    assert len(set(found)) == 4
    assert {path.parent for path in found} == {tmp_path}


def test_listening_tells_a_dead_socket_from_a_live_one(folder: Path) -> None:
    address = f"ipc://{folder}/s"
    assert not listening(address)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{folder}/s")
        bound.listen()
        assert listening(address)
    assert not listening(address)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert listening(address)
    assert not listening(address)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue looks as nobody does")
def test_a_socket_at_which_too_many_wait_is_listened_at(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound, contextlib.ExitStack() as stack:
        bound.bind(f"{folder}/s")
        bound.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(f"{folder}/s")
        assert listening(f"ipc://{folder}/s")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_folder_of_somebody_else_is_named_as_that(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    tmp_path.chmod(0o700)
    with pytest.raises(EndpointError) as caught:
        run_directory(tmp_path)
    assert "another user" in caught.value.failure.message
    assert "12345" in caught.value.failure.message
    assert "chmod" not in caught.value.failure.remedy


def test_folder_whose_sockets_would_have_too_long_a_path_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(EndpointError) as caught:
        run_directory(tmp_path / ("long" * 25))
    assert "longer than" in caught.value.failure.message
    assert "shorter path" in caught.value.failure.remedy
