"""Cards that are damaged, or that are no files: named with what to do, and in nobody's way but their network's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.cli import Exit
from backend.cli.main import main
from backend.operations import Context, OperationError
from backend.operations.networks import load_network
from backend.operations.public import public_card
from models.zoo import cards, roles, store
from models.zoo.cards import DamagedCardError

DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe" + path.read_bytes()),
    "another file": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
    "with a list for a number": lambda path: path.write_text(path.read_text().replace("size = ", "size = [] #", 1)),
    "with a number for text": lambda path: path.write_text(path.read_text().replace("sha256 = ", "sha256 = 5 #", 1)),
    "with a number for a list": lambda path: path.write_text("mean = 5\n" + path.read_text()),
    "of lists in lists": lambda path: path.write_text(f"mean = {'[' * 100_000}"),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link to what never ends": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "a dangling link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "huge": lambda path: path.write_bytes(bytes(2 << 20)),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all cards, which are read from there."""
    shutil.copytree(cards.FOLDER, tmp_path / "cards")
    monkeypatch.setattr(cards, "FOLDER", tmp_path / "cards")
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "cards"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_card_is_named_and_the_others_serve(
    folder: Path, damage: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    there = len(cards.names())
    damage(folder / "isnet.toml")
    with pytest.raises(DamagedCardError, match=r"isnet\.toml is damaged .*Reinstall Inlay"):
        cards.find_card("isnet")
    assert len(cards.readable()[0]) == there - 1
    assert "u2netp" in [card.name for card in roles.candidates("subject")]
    assert not store.is_here("isnet")
    assert main(["models", "list"]) == Exit.DONE
    listed, printed = capsys.readouterr()
    assert len(listed.splitlines()) == there - 1
    assert "isnet.toml is damaged" in printed
    assert main(["models", "fetch", "isnet"]) == Exit.BAD_INPUT
    printed = capsys.readouterr().err
    assert "isnet.toml is damaged" in printed and "Traceback" not in printed


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", ["not text", "a pipe", "cut off"])
def test_an_action_names_the_damaged_card_of_its_network(folder: Path, damage: str) -> None:
    DAMAGE[damage](folder / "subject.toml")
    context = Context()
    with pytest.raises(OperationError) as caught:
        load_network("subject", context)
    assert "subject.toml is damaged" in caught.value.remedy and "Reinstall Inlay" in caught.value.remedy
    assert "'subject'" in caught.value.message


@pytest.mark.timeout(60)
def test_an_action_whose_network_is_whole_goes_on_and_tells_of_the_damage(folder: Path) -> None:
    roles.pin("subject", "isnet")
    DAMAGE["a pipe"](folder / "isnet.toml")
    context = Context()
    assert public_card("subject", context) is None
    assert any("isnet, which is set for this" in note for note in context.notes)
    assert any("isnet.toml is damaged" in note for note in context.notes)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", ["empty", "not text", "of lists in lists", "a pipe", "a folder", "huge"])
def test_damaged_settings_of_roles_count_as_none_and_are_set_anew(folder: Path, damage: str) -> None:
    roles.pin("subject", "isnet")
    DAMAGE[damage](roles.settings_path())
    assert roles.pins() == {}
    if damage != "a folder":
        roles.pin("subject", "u2netp")
        assert roles.pins() == {"subject": "u2netp"}
