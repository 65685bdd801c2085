"""Cards: one small TOML file a checkpoint, with all that is known about it."""

from __future__ import annotations

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
from models.zoo.contracts import Contract, ContractError, read_contract

FOLDER = Path(__file__).parent
ROLES = {
    "subject": "Select Subject and all that works on the subject: Remove Background, Remove Subject and others",
    "people": "Select by Class: person",
    "object": "Select Object, Remove Object",
    "instances": "Select Object by a dot",
    "classes": "Select by Class",
    "sky": "nothing yet: selecting the sky, which is to come",
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
        for part in self.parts:
            part.check(self.name, 64 if self.bundled else PREFIX_LENGTH)


def read_card(path: Path) -> Card:
    """The card in a TOML file; its name is the file's. Raises CardError for unknown, missing or ill-typed entries."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"card {path.stem} cannot be read: {error}") from None
    known = {entry.name for entry in fields(Card)}
    if unknown := set(table) - known:
        raise CardError(f"card {path.stem}: unknown entries {', '.join(sorted(unknown))}")
    table |= {key: tuple(table[key]) for key in ("mean", "std", "mirrors", "selftest") if key in table}
    try:
        further = tuple(
            Part(**{**part, "mirrors": tuple(part.get("mirrors", ()))}) for part in table.pop("further", ())
        )
        contract = read_contract(table.pop("contract")) if "contract" in table else None
        return Card(name=path.stem, further=further, contract=contract, **table)
    except (TypeError, ContractError) as error:
        raise CardError(f"card {path.stem}: {error}") from None


@lru_cache(maxsize=256)
def _kept(path: Path, _version: int) -> Card:
    return read_card(path)


def find_card(name: str) -> Card:
    """The card called `name`; CardError, with the names there are, where there is none."""
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise CardError(f"there is no model called {name!r}; there are {', '.join(names())}")
    return _kept(path, path.stat().st_mtime_ns)


def names() -> list[str]:
    """The names of all cards, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))
