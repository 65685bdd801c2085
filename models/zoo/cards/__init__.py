"""Cards: one small TOML file a checkpoint, with all that is known about it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from models import imagenet
from models.zoo.contracts import Contract, read_contract
from models.zoo.regular_file import read_regular

FOLDER = Path(__file__).parent
ROLES = {
    "subject": "Select Subject and all that works on the subject: Remove Background, Remove Subject and others",
    "people": "Select by Class: person",
    "object": "Select Object, Remove Object",
    "instances": "Select Object by a dot",
    "classes": "Select by Class",
    "sky": "Select Sky, Replace Sky",
    "inpainting": "Content-Aware Fill, Remove Subject, Remove Object",
    "harmonizer": "Harmonize Layer, Composite Subject",
    "paste": "Composite Subject, Clone from Layer",
    "style": "Stylize",
    "features": "Stylize from Layer (Iterative)",
}
"""What networks are for, and the actions that use one of that role."""

PREFIX_LENGTH = 8  # as much of the sha256 as torchvision puts into its file names


class CardError(ValueError):
    """A card that is missing or says something that cannot be."""


class DamagedCardError(CardError):
    """A card's file that cannot be read, or holds no card; the message says what to do."""


@dataclass(frozen=True)
class Part:
    """One file of a checkpoint.

    sha256 is the whole digest, or its first 8 digits or more where the publisher states no more than these
    (torchvision's file names): such a check finds a damaged or mistaken file, but is no defense against a forged one;
    https is that.
    """

    file: str  # bundled under models/zoo/weights, or the file's name in the folder of models
    sha256: str
    size: int  # bytes
    url: str = ""
    mirrors: tuple[str, ...] = ()  # asked in turn where the address does not answer

    def check(self, card: str, shortest: int) -> None:
        """Raises CardError for a digest or a name that cannot be."""
        digits = set(self.sha256) <= set("0123456789abcdef")
        if not digits or not shortest <= len(self.sha256) <= 64:
            raise CardError(f"card {card}: sha256 must be {shortest} to 64 lower-case hexadecimal digits")
        if Path(self.file).name != self.file or self.file in ("", "..") or set(self.file) & set("\\:"):
            raise CardError(f"card {card}: {self.file!r} is not a plain file name")


@dataclass(frozen=True)
class Card:
    """What a checkpoint is, where it comes from and what may be expected of it."""

    name: str
    role: str  # what it is used for: one of `ROLES`
    file: str  # its first or only `Part`, like the next ones
    sha256: str
    size: int
    license: str  # of the weights
    builder: str = ""  # a name in `models.zoo.store.BUILDERS`; empty for networks of the other runtimes
    url: str = ""
    mirrors: tuple[str, ...] = ()
    further: tuple[Part, ...] = ()  # files beside the first
    folder: str = ""  # of its own in the folder of models, for files named like another's
    source: str = ""  # where a file is to be had that has no address of its own
    runtime: str = "torch"  # or one of `models.zoo.runtimes.MODULES`
    contract: Contract | None = None
    mean: tuple[float, ...] = imagenet.MEAN
    std: tuple[float, ...] = imagenet.STD
    input_size: int = 0  # pixels a side the network was trained at; 0 where any size will do
    rank: int = 0  # among the public ones of its role the highest that is present is taken
    recommended: bool = False
    memory: int = 0  # MiB at most while it computes; 0 where nobody has measured that
    digest_by: str = "the publisher"  # who has stated the sha256
    terms: str = ""  # of its training data, where they are not free of doubt; said before a download
    data: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    selftest: tuple[float, ...] = ()  # see `models.zoo.selftest`
    limits: str = ""
    settings: dict[str, Any] = field(default_factory=dict)  # keyword arguments of the builder

    @property
    def bundled(self) -> bool:
        return not self.url and not self.source

    @property
    def parts(self) -> tuple[Part, ...]:
        return (Part(self.file, self.sha256, self.size, self.url, self.mirrors), *self.further)

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise CardError(f"card {self.name}: {self.role!r} is no role; there are {', '.join(ROLES)}")
        if self.folder not in ("", self.name):
            raise CardError(f"card {self.name}: its folder can only have its own name")
        for part in self.parts:
            part.check(self.name, 64 if self.bundled else PREFIX_LENGTH)

    def place(self, part: Part) -> Path:
        """Where a file of it lies in a folder of models."""
        return Path(self.folder, part.file)


def read_card(path: Path) -> Card:
    """The card in a TOML file; its name is the file's.

    Raises DamagedCardError where there is no plain small file, and for unknown, missing or ill-typed entries.
    """
    try:
        return _card(path.stem, tomllib.loads(read_regular(path.resolve()).decode("utf-8")))
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # a RuntimeError: links in a circle, lists too deep
        raise DamagedCardError(f"{path} is damaged ({error}). Reinstall Inlay.") from None


def _card(name: str, table: dict[str, Any]) -> Card:
    if unknown := set(table) - {entry.name for entry in fields(Card)}:
        raise CardError(f"card {name}: unknown entries {', '.join(sorted(unknown))}")
    for entry in fields(Card):
        kind = {"str": str, "int": int, "bool": bool}.get(str(entry.type))
        if kind is not None and not isinstance(table.get(entry.name, kind()), kind):
            raise CardError(f"card {name}: {entry.name} must be of the type {kind.__name__}")
    table |= {key: tuple(table[key]) for key in ("mean", "std", "mirrors", "selftest") if key in table}
    further = tuple(Part(**{**part, "mirrors": tuple(part.get("mirrors", ()))}) for part in table.pop("further", ()))
    contract = read_contract(table.pop("contract")) if "contract" in table else None
    return Card(name=name, further=further, contract=contract, **table)


@lru_cache(maxsize=256)
def _kept(path: Path, _version: int) -> Card:
    return read_card(path)


def find_card(name: str) -> Card:
    """The card called `name`.

    Raises CardError, with the names there are, where there is none, DamagedCardError where its file is damaged.
    """
    path = FOLDER / f"{name}.toml"
    try:
        version = path.lstat().st_mtime_ns
    except (OSError, ValueError):
        raise CardError(f"there is no model called {name!r}; there are {', '.join(names())}") from None
    return _kept(path, version)


def readable() -> tuple[list[Card], list[DamagedCardError]]:
    """All cards, sorted by name, but those whose files are damaged; what is wrong with these."""
    with os.scandir(FOLDER) as entries:
        files = sorted((e.name, e.stat(follow_symlinks=False).st_mtime_ns) for e in entries if e.name.endswith(".toml"))
    tried = [_tried(FOLDER / name, version) for name, version in files]
    return [card for card in tried if isinstance(card, Card)], [e for e in tried if isinstance(e, DamagedCardError)]


def _tried(path: Path, version: int) -> Card | DamagedCardError:
    try:
        return _kept(path, version)
    except DamagedCardError as error:
        return error


def names() -> list[str]:
    """The names of all cards, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))
