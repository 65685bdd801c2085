"""The last result, while it can still be changed: what it was made with, and how it is made again.

Every call is a process of its own, so what is known of the last result is kept in GIMP until it ends. An input that is
no more as it was is taken from a copy of the image that is led back to what it was: without the result, with the former
selection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gi.repository import Gimp

from ..client.actions import BY_NAME, Action, Parameter, ResultKind, Value
from ..client.image import Raster
from ..client.messages import Job, Result
from ..client.names import named
from . import buffers, fills, image, results
from .image import ImageError

LIVE = ("grow", "feather", "edge", "strength")
"""Parameters that can be changed in a result."""

_FACTS, _SELECTION = "inlay-last-result", "inlay-last-result-selection"
_SESSION = 0  # flags of a parasite that GIMP forgets when it ends


@dataclass(frozen=True, slots=True)
class LastResult:
    """A result in its image. Layers and images by their numbers, which mean something until GIMP ends."""

    job: str  # its id
    action: str
    values: dict[str, Value]
    image: int
    layer: int  # that was active
    others: dict[str, int]  # layers that were chosen, by input
    names: dict[str, str]  # of the layers that its inputs were
    layers: list[int]  # that it has become, in the outputs' order
    selected: str = ""  # digest of the selection that it has become

    @property
    def of(self) -> Action:
        """What it came from."""
        return BY_NAME[self.action]

    def gimp_image(self) -> Any:
        """Where it is."""
        return Gimp.Image.get_by_id(self.image)

    def gimp_layers(self) -> list[Any]:
        """What it has become."""
        return [Gimp.Item.get_by_id(number) for number in self.layers]

    def is_there(self) -> bool:
        """Whether it is still in its image, and a selection still the one that was set."""
        if not Gimp.Image.id_is_valid(self.image) or not Gimp.Item.id_is_layer(self.layer):
            return False
        if any(not Gimp.Item.id_is_layer(number) for number in (*self.layers, *self.others.values())):
            return False
        there = self.gimp_image().get_layers()
        if not all(layer.get_image().get_id() == self.image and _top(layer) in there for layer in self.gimp_layers()):
            return False
        return not self.selected or self.selected == _digest(self.gimp_image())

    def parameters(self) -> dict[str, tuple[Parameter, Value]]:
        """The settings that can be changed, with their values."""
        idle = self.of.without_effect(self.values)
        return {p.name: (p, self.values[p.name]) for p in self.of.parameters if p.name in LIVE and p.name not in idle}

    def variants(self) -> list[Any]:
        """The layers of which one is seen; empty where there is but one."""
        layers = self.gimp_layers()
        return layers if len(layers) > 1 and all(map(fills.is_fill, layers)) else []

    def job_with(self, changes: Mapping[str, Value]) -> tuple[LastResult, Job]:
        """The same with other settings, and its job. Raises ImageError when its inputs are gone."""
        values = self.values | dict(changes)
        suited = self.of.suited(values)
        others = {name: Gimp.Item.get_by_id(number) for name, number in self.others.items()}
        now, layer = self.gimp_image(), Gimp.Item.get_by_id(self.layer)
        with image.duplicate(now, layer) as (copy, twin):
            for added in [image.twin_of(each, now, copy) for each in self.gimp_layers()]:
                copy.remove_layer(added)
            _restore(copy, _selection_before(now))
            job = Job(self.action, values, image.gather(suited, copy, twin, others))
        return replace(self, values=values, job=job.id), job

    def put(self, result: Result) -> None:
        """Put what its job with other settings gave where it is, and remember it. Raises ImageError."""
        now = self.gimp_image()
        combine = str(self.values.get("mode", "replace"))
        before = _selection_before(now)
        results.apply_again(named(result, self.of, self.names), now, self.gimp_layers(), before, combine)
        Gimp.displays_flush()
        _write(replace(self, selected=_digest(now) if self.selected else ""))


def load() -> LastResult | None:
    """The last one, if there is any that can be changed."""
    parasite = Gimp.get_parasite(_FACTS)
    return LastResult(**json.loads(bytes(parasite.get_data()).rstrip(b"\0"))) if parasite is not None else None


def selection_of(gimp_image: Any) -> Raster | None:
    """The image's selection, None where nothing is selected: to be remembered before a result is put in place."""
    if Gimp.Selection.is_empty(gimp_image):
        return None
    return buffers.read_selection(gimp_image.get_selection(), fills.canvas(gimp_image))


def remember(job: Job, action: Action, names: dict[str, str], layer: Any, others: dict[str, Any],
             before: Raster | None, added: list[Any]) -> None:  # fmt: skip
    """Keep what a result was made with.

    Args:
        job: that it came from.
        action: the job's, as it suits its settings.
        names: of the layers that its inputs were.
        layer: that was active.
        others: the layers that were chosen, by input.
        before: the selection before it.
        added: its layers.
    """
    if action.result is ResultKind.LAYER_MASK:
        Gimp.detach_parasite(_FACTS)  # it is painted on by hand
        return
    gimp_image = layer.get_image()
    selected = _digest(gimp_image) if action.result is ResultKind.SELECTION else ""
    numbers = {name: other.get_id() for name, other in others.items() if other is not None}
    packed = zlib.compress(bytes(before.data), 1) if before is not None else b""
    text = b":" + base64.b64encode(packed)  # a parasite takes no bytes above 127 from Python, and is never empty
    Gimp.attach_parasite(Gimp.Parasite.new(_SELECTION, _SESSION, text))
    _write(
        LastResult(
            job.id, job.action, dict(job.parameters), gimp_image.get_id(), layer.get_id(), numbers, names,
            [each.get_id() for each in added], selected,
        )
    )  # fmt: skip


def _write(last: LastResult) -> None:
    facts = {name: getattr(last, name) for name in LastResult.__slots__}
    Gimp.attach_parasite(Gimp.Parasite.new(_FACTS, _SESSION, json.dumps(facts).encode()))


def _selection_before(gimp_image: Any) -> Raster | None:
    parasite = Gimp.get_parasite(_SELECTION)
    packed = base64.b64decode(bytes(parasite.get_data()).rstrip(b"\0")[1:]) if parasite is not None else b""
    if not packed:
        return None
    canvas = fills.canvas(gimp_image)
    data = zlib.decompress(packed)
    if len(data) != canvas.width * canvas.height:
        raise ImageError("The image has another size by now. Run the action again.")
    return replace(results.nothing(gimp_image), data=data)


def _restore(copy: Any, selection: Raster | None) -> None:
    if selection is None:
        Gimp.Selection.none(copy)
    else:
        Gimp.Selection.all(copy)
        buffers.write_mask(copy.get_selection(), selection, origin=(0, 0))


def _digest(gimp_image: Any) -> str:
    selected = selection_of(gimp_image)
    return hashlib.blake2b(bytes(selected.data), digest_size=8).hexdigest() if selected is not None else "nothing"


def _top(layer: Any) -> Any:
    while layer.get_parent() is not None:
        layer = layer.get_parent()
    return layer
