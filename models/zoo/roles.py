"""Which network a role gets: the one that is set for it, else the best public one that is here, else the bundled one.

Settings are one small file beside the fetched models: a role's name and a card's, or `bundled`.
"""

from __future__ import annotations

import json
from pathlib import Path

from models.zoo import store
from models.zoo.cards import ROLES, Card, CardError, find_card, readable
from models.zoo.regular_file import read_regular

AUTO = "auto"
BUNDLED = "bundled"
MIB = 1 << 20
ROOM = 4  # times the file's size: the memory of a network that nobody has measured


def settings_path() -> Path:
    """The file of settings."""
    return store.cache_folder() / "roles.json"


def pins() -> dict[str, str]:
    """What is set, by role; what cannot be read is not."""
    try:
        found = json.loads(read_regular(settings_path()))
    except (OSError, ValueError, RecursionError):
        return {}
    return {role: str(name) for role, name in found.items() if role in ROLES} if isinstance(found, dict) else {}


def pin(role: str, name: str) -> None:
    """Sets the network of a role: a card's name, `bundled`, or `auto`. Raises CardError for one that cannot be."""
    if role not in ROLES:
        raise CardError(f"{role!r} is no role; there are {', '.join(ROLES)}")
    if name not in (AUTO, BUNDLED) and find_card(name).role != role:
        fit = ", ".join(card.name for card in candidates(role))
        raise CardError(f"{name} is not for {role}; there are {fit or 'none'}, {BUNDLED} and {AUTO}")
    wanted = {**pins(), role: name}
    if name == AUTO:
        del wanted[role]
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
    partial.replace(path)


def candidates(role: str) -> list[Card]:
    """The public networks of a role, the best first; those with a damaged card are passed over."""
    cards = [card for card in readable()[0] if card.role == role and not card.bundled]
    return sorted(cards, key=lambda card: -card.rank)


def memory(card: Card) -> int:
    """MiB that a network needs: as measured, or as its size lets one expect."""
    return card.memory or ROOM * card.total // MIB


def choose(role: str, free: int | None = None) -> Card | None:
    """The public network that a role gets; None where it is the bundled one.

    free: MiB of memory that may be taken; None: any. One that is set is not asked whether it fits.
    """
    wanted = pins().get(role, AUTO)
    if wanted == BUNDLED:
        return None
    here = [card for card in candidates(role) if store.locate(card) is not None]
    for card in here:
        if card.name == wanted:
            return card
    return next((card for card in here if free is None or memory(card) <= free), None)
