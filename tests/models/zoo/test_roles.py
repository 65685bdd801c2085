"""Which network a role gets; files brought, known by their sha256, and removed."""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from models.zoo import cards, imports, roles, store
from models.zoo.cards import Card, CardError, Part
from models.zoo.imports import ImportRefusedError, import_file, remove

CONTENT = b"weights" * 1000
MORE = b"others" * 1000
CARD = """role = "subject"
runtime = "onnx"
file = "{name}.onnx"
sha256 = "{digest}"
size = {size}
license = "CC0"
url = "https://models.example/{name}.onnx"
rank = {rank}
memory = {memory}
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three public cards and a bundled one; the folder where their files are brought from."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_MODELS_DIR", raising=False)
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    for name, rank, memory in (("small", 1, 10), ("large", 2, 4000), ("pair", 3, 100)):
        content = name.encode() + CONTENT
        text = CARD.format(name=name, digest=sha256(content).hexdigest(), size=len(content), rank=rank, memory=memory)
        if name == "pair":
            second = sha256(MORE).hexdigest()
            text += f'[[further]]\nfile = "pair.bin"\nsha256 = "{second}"\nsize = {len(MORE)}\n'
        (tmp_path / f"{name}.toml").write_text(text)
        (tmp_path / f"{name} as it came").write_bytes(content)
    (tmp_path / "second").write_bytes(MORE)
    bundled = "\n".join(line for line in CARD.splitlines() if "url" not in line)
    (tmp_path / "mine.toml").write_text(bundled.format(name="mine", digest="0" * 64, size=1, rank=0, memory=0))
    return tmp_path


def bring(shelf: Path, *names: str) -> None:
    for name in names:
        import_file(shelf / f"{name} as it came")


def chosen(free: int | None = None) -> str | None:
    card = roles.choose("subject", free)
    return card and card.name


def test_the_best_one_that_is_here_and_fits_is_taken(shelf: Path) -> None:
    assert chosen() is None
    bring(shelf, "small")
    assert chosen() == "small"
    bring(shelf, "large")
    assert chosen() == "large"
    assert chosen(free=3999) == "small"
    assert chosen(free=5) is None


def test_one_is_here_when_all_of_its_files_are(shelf: Path) -> None:
    bring(shelf, "pair")
    assert chosen() is None
    import_file(shelf / "second")
    assert chosen() == "pair"


def test_one_that_is_set_is_taken_and_a_removed_one_is_not(shelf: Path) -> None:
    bring(shelf, "small", "large")
    roles.pin("subject", "small")
    assert chosen() == "small"
    roles.pin("subject", roles.BUNDLED)
    assert chosen() is None
    roles.pin("subject", roles.AUTO)
    assert chosen() == "large"
    roles.pin("subject", "large")
    assert remove(cards.find_card("large")) == [store.cache_folder() / "large.onnx"]
    assert chosen() == "small"
    assert remove(cards.find_card("large")) == []


def test_what_cannot_be_set_is_refused(shelf: Path) -> None:
    with pytest.raises(CardError, match="no role"):
        roles.pin("hats", "small")
    with pytest.raises(CardError, match="no model called"):
        roles.pin("subject", "tiny")
    with pytest.raises(CardError, match="not for sky"):
        roles.pin("sky", "small")
    roles.settings_path().parent.mkdir(parents=True, exist_ok=True)
    roles.settings_path().write_text("{")
    assert roles.pins() == {}


def test_a_file_is_known_by_what_it_holds_not_by_its_name(shelf: Path) -> None:
    card, part = import_file(shelf / "small as it came")
    assert (card.name, part.file) == ("small", "small.onnx")
    assert store.paths(card) == [store.cache_folder() / "small.onnx"]
    assert store.damaged(card) is None
    (store.cache_folder() / "small.onnx").write_bytes(b"x")
    assert store.damaged(card) == store.cache_folder() / "small.onnx"


def test_other_files_are_refused_and_nothing_is_kept(shelf: Path) -> None:
    (shelf / "small.onnx").write_bytes(b"x" + CONTENT)
    with pytest.raises(ImportRefusedError, match="not the file of small, though it has its name"):
        import_file(shelf / "small.onnx")
    (shelf / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(ImportRefusedError, match="no file of a model that Inlay knows"):
        import_file(shelf / "holiday.jpg")
    (shelf / "nothing").write_bytes(b"")
    with pytest.raises(ImportRefusedError, match="is empty"):
        import_file(shelf / "nothing")
    with pytest.raises(FileNotFoundError):
        import_file(shelf / "nowhere")
    assert list(store.cache_folder().iterdir()) == []


def test_a_package_of_chunks_is_joined(shelf: Path) -> None:
    content = b"small" + CONTENT
    parts = {"b1": content[:3000], "a2": content[3000:]}
    index = {imports.CHUNKS: {"chunks": [{"hash": "b1"}, {"hash": "a2"}]}}
    package = shelf / "package.tgz"

    def pack(files: dict[str, bytes]) -> None:
        with tarfile.open(package, "w:gz") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(f"package/dist/{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))

    pack({**parts, "resources.json": json.dumps(index).encode()})
    assert import_file(package)[0].name == "small"
    assert (store.cache_folder() / "small.onnx").read_bytes() == content
    pack({"b1": parts["b1"], "resources.json": json.dumps(index).encode()})
    with pytest.raises(ImportRefusedError, match="not whole"):
        import_file(package)
    pack(parts)
    with pytest.raises(ImportRefusedError, match="no package of a model"):
        import_file(package)
    whole = package.read_bytes()
    package.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImportRefusedError, match="not whole"):
        import_file(package)


def test_files_named_like_anothers_have_a_folder_of_their_own(shelf: Path) -> None:
    text = (shelf / "large.toml").read_text().replace("large.onnx", "small.onnx")
    (shelf / "large.toml").write_text(f'folder = "large"\n{text}')
    bring(shelf, "small", "large")
    small, large = map(cards.find_card, ("small", "large"))
    own = store.cache_folder() / "large" / "small.onnx"
    assert store.paths(large) == [own] and store.fetch("large") == own
    assert store.damaged(small) is store.damaged(large) is None
    assert remove(large) == [own]
    assert store.locate(small) is not None and store.locate(large) is None
    with pytest.raises(CardError, match="its own name"):
        replace(large, folder="..")


def test_no_two_cards_have_files_at_one_place() -> None:
    places = [card.place(part) for card in cards.readable()[0] for part in card.parts if not card.bundled]
    assert len(places) == len(set(places))


def test_a_folder_that_others_look_after_is_read_only(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = shelf / "shared"
    shared.mkdir()
    (shelf / "small as it came").rename(shared / "small.onnx")
    assert chosen() is None
    monkeypatch.setenv("INLAY_MODELS_DIR", str(shared))
    assert chosen() == "small"
    with pytest.raises(ImportRefusedError, match="Remove it there"):
        remove(cards.find_card("small"))
    assert os.listdir(shared) == ["small.onnx"]  # noqa: PTH208 - names


def test_bundled_ones_stay(shelf: Path) -> None:
    with pytest.raises(ImportRefusedError, match="comes with Inlay"):
        remove(cards.find_card("mine"))


def test_a_card_of_an_unknown_role_or_with_a_part_elsewhere_is_refused() -> None:
    card = Card("net", "subject", "net.onnx", "0" * 64, 1, "MIT", url="https://models.example/net.onnx")
    with pytest.raises(CardError, match="no role"):
        replace(card, role="hats")
    with pytest.raises(CardError, match="plain file name"):
        replace(card, further=(Part("../net.bin", "0" * 64, 1),))
