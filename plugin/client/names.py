"""What new layers are called: after the layer they come from, and what was done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .actions import Action
from .messages import Result

_DONE = {
    "paste.harmonize": "harmonized",
    "paste.apply": "harmonized",
    "paste.clone": "cloned",
    "paste.subject": "composited",
    "paste.portrait": "composited",
}
_FORMER = re.compile(rf", ({'|'.join(sorted(set(_DONE.values())))})$")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,4}$")


def layer_name(action: Action, output: str, layers: Mapping[str, str]) -> str:
    """The name of a new layer: "Dog, composited". `output` is what the backend calls it, `layers` are the names of the
    layers that the action's inputs were, by input."""
    if action.name in _DONE and (source := layers.get("source")):
        return f"{_thing(source)}, {_DONE[action.name] if output in ('Harmonized', 'Object') else output.lower()}"
    if action.name in ("style.layer", "style.gatys") and (style := layers.get("style")):
        return f"In the style of {_thing(style)}"
    return output


def named(result: Result, action: Action, layers: Mapping[str, str]) -> Result:
    """The result, its outputs with the names of `layer_name`."""
    outputs = (replace(output, name=layer_name(action, output.name, layers)) for output in result.outputs)
    return replace(result, outputs=tuple(outputs))


def _thing(name: str) -> str:
    """A layer's name without a file's ending and without what was done with it before."""
    plain = _FORMER.sub("", _EXTENSION.sub("", name)).strip() or "Layer"
    return plain[:1].upper() + plain[1:]
