"""The settings that an action was last run with: for its next dialog, for one click, and for Filters > Repeat Last.

GIMP's own memory of them cannot hold a layer, and forgets what a repeat has changed. So they are kept beside it, in
GIMP itself: the settings for good, the layers (numbers that mean nothing in the next session) until GIMP ends.
"""

from __future__ import annotations

import json
from typing import Any

from gi.repository import Gimp

from ..client.actions import Action, Parameter, Value

_SESSION = 0


def keep(action: Action, values: dict[str, Value], layers: dict[str, Any]) -> None:
    """Remember the parameters' values, and the layers chosen for inputs, by name."""
    _write(_settings_name(action), values, Gimp.PARASITE_PERSISTENT)
    numbers = {name: layer.get_id() for name, layer in layers.items() if layer is not None}
    _write(_layers_name(action), numbers, _SESSION)


def values(action: Action) -> dict[str, Value]:
    """The values that were kept; those that no longer fit the action are left out."""
    kept = _read(_settings_name(action))
    return {p.name: p.check(kept[p.name]) for p in action.parameters if p.name in kept and _fits(p, kept[p.name])}


def layers(action: Action) -> dict[str, Any]:
    """The layers that were kept and are still there, by the inputs' names."""
    found = {}
    for name, number in _read(_layers_name(action)).items():
        if isinstance(number, int) and Gimp.Item.id_is_layer(number):
            found[name] = Gimp.Item.get_by_id(number)
    return found


def _fits(parameter: Parameter, value: object) -> bool:
    try:
        parameter.check(value)
    except ValueError:
        return False
    return True


def _settings_name(action: Action) -> str:
    return f"{action.procedure}-settings"


def _layers_name(action: Action) -> str:
    return f"{action.procedure}-layers"


def _write(name: str, entry: dict[str, Any], flags: int) -> None:
    Gimp.attach_parasite(Gimp.Parasite.new(name, flags, json.dumps(entry).encode()))


def _read(name: str) -> dict[str, Any]:
    parasite = Gimp.get_parasite(name)
    if parasite is None:
        return {}
    try:
        entry = json.loads(bytes(parasite.get_data()).rstrip(b"\0"))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
