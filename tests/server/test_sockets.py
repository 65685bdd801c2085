"""The backend's keys, which outlive it: a damaged file of them is named, and never replaced in silence."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.cli.main import main
from backend.server.sockets import KEY_FILE, Keys
from plugin.client.server.endpoint import EndpointError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound file of keys."""
    found = tmp_path / "run" / KEY_FILE
    found.parent.mkdir(mode=0o700)
    Keys.kept(found)
    return found


def test_keys_are_the_same_after_a_restart_and_their_owners_alone(path: Path) -> None:
    assert Keys.kept(path) == Keys.kept(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def altered(**keys: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | keys))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "no object": lambda path: path.write_text("[]"),
    "deeply nested": lambda path: path.write_text("[" * 60_000),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a key too many": altered(other="x"),
    "a key that is a number": altered(server_secret=5),
    "a key that is none": altered(server_secret="short"),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    "a link": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "open to others": lambda path: path.chmod(0o644),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_of_keys_is_named_with_what_to_do(
    path: Path, damage: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    damage(path)
    with pytest.raises(EndpointError, match=str(path)) as caught:
        Keys.kept(path)
    assert caught.value.failure.remedy
    assert main(["serve", "--listen", "tcp://127.0.0.1:0", "--run-dir", str(path.parent)]) == 2
    assert str(path) in capsys.readouterr().err
