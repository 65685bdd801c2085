"""What an action needs of a document, as rasters: the active layer, the selection, the image below, another layer.

The user's document is only read. What has to be taken apart is a clone, whose tiles Krita shares until they change.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from krita import Krita

from ..client.actions import Action, Extent, ResultKind, Source
from ..client.image import Box, PixelFormat, Raster, grown, intersection
from . import layers
from .color_spaces import ColorSpace
from .hidden_document import in_srgb
from .profiles import is_linear, profile_bytes


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
    layer: str  # unique id of the layer that was active, or that the active mask belongs to
    layer_name: str
    top: str  # unique id of the layer that a new one goes above
    space: ColorSpace  # of what was read

    def is_open(self) -> bool:
        """Whether the document has not been closed meanwhile."""
        return self.document in Krita.instance().documents()

    def node(self) -> Any:
        """The layer, or None when it was removed meanwhile."""
        return layers.find(self.document, self.layer)


def check(action: Action, document: Any) -> Origin:
    """Where `action` would work. Raises Refusal when it cannot be done on this document, whatever is chosen for it."""
    if document is None:
        raise Refusal("No image is open.", "Open one and try again.")
    node = layers.owner(document.activeNode())
    if node is None:
        raise Refusal("No layer is active.", "Click on a layer in the Layers docker and try again.")
    _check_node(node)
    visible = _is_seen_as_visible(action, document, node)
    space = _document_space(document) if visible else _space(node)
    if action.result is not ResultKind.SELECTION and action.mask_when is None:
        _check_space(space, node.name())
    if action.result is ResultKind.LAYER_MASK and node.locked():
        raise Refusal(f"The layer '{node.name()}' is locked.", "Unlock it in the Layers docker and try again.")
    top = layers.below_new(node) if visible else node
    if action.result is ResultKind.LAYER:
        _check_parents(top)
    if any(i.source is Source.SELECTION and i.required for i in action.inputs) and _selection_box(document) is None:
        raise Refusal("Nothing is selected.", "Draw a selection roughly around what you mean and try again.")
    sources = {i.source for i in action.inputs if i.required}
    if Source.OTHER in sources and not other_layers(document):
        raise Refusal(
            f"{action.label} needs a second layer, and the image has only '{node.name()}'.",
            "Paste the other image, or add it with Layer > Import/Export > Import Layer; then choose this layer again.",
        )
    if Source.BELOW in sources and not layers.is_anything_below(node):
        raise Refusal(
            "Nothing is seen below the active layer.",
            "Choose the pasted layer in the Layers docker; the image that it belongs into lies below it.",
        )
    _region(action, document, node)
    title = document.name() or Path(document.fileName()).name or "the image"
    ids = (node.uniqueId().toString(), top.uniqueId().toString())
    return Origin(document, title, ids[0], node.name(), ids[1], space)


def gather(action: Action, origin: Origin, others: dict[str, str], for_thumbnails: bool = False) -> dict[str, Raster]:
    """The action's inputs by name, no larger than its extent asks.

    `others` gives the unique id of the layer that was picked for an input. Raises Refusal when an input is missing, or
    when the result would be a layer in a color space that Inlay has none for; not where it is only looked at.
    """
    document, node = origin.document, origin.node()
    if action.result is ResultKind.LAYER and not for_thumbnails:
        _check_space(origin.space, origin.layer_name)
    own, context = _region(action, document, node)
    found: dict[str, Raster] = {}
    for wanted in action.inputs:
        if wanted.source is Source.LAYER:
            found[wanted.name] = read_layer(node, own)
        elif wanted.source is Source.VISIBLE:
            visible = _is_seen_as_visible(action, document, node)
            found[wanted.name] = read_up_to(document, origin.top, own) if visible else read_layer(node, own)
        elif wanted.source is Source.BELOW:
            found[wanted.name] = read_below(document, origin.layer, context)
        elif wanted.source is Source.OTHER:
            picked = layers.find(document, others.get(wanted.name, ""))
            if picked is not None:
                _check_node(picked)
                found[wanted.name] = read_layer(picked, _bounds(document, picked))
        elif _selection_box(document) is not None and (wanted.required or _meets(document, own)):
            found[wanted.name] = read_selection(document, context)
        if wanted.required and wanted.name not in found:
            raise Refusal(f"{action.label} needs a {wanted.label.lower()}.", "Choose one and try again.")
    return found


def inputs_there(action: Action, origin: Origin) -> dict[str, bool]:
    """Which of the action's inputs the image has; a layer that is still to be picked counts as one."""
    own, _context = _region(action, origin.document, origin.node())
    return {i.name: i.source is not Source.SELECTION or _meets(origin.document, own) for i in action.inputs}


def input_names(action: Action, origin: Origin, others: dict[str, str]) -> dict[str, str]:
    """Names of the layers that the action's inputs are, by input."""
    found = {i.name: origin.layer_name for i in action.inputs if i.source in (Source.LAYER, Source.VISIBLE)}
    for name, unique_id in others.items():
        if (picked := layers.find(origin.document, unique_id)) is not None:
            found[name] = picked.name()
    return found


def other_layers(document: Any) -> list[tuple[str, str]]:
    """Unique id and name of the layers that can be picked beside the active one, top to bottom."""
    active = layers.owner(document.activeNode())
    found = [n for n in layers.walk(document.rootNode()) if layers.holds_an_image(n) and n != active]
    return [(n.uniqueId().toString(), n.name()) for n in reversed(found)]


def read_layer(node: Any, box: Box) -> Raster:
    """What a layer holds in `box`, before its opacity and blending; its masks, where they are visible, count."""
    data = node.projectionPixelData(*box) if layers.is_rendered(node) else node.pixelData(*box)
    return _raster(_space(node), bytes(data), box)


def read_selection(document: Any, box: Box) -> Raster:
    """The current selection in `box`, 0 outside to 255 inside. There must be one."""
    x, y, width, height = box
    return Raster(PixelFormat("Y", "u8"), width, height, bytes(document.selection().pixelData(*box)), x, y)


def read_below(document: Any, layer: str, box: Box) -> Raster:
    """What is seen in `box` when the layer and everything above it are taken away."""
    return _read_without(document, layer, box, itself=True)


def read_up_to(document: Any, layer: str, box: Box) -> Raster:
    """What is seen in `box` when everything above the layer is taken away."""
    if not layers.is_anything_above(layers.find(document, layer)):
        document.waitForDone()
        return _raster(_document_space(document), bytes(document.pixelData(*box)), box)
    return _read_without(document, layer, box, itself=False)


def _read_without(document: Any, layer: str, box: Box, itself: bool) -> Raster:
    clone = document.clone()
    try:
        layers.hide_upwards(layers.find(clone, layer), itself)
        clone.refreshProjection()
        clone.waitForDone()
        return _raster(_document_space(clone), bytes(clone.pixelData(*box)), box)
    finally:
        clone.close()


def _is_seen_as_visible(action: Action, document: Any, node: Any) -> bool:
    """Whether the action takes what is seen of the image up to the layer, rather than what the layer alone holds.

    A layer that is seen by itself, or not at all, is read as it is: exactly, and beyond the canvas.
    """
    return (
        any(wanted.source is Source.VISIBLE for wanted in action.inputs)
        and layers.is_seen(node)
        and (layers.below_new(node) != node or not layers.is_plain(node) or layers.is_anything_below(node))
    )


def _region(action: Action, document: Any, node: Any) -> tuple[Box, Box]:
    """The box of the layer that travels, and the box of everything around it."""
    canvas = Box(0, 0, document.width(), document.height())
    box = canvas if _is_seen_as_visible(action, document, node) else _bounds(document, node)
    wanted = next((i for i in action.inputs if i.source is Source.SELECTION), None)
    selection = _selection_box(document) if wanted is not None else None
    if selection is not None and intersection(selection, box) is None:
        if wanted is not None and wanted.required:
            raise Refusal(
                f"The selection lies outside of the layer '{node.name()}'.",
                "Choose the layer it belongs to in the Layers docker, or move the selection.",
            )
        selection = None
    if action.extent is Extent.LAYER:
        return box, box
    if action.extent is Extent.SELECTION:
        part = intersection(grown(selection, action.margin, action.border), box) if selection else box
        return part or box, part or box
    seen = intersection(box, canvas)
    if seen is None:
        raise Refusal("The active layer lies outside of the image.", "Move it to where it belongs.")
    return seen, intersection(grown(seen, action.margin), canvas) or seen


def _meets(document: Any, box: Box) -> bool:
    selection = _selection_box(document)
    return selection is not None and intersection(selection, box) is not None


def _bounds(document: Any, node: Any) -> Box:
    """Where the layer holds anything. Rendered layers, which may have no end, are taken as far as the canvas goes."""
    rect = node.bounds()
    box: Box | None = Box(rect.x(), rect.y(), rect.width(), rect.height())
    canvas = Box(0, 0, document.width(), document.height())
    if node.type() == "filterlayer":
        return canvas  # which has no bounds of its own
    if box is not None and layers.is_rendered(node):
        box = intersection(box, canvas)
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


def _document_space(document: Any) -> ColorSpace:
    return ColorSpace(document.colorModel(), document.colorDepth(), document.colorProfile())


def _raster(space: ColorSpace, data: bytes, box: Box) -> Raster:
    """The pixels as they are; of a color model that Inlay has none for, converted to sRGB."""
    if space.format(linear=False) is None:
        data, space = in_srgb(space, data, box)
    pixel_format = space.format(is_linear(space.model, space.profile))
    assert pixel_format is not None  # it is RGBA or GRAYA by now
    profile = profile_bytes(space.model, space.profile)
    return Raster(pixel_format, box.width, box.height, data, box.x, box.y, profile)


def _check_node(node: Any) -> None:
    if not layers.holds_an_image(node):
        raise Refusal(f"The layer '{node.name()}' has no pixels.", "Choose a paint layer and try again.")


def _check_space(space: ColorSpace, name: str) -> None:
    if space.format(linear=False) is None:
        raise Refusal(
            f"'{name}' is {space.model.removesuffix('A')} {space.depth}. Selections and masks work on it; new layers "
            "are made on gray and RGB images.",
            "Convert it with Layer > Convert > Convert Layer Color Space.",
        )


def _check_parents(node: Any) -> None:
    parent = node.parentNode()
    while parent is not None and parent.parentNode() is not None:
        if parent.locked():
            raise Refusal(f"The group '{parent.name()}' is locked.", "Unlock it in the Layers docker and try again.")
        parent = parent.parentNode()
