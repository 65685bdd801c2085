"""What an action needs of a document, as rasters: the active layer, the selection, the image below, another layer.

The user's document is only read. What has to be taken apart is a clone, whose tiles Krita shares until they change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from krita import Krita

from ..client.actions import Action, Extent, ResultKind, Source
from ..client.image import Box, PixelFormat, Raster, grown, intersection
from .color_spaces import ColorSpace
from .profiles import is_linear, profile_bytes

_OWN_PIXELS = "paintlayer"
_RENDERED = ("grouplayer", "vectorlayer", "clonelayer", "filelayer", "filllayer")
"""Layers without pixels of their own; what they show is read."""


class Refusal(Exception):  # noqa: N818 -- the document is sound, it is only not what the action needs
    """The document is not what the action needs. `message` says what is wrong, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message, self.remedy = message, remedy


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a job came from, and so where its result belongs."""

    document: Any  # krita.Document
    title: str
    layer: str  # unique id of the layer that was active
    layer_name: str
    space: ColorSpace

    def is_open(self) -> bool:
        """Whether the document has not been closed meanwhile."""
        return self.document in Krita.instance().documents()

    def node(self) -> Any:
        """The layer, or None when it was removed meanwhile."""
        return find_node(self.document, self.layer)


def walk(node: Any) -> Iterator[Any]:
    """All nodes below a node, bottom to top."""
    for child in node.childNodes():
        yield child
        yield from walk(child)


def find_node(document: Any, unique_id: str) -> Any:
    """The node of a unique id, None when the document has none."""
    return next((n for n in walk(document.rootNode()) if n.uniqueId().toString() == unique_id), None)


def other_layers(document: Any) -> list[tuple[str, str]]:
    """Unique id and name of the layers that can be picked beside the active one, top to bottom."""
    active = document.activeNode()
    layers = [n for n in walk(document.rootNode()) if n.type() in (_OWN_PIXELS, *_RENDERED) and n != active]
    return [(n.uniqueId().toString(), n.name()) for n in reversed(layers)]


def check(action: Action, document: Any) -> Origin:
    """Where `action` would work. Raises Refusal when it cannot be done on this document."""
    if document is None:
        raise Refusal("No image is open.", "Open one and try again.")
    node = document.activeNode()
    if node is None:
        raise Refusal("No layer is active.", "Click on a layer in the Layers docker and try again.")
    space = _space(node)
    _check_node(node, space)
    if action.result is ResultKind.LAYER_MASK and node.locked():
        raise Refusal(f"The layer '{node.name()}' is locked.", "Unlock it in the Layers docker and try again.")
    if action.result is ResultKind.LAYER:
        _check_parents(node)
    if any(i.source is Source.SELECTION and i.required for i in action.inputs) and _selection_box(document) is None:
        raise Refusal("Nothing is selected.", "Draw a selection roughly around what you mean and try again.")
    title = document.name() or Path(document.fileName()).name or "the image"
    return Origin(document, title, node.uniqueId().toString(), node.name(), space)


def gather(action: Action, origin: Origin, others: dict[str, str]) -> dict[str, Raster]:
    """The action's inputs by name, no larger than its extent asks.

    `others` gives the unique id of the layer that was picked for an input. Raises Refusal when an input is missing.
    """
    document, node = origin.document, origin.node()
    own, context = _region(action, document, node)
    found: dict[str, Raster] = {}
    for wanted in action.inputs:
        if wanted.source in (Source.LAYER, Source.VISIBLE):
            found[wanted.name] = read_layer(node, own)
        elif wanted.source is Source.BELOW:
            found[wanted.name] = read_below(document, origin.layer, context)
        elif wanted.source is Source.OTHER:
            picked = find_node(document, others.get(wanted.name, ""))
            if picked is not None:
                _check_node(picked, _space(picked))
                found[wanted.name] = read_layer(picked, _bounds(document, picked))
        elif _selection_box(document) is not None:
            found[wanted.name] = read_selection(document, context)
        if wanted.required and wanted.name not in found:
            raise Refusal(f"{action.label} needs a {wanted.label.lower()}.", "Choose one and try again.")
    return found


def read_layer(node: Any, box: Box) -> Raster:
    """What a layer holds in `box`, before its masks, opacity and blending."""
    space = _space(node)
    data = node.pixelData(*box) if node.type() == _OWN_PIXELS else node.projectionPixelData(*box)
    return _raster(space, bytes(data), box)


def read_selection(document: Any, box: Box) -> Raster:
    """The current selection in `box`, 0 outside to 255 inside. There must be one."""
    x, y, width, height = box
    return Raster(PixelFormat("Y", "u8"), width, height, bytes(document.selection().pixelData(*box)), x, y)


def read_below(document: Any, layer: str, box: Box) -> Raster:
    """What is seen in `box` when the layer and everything above it are taken away.

    Raises Refusal when nothing is seen there.
    """
    clone = document.clone()
    try:
        if not _hide_upwards(find_node(clone, layer)):
            raise Refusal(
                "Nothing is seen below the active layer.", "Move the layer above the image that it belongs into."
            )
        clone.refreshProjection()
        clone.waitForDone()
        space = ColorSpace(clone.colorModel(), clone.colorDepth(), clone.colorProfile())
        return _raster(space, bytes(clone.pixelData(*box)), box)
    finally:
        clone.close()


def _hide_upwards(node: Any) -> bool:
    """Hide a node and all above it, at every level; whether anything visible is left below."""
    left = False
    node.setVisible(False)
    while (parent := node.parentNode()) is not None:
        layers = [child for child in parent.childNodes() if not child.type().endswith("mask")]
        at = layers.index(node)
        for above in layers[at + 1 :]:
            above.setVisible(False)
        left = left or any(below.visible() for below in layers[:at])
        node = parent
    return left


def _region(action: Action, document: Any, node: Any) -> tuple[Box, Box]:
    """The box of the layer that travels, and the box of everything around it."""
    box = _bounds(document, node)
    selection = _selection_box(document) if any(i.source is Source.SELECTION for i in action.inputs) else None
    if selection is not None and intersection(selection, box) is None:
        raise Refusal(
            "The selection lies outside of the active layer.", "Choose the layer it belongs to, or move the selection."
        )
    if action.extent is Extent.LAYER:
        return box, box
    if action.extent is Extent.SELECTION:
        part = intersection(grown(selection, action.margin, action.border), box) if selection else box
        return part or box, part or box
    canvas = Box(0, 0, document.width(), document.height())
    seen = intersection(box, canvas)
    if seen is None:
        raise Refusal("The active layer lies outside of the image.", "Move it to where it belongs.")
    return seen, intersection(grown(seen, action.margin), canvas) or seen


def _bounds(document: Any, node: Any) -> Box:
    """Where the layer holds anything. Rendered layers, which may have no end, are taken as far as the canvas goes."""
    rect = node.bounds()
    box: Box | None = Box(rect.x(), rect.y(), rect.width(), rect.height())
    if box is not None and node.type() != _OWN_PIXELS:
        box = intersection(box, Box(0, 0, document.width(), document.height()))
    if box is None or box.width < 1 or box.height < 1:
        raise Refusal(f"The layer '{node.name()}' is empty.", "Choose a layer that holds something.")
    return box


def _selection_box(document: Any) -> Box | None:
    selection = document.selection()
    if selection is None or selection.width() < 1 or selection.height() < 1:
        return None
    return Box(selection.x(), selection.y(), selection.width(), selection.height())


def _space(node: Any) -> ColorSpace:
    return ColorSpace(node.colorModel(), node.colorDepth(), node.colorProfile())


def _raster(space: ColorSpace, data: bytes, box: Box) -> Raster:
    pixel_format = space.format(is_linear(space.model, space.profile))
    assert pixel_format is not None  # `check` refused any other color space
    profile = profile_bytes(space.model, space.profile)
    return Raster(pixel_format, box.width, box.height, data, box.x, box.y, profile)


def _check_node(node: Any, space: ColorSpace) -> None:
    if node.type().endswith("mask"):
        raise Refusal(f"'{node.name()}' is a mask.", "Choose the layer it belongs to and try again.")
    if node.type() not in (_OWN_PIXELS, *_RENDERED):
        raise Refusal(f"The layer '{node.name()}' has no pixels.", "Choose a paint layer and try again.")
    if space.format(linear=False) is None:
        raise Refusal(
            f"Inlay works on gray and RGB images; '{node.name()}' is {space.model.removesuffix('A')} {space.depth}.",
            "Convert it with Layer > Convert > Convert Layer Color Space.",
        )


def _check_parents(node: Any) -> None:
    parent = node.parentNode()
    while parent is not None and parent.parentNode() is not None:
        if parent.locked():
            raise Refusal(f"The group '{parent.name()}' is locked.", "Unlock it in the Layers docker and try again.")
        parent = parent.parentNode()
