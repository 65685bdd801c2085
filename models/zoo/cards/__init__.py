"""Cards: one small TOML file a checkpoint, with all that is known about it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from models import imagenet

FOLDER = Path(__file__).parent
PREFIX_LENGTH = 8  # as much of the sha256 as torchvision puts into its file names


class CardError(ValueError):
    """A card that is missing or says something that cannot be."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint is, where it comes from and what may be expected of it.

    sha256 is the whole digest, or its first 8 digits or more where the publisher states no more than these
    (torchvision's file names): such a check finds a damaged or mistaken file, but is no defense against a forged one;
    https is that.
    """

    name: str
    task: str  # subject, classes, instances, trunk, style, fill, paste
    builder: str  # a name in `models.zoo.store.BUILDERS`
    file: str  # bundled under models/zoo/weights, or the file's name in the cache folder
    sha256: str
    size: int  # bytes
    license: str
    url: str = ""  # empty for bundled weights
    mean: tuple[float, ...] = imagenet.MEAN
    std: tuple[float, ...] = imagenet.STD
    input_size: int = 0  # pixels a side the network was trained at; 0 where any size will do
    data: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    limits: str = ""
    settings: dict[str, Any] = field(default_factory=dict)  # keyword arguments of the builder

    @property
    def bundled(self) -> bool:
        return not self.url

    def __post_init__(self) -> None:
        digits = set(self.sha256) <= set("0123456789abcdef")
        shortest = 64 if self.bundled else PREFIX_LENGTH
        if not digits or not shortest <= len(self.sha256) <= 64:
            raise CardError(f"card {self.name}: sha256 must be {shortest} to 64 lower-case hexadecimal digits")
        if Path(self.file).name != self.file or self.file in ("", "..") or set(self.file) & set("\\:"):
            raise CardError(f"card {self.name}: {self.file!r} is not a plain file name")


def read_card(path: Path) -> Card:
    """The card in a TOML file; its name is the file's. Raises CardError for unknown, missing or ill-typed entries."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"card {path.stem} cannot be read: {error}") from None
    known = {entry.name for entry in fields(Card)}
    if unknown := set(table) - known:
        raise CardError(f"card {path.stem}: unknown entries {', '.join(sorted(unknown))}")
    table |= {key: tuple(table[key]) for key in ("mean", "std") if key in table}
    try:
        return Card(name=path.stem, **table)
    except TypeError as error:
        raise CardError(f"card {path.stem}: {error}") from None


def find_card(name: str) -> Card:
    """The card called `name`; CardError, with the names there are, where there is none."""
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise CardError(f"there is no model called {name!r}; there are {', '.join(names())}")
    return read_card(path)


def names() -> list[str]:
    """The names of all cards, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))
