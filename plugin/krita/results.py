"""What comes back becomes new layers, a selection or a transparency mask: one step for Edit > Undo each.

PyKrita changes pixels and selections without an undo step, and its steps cannot be grouped. So a layer is filled before
it is added, and several are put in a group first. From Krita 5.3 on setting a selection is an undo step. Before,
a selection is set right after the undoable action Deselect, whose undoing brings the former selection back whatever has
been selected since; `undo_watch` sees to Redo. A mask is added by Krita's own action and filled then.
docs/krita.md tells what else was tried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from krita import Krita, Selection

from ..client.actions import ResultKind
from ..client.messages import Output, Result
from . import color_spaces, layers
from .compat import QtCore
from .document import Origin, Refusal
from .hidden_document import hidden_document
from .undo_watch import selected, watcher


def is_due(result: Result, origin: Origin) -> bool:
    """Whether `apply` can do its work now.

    Krita's own actions, through which selections and masks come to be undoable, work on the image in front; a result
    of this kind for another image waits until the user goes back to it.
    """
    in_front = Krita.instance().activeDocument() == origin.document
    return in_front or not origin.is_open() or all(output.kind is ResultKind.LAYER for output in result.outputs)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a result has become."""

    notes: tuple[str, ...] = ()  # sentences for the user
    layers: tuple[str, ...] = ()  # unique ids of the new layers, in the outputs' order: the one to go on with is first
    mask: bool = False  # whether it is a mask
    before: Any = None  # the selection that there was, a krita.Selection
    selected: bytes = b""  # the selection that was set, over the canvas


def apply(result: Result, origin: Origin, combine: str) -> Applied:
    """Put the outputs of a result that is due into the document they came from.

    `combine` ("replace", "add", "subtract", "intersect") is how a selection joins the current one. Raises Refusal when
    the document or layer is gone or an output does not fit; then nothing has changed.
    """
    if not origin.is_open():
        raise Refusal(f"'{origin.title}' was closed before the result came.", "Open it and run the action again.")
    notes = list(result.notes)
    added: tuple[str, ...] = ()
    mask = any(output.kind is ResultKind.LAYER_MASK for output in result.outputs)
    current = origin.document.selection()
    before, chosen = current.duplicate() if current is not None else None, b""
    try:
        if new := [output for output in result.outputs if output.kind is ResultKind.LAYER]:
            more, added = _add_layers(origin, new)
            notes += more
        for output in result.outputs:
            if output.kind is ResultKind.SELECTION:
                notes += _select(origin.document, output, combine, before)
                chosen = selected(origin.document)
            elif output.kind is ResultKind.LAYER_MASK:
                notes += _add_mask(origin, output)
    except ValueError as error:
        raise Refusal(f"The result does not fit: {error}.", "Please report this.") from error
    return Applied(tuple(notes), added, mask, before, chosen)


def is_as_applied(origin: Origin, applied: Applied) -> bool:
    """Whether a result is still in its document, and a selection still the one that was set."""
    if applied.layers:
        return all(layers.find(origin.document, name) is not None for name in applied.layers)
    return bool(applied.selected) and selected(origin.document) == applied.selected


def apply_again(result: Result, origin: Origin, combine: str, applied: Applied) -> Applied:
    """Put a result in the place of the one that `applied` is, without a step for Edit > Undo.

    Raises Refusal when an output does not fit, and ValueError.
    """
    document, chosen = origin.document, b""
    nodes = [layers.find(document, name) for name in applied.layers]
    new = [output for output in result.outputs if output.kind is ResultKind.LAYER]
    if len(nodes) != len(new):
        raise Refusal("The result has other layers than before.", "Undo it and run the action again.")
    for node, output in zip(nodes, new, strict=True):
        _fill_again(node, output)
    for output in result.outputs:
        if output.kind is ResultKind.SELECTION:
            _select_again(document, _joined(output, combine, applied.before))
            chosen = selected(document)
    if nodes:
        document.refreshProjection()
    return replace(applied, notes=result.notes, selected=chosen)


def _select_again(document: Any, selection: Any) -> None:
    outlined = _outlined(selection, document.width(), document.height())
    if set_selection_is_undoable():
        current, canvas = document.selection(), (0, 0, document.width(), document.height())
        current.setPixelData(outlined.pixelData(*canvas), *canvas)
        current.subtract(_without_outline())
    else:
        document.setSelection(outlined)
        watcher().replace(document, outlined)


def _fill_again(node: Any, output: Output) -> None:
    box = node.bounds()
    space = color_spaces.ColorSpace(node.colorModel(), node.colorDepth(), node.colorProfile())
    target = space.format(output.raster.format.linear)
    if target is None or target.depth != output.raster.format.depth:
        raise Refusal(f"'{node.name()}' has another color space by now.", "Undo it and run the action again.")
    empty = bytes(max(0, box.width() * box.height()) * target.bytes_per_pixel)
    if empty:
        node.setPixelData(QtCore.QByteArray(empty), box.x(), box.y(), box.width(), box.height())
    node.setPixelData(QtCore.QByteArray(color_spaces.arranged(output.raster, target.channels)), *output.raster.box)
    node.setName(output.name)


def _add_layers(origin: Origin, outputs: list[Output]) -> tuple[list[str], tuple[str, ...]]:
    """Add the outputs as one step: a layer, or a group of them with the first on top."""
    document, notes = origin.document, []
    above = layers.find(document, origin.top) or origin.node()
    if above is None:
        notes = [f"The layer '{origin.layer_name}' is gone; the new layer lies on top."]
        above = [n for n in document.rootNode().childNodes() if not layers.is_mask(n)][-1]
    with hidden_document() as scratch:  # what is put together there makes no steps in the document
        added = [_filled_layer(scratch, output, origin) for output in outputs]
        new = added[0]
        if len(added) > 1:
            variants = all(layers.is_fill(output.name) for output in outputs)
            name = layers.variants(len(outputs)) if variants else f"{outputs[0].name} with shadow"
            new = scratch.createGroupLayer(name)
            for number, layer in reversed(list(enumerate(added))):
                layer.setVisible(not variants or number == 0)
                new.addChildNode(layer, None)
        above.parentNode().addChildNode(new, above)
    document.waitForDone()
    return notes, tuple(layer.uniqueId().toString() for layer in added)


def _filled_layer(document: Any, output: Output, origin: Origin) -> Any:
    raster = output.raster
    space = color_spaces.space_for(raster.format, origin.space)
    target = space.format(raster.format.linear)
    assert target is not None  # every raster's format has one
    layer = document.createNode(output.name, "paintlayer")
    if color_spaces.ColorSpace(layer.colorModel(), layer.colorDepth(), layer.colorProfile()) != space:
        layer.setColorSpace(space.model, space.depth, space.profile)
    layer.setPixelData(QtCore.QByteArray(color_spaces.arranged(raster, target.channels)), *raster.box)
    return layer


def _select(document: Any, output: Output, combine: str, current: Any) -> list[str]:
    if not color_spaces.coverage(output.raster).strip(b"\0"):
        return ["Nothing was found to select; the selection is as it was."]
    if current is None and combine in ("subtract", "intersect"):
        return [f"There was no selection to {combine} with, so nothing is selected."]
    selection = _joined(output, combine, current)
    outlined = _outlined(selection, document.width(), document.height())
    if set_selection_is_undoable():
        document.setSelection(outlined)
    else:
        watcher().set_after_deselect(document, outlined)
    return []


def _joined(output: Output, combine: str, current: Any) -> Any:
    """The selection that an output makes of the current one."""
    selection = Selection()
    selection.setPixelData(QtCore.QByteArray(color_spaces.coverage(output.raster)), *output.raster.box)
    if current is None or combine == "replace":
        return selection
    joined = current.duplicate()
    getattr(joined, combine)(selection)
    return joined


def set_selection_is_undoable() -> bool:
    """Whether `Document.setSelection` makes an undo step of its own, as it does from Krita 5.3 on."""
    numbers = re.findall(r"\d+", Krita.instance().version())
    return [int(number) for number in numbers[:2]] >= [5, 3]


def _outlined(selection: Any, width: int, height: int) -> Any:
    """The selection, cut to the canvas, with its outline forgotten, so that Krita draws it anew.

    `Selection.setPixelData` leaves the outline of what was there before. What takes part in an operation with a
    selection without an outline has none, either.
    """
    cut = selection.duplicate()
    if cut.x() < 0 or cut.y() < 0 or cut.x() + cut.width() > width or cut.y() + cut.height() > height:
        canvas = Selection()
        canvas.select(0, 0, width, height, 255)
        cut.intersect(canvas)
    cut.subtract(_without_outline())
    return cut


@lru_cache(maxsize=1)
def _without_outline() -> Any:
    """One pixel outside of every canvas, selected, with no outline known: a crop makes Krita forget it."""
    with hidden_document() as scratch:
        scratch.resizeImage(0, 0, 2, 2)
        scratch.waitForDone()
        pixel = Selection()
        pixel.select(0, 0, 1, 1, 255)
        scratch.setSelection(pixel)
        scratch.waitForDone()
        scratch.crop(0, 0, 1, 1)
        scratch.waitForDone()
        found = scratch.selection().duplicate()
        found.move(-1, -1)
        return found


def _add_mask(origin: Origin, output: Output) -> list[str]:
    """Add a transparency mask, with the current selection, as Krita does; then fill it."""
    document, node, raster = origin.document, origin.node(), output.raster
    cover = QtCore.QByteArray(color_spaces.coverage(raster))
    if node is None:
        raise Refusal(f"The layer '{origin.layer_name}' was removed before its mask came.", "Run the action again.")
    before = {n.uniqueId().toString() for n in node.childNodes()}
    document.setActiveNode(node)
    Krita.instance().action("add_new_transparency_mask").trigger()
    document.waitForDone()
    mask = next((n for n in layers.walk(node) if n.uniqueId().toString() not in before), None)
    if mask is None:
        raise Refusal("Krita did not add the mask.", f"Unlock the layer '{origin.layer_name}' and try again.")
    bounds = mask.bounds()
    clear = bounds.x(), bounds.y(), bounds.width(), bounds.height()
    mask.setPixelData(QtCore.QByteArray(bytes(max(0, clear[2] * clear[3]))), *clear)
    mask.setPixelData(cover, *raster.box)
    mask.setName(output.name)
    document.refreshProjection()
    return []
