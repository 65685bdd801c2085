"""Files of checkpoints brought from elsewhere, known by their sha256 and never by their names; and files removed."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from models.zoo import store
from models.zoo.cards import Card, Part, readable
from models.zoo.download import CHUNK

CHUNKS = "/models/medium"  # the network that a package of chunks is asked for


class ImportRefusedError(ValueError):
    """A file that is no checkpoint of any card, or is not whole; the message says what to do."""


def import_file(path: Path) -> tuple[Card, Part]:
    """Copies a checkpoint's file into the folder of models and returns the card and the part of it that it is.

    path: the file, or a package (.tgz) that holds it in chunks with a list of them in resources.json. Raises
    ImportRefusedError where no card has a file with its sha256, OSError where it cannot be read or kept.
    """
    folder = store.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "import.partial"
    try:
        digest, size = _copy(_blocks(path), partial)
        card, part = _meant(path, digest, size)
        target = folder / card.place(part)
        target.parent.mkdir(exist_ok=True)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return card, part


def remove(card: Card) -> list[Path]:
    """Removes the files of a card, and what is left of its downloads; returns those that were there.

    Raises ImportRefusedError for a bundled one, and for one in the folder of INLAY_MODELS_DIR, which others look after.
    """
    if card.bundled:
        raise ImportRefusedError(f"{card.name} comes with Inlay and stays.")
    removed = []
    for part in card.parts:
        for path in (store.cache_folder() / f"{card.place(part)}{suffix}" for suffix in ("", ".partial")):
            if path.is_file():
                path.unlink()
                removed.append(path)
    if not removed and (there := store.locate(card)) is not None:
        raise ImportRefusedError(f"{card.name} is in {there.parent}, which Inlay only reads. Remove it there.")
    return removed


def _copy(blocks: Iterator[bytes], target: Path) -> tuple[str, int]:
    """Writes blocks to a file and returns their sha256 and how many bytes they are."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for block in blocks:
            digest.update(block)
            size += file.write(block)
    return digest.hexdigest(), size


def _meant(path: Path, digest: str, size: int) -> tuple[Card, Part]:
    """Whose file it is. Raises ImportRefusedError where it is nobody's."""
    cards = [card for card in readable()[0] if not card.bundled]
    for card in cards:
        for part in card.parts:
            if digest.startswith(part.sha256) and abs(size - part.size) <= part.size // 100:
                return card, part
    if size == 0:
        raise ImportRefusedError(f"{path} is empty. Fetch it anew.")
    same_name = [card.name for card in cards for part in card.parts if part.file == path.name]
    if same_name:
        raise ImportRefusedError(
            f"{path} is not the file of {same_name[0]}, though it has its name: its sha256 is {digest}. It is "
            "damaged or another version; fetch it anew."
        )
    raise ImportRefusedError(
        f"{path} is no file of a model that Inlay knows: its sha256 is {digest}. `inlay models list` shows the models."
    )


def _blocks(path: Path) -> Iterator[bytes]:
    if path.suffix == ".tgz":
        yield from _joined_chunks(path)
        return
    with path.open("rb") as file:
        yield from _read(file)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(CHUNK):
        yield block


def _joined_chunks(path: Path) -> Iterator[bytes]:
    """The chunks of a package, in the order of its list; nothing of it is unpacked to the disk."""
    try:
        with tarfile.open(path, "r:gz") as package:
            index = next(m for m in package.getmembers() if PurePosixPath(m.name).name == "resources.json")
            listed = package.extractfile(index)
            assert listed is not None  # it is a file
            chunks = json.load(listed)[CHUNKS]["chunks"]
            folder = PurePosixPath(index.name).parent
            for chunk in chunks:
                file = package.extractfile(str(folder / chunk["hash"]))
                if file is None:
                    raise KeyError(chunk["hash"])
                yield from _read(file)
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError, StopIteration) as error:
        raise ImportRefusedError(f"{path} is no package of a model, or not whole ({error}). Fetch it anew.") from None
