"""What comes back becomes new layers, a selection or a transparency mask: one step for Edit > Undo each.

PyKrita changes pixels and selections without an undo step, and its steps cannot be grouped. So a layer is filled before
it is added. From Krita 5.3 on setting a selection is an undo step. Before, a selection is set right after the undoable
action Deselect, whose undoing brings the former selection back whatever has been selected since; only Redo then ends
with nothing selected. A mask is added by Krita's own
action and filled then. docs/krita.md tells what else was tried.
"""

from __future__ import annotations

import re
from typing import Any

from krita import Krita, Selection

from ..client.actions import ResultKind
from ..client.messages import Output, Result
from . import color_spaces
from .compat import QtCore
from .document import Origin, Refusal, walk


def is_due(result: Result, origin: Origin) -> bool:
    """Whether `apply` can do its work now.

    Krita's own actions, through which selections and masks come to be undoable, work on the image in front; a result
    of this kind for another image waits until the user goes back to it.
    """
    in_front = Krita.instance().activeDocument() == origin.document
    return in_front or not origin.is_open() or all(output.kind is ResultKind.LAYER for output in result.outputs)


def apply(result: Result, origin: Origin, combine: str) -> list[str]:
    """Put the outputs of a result that is due into the document they came from; sentences for the user.

    `combine` ("replace", "add", "subtract", "intersect") is how a selection joins the current one. Raises Refusal when
    the document or layer is gone or an output does not fit; then nothing has changed.
    """
    if not origin.is_open():
        raise Refusal(f"'{origin.title}' was closed before the result came.", "Open it and run the action again.")
    notes = list(result.notes)
    try:
        for output in result.outputs:
            if output.kind is ResultKind.SELECTION:
                notes += _select(origin.document, output, combine)
            elif output.kind is ResultKind.LAYER_MASK:
                notes += _add_mask(origin, output)
            else:
                notes += _add_layer(origin, output)
    except ValueError as error:
        raise Refusal(f"The result does not fit: {error}.", "Please report this.") from error
    return notes


def _add_layer(origin: Origin, output: Output) -> list[str]:
    raster, document = output.raster, origin.document
    space = color_spaces.space_for(raster.format, origin.space)
    target = space.format(raster.format.linear)
    assert target is not None  # every raster's format has one
    layer = document.createNode(output.name, "paintlayer")
    if color_spaces.ColorSpace(layer.colorModel(), layer.colorDepth(), layer.colorProfile()) != space:
        layer.setColorSpace(space.model, space.depth, space.profile)
    layer.setPixelData(QtCore.QByteArray(color_spaces.arranged(raster, target.channels)), *raster.box)
    above = origin.node()
    notes: list[str] = []
    if above is None:
        notes = [f"The layer '{origin.layer_name}' is gone; the new layer lies on top."]
        above = [n for n in document.rootNode().childNodes() if not n.type().endswith("mask")][-1]
    above.parentNode().addChildNode(layer, above)
    document.waitForDone()
    return notes


def _select(document: Any, output: Output, combine: str) -> list[str]:
    cover = color_spaces.coverage(output.raster)
    if not cover.strip(b"\0"):
        return ["Nothing was found to select; the selection is as it was."]
    selection = Selection()
    selection.setPixelData(QtCore.QByteArray(cover), *output.raster.box)
    current = document.selection()
    if current is None and combine in ("subtract", "intersect"):
        return [f"There was no selection to {combine} with, so nothing is selected."]
    if current is not None and combine != "replace":
        joined = current.duplicate()
        getattr(joined, combine)(selection)
        selection = joined
    if not set_selection_is_undoable():
        Krita.instance().action("deselect").trigger()
        document.waitForDone()
    document.setSelection(_outlined(selection, document.width(), document.height()))
    return []


def set_selection_is_undoable() -> bool:
    """Whether `Document.setSelection` makes an undo step of its own, as it does from Krita 5.3 on."""
    numbers = re.findall(r"\d+", Krita.instance().version())
    return [int(number) for number in numbers[:2]] >= [5, 3]


def _outlined(selection: Any, width: int, height: int) -> Any:
    """The selection, cut to the canvas, with its outline forgotten, so that Krita draws it anew.

    `Selection.setPixelData` leaves the outline of what was there before. A crop does not, so one is done out of sight.
    """
    scratch = Krita.instance().createDocument(width + 1, height + 1, "selection", "GRAYA", "U8", "", 72.0)
    scratch.setSelection(selection)
    scratch.waitForDone()
    scratch.crop(0, 0, width, height)
    scratch.waitForDone()
    found = scratch.selection().duplicate()
    scratch.close()
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
    mask = next((n for n in walk(node) if n.uniqueId().toString() not in before), None)
    if mask is None:
        raise Refusal("Krita did not add the mask.", f"Unlock the layer '{origin.layer_name}' and try again.")
    bounds = mask.bounds()
    clear = bounds.x(), bounds.y(), bounds.width(), bounds.height()
    mask.setPixelData(QtCore.QByteArray(bytes(max(0, clear[2] * clear[3]))), *clear)
    mask.setPixelData(cover, *raster.box)
    mask.setName(output.name)
    document.refreshProjection()
    return []
