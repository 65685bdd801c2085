"""Files of custom styles that are damaged, or that are no files, are named with what to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.zoo import custom_styles, store
from models.zoo.custom_styles import CustomStyle, CustomStyleError


@pytest.fixture
def style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a sound style."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path))
    path = custom_styles.write(CustomStyle("mine", "painting.png", torch.ones(1, 4)))
    assert custom_styles.read("mine").painting == "painting.png"
    return path


FACTS = {"painting": "p.png", "network": "0" * 64}
DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "not a style": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
    "a header of petabytes": lambda path: path.write_bytes(b"\xff" * 8 + bytes(50)),
    "without its code": lambda path: save_file({"other": torch.ones(2)}, path, FACTS),
    "without its facts": lambda path: save_file({"code": torch.ones(1, 4)}, path),
    "with a code that is no number": lambda path: save_file({"code": torch.full((1, 4), torch.nan)}, path, FACTS),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "a dangling link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "huge": lambda path: path.write_bytes(bytes(2 << 20)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_style_is_named_with_what_to_do(style: Path, damage: Callable[[Path], object]) -> None:
    damage(style)
    with pytest.raises(CustomStyleError, match=r"mine.safetensors is damaged.*Remove that file and train"):
        custom_styles.read("mine")


def test_a_style_of_another_network_is_told_apart(style: Path) -> None:
    save_file({"code": torch.ones(1, 4)}, style, FACTS)
    assert store.find_card(custom_styles.NETWORK).sha256 != FACTS["network"]
    with pytest.raises(CustomStyleError, match="another version"):
        custom_styles.read("mine")
