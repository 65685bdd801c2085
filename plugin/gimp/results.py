"""What comes back becomes new layers, a selection or a layer mask: one step for Edit > Undo, nothing destroyed."""

from __future__ import annotations

from typing import Any

from gi.repository import Gegl, Gimp

from ..client.actions import ResultKind
from ..client.image import Box, Raster, intersection
from ..client.messages import Output, Result
from . import buffers
from .image import ImageError, check_anchored

_COMBINE = {
    "add": Gimp.ChannelOps.ADD,
    "subtract": Gimp.ChannelOps.SUBTRACT,
    "intersect": Gimp.ChannelOps.INTERSECT,
}


def apply(result: Result, image: Any, layer: Any, combine: str = "replace") -> list[Any]:
    """Put the result's outputs into the image; the new layers. `combine` is how a selection joins the current one.

    Raises ImageError when the user has changed the image so, in the meantime, that there is no place for them.
    """
    if not image.is_valid() or not layer.is_valid() or layer.get_image() != image:
        raise ImageError("The layer was removed while Inlay worked on it, so there is no place for the result.")
    check_anchored(image)
    layers = []
    image.undo_group_start()
    try:
        for output in result.outputs:
            if output.kind is ResultKind.SELECTION:
                _select(image, output.raster, combine)
            elif output.kind is ResultKind.LAYER_MASK:
                _add_mask(layer, output.raster)
            else:
                layers.append(_add_layer(image, layer, output))
    finally:
        image.undo_group_end()
    return layers


def _add_layer(image: Any, below: Any, output: Output) -> Any:
    raster = output.raster
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    if raster.format.has_alpha:
        kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    else:
        kind = Gimp.ImageType.GRAY_IMAGE if gray else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, output.name, raster.width, raster.height, kind, 100.0, Gimp.LayerMode.NORMAL)
    layer.set_offsets(raster.x, raster.y)
    buffers.write(layer, raster)
    image.insert_layer(layer, below.get_parent(), image.get_item_position(below))
    return layer


def _select(image: Any, raster: Raster, how: str) -> None:
    # A rectangle makes the undo step and the bytes follow: in GIMP 3.2 the undoing of a step that adds and removes a
    # channel leaves no layer active.
    if how != "replace":
        raster = _joined(image, raster, how)
    box = intersection(raster.box, Box(0, 0, image.get_width(), image.get_height()))
    if box is None or not bytes(raster.data).strip(b"\0"):
        Gimp.Selection.none(image)
        return
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
    buffers.write_mask(image.get_selection(), raster, origin=(0, 0))


def _joined(image: Any, raster: Raster, how: str) -> Raster:
    """What the selection would be, on the whole canvas, once the raster has joined it."""
    canvas = Box(0, 0, image.get_width(), image.get_height())
    scratch = Gimp.Image.new_with_precision(canvas.width, canvas.height, image.get_base_type(), image.get_precision())
    try:
        scratch.undo_disable()
        selection = scratch.get_selection()
        buffers.write_mask(selection, buffers.read_selection(image.get_selection(), canvas), (0, 0))
        channel = Gimp.Channel.new(scratch, "Inlay", canvas.width, canvas.height, 100.0, Gegl.Color.new("black"))
        scratch.insert_channel(channel, None, 0)
        buffers.write_mask(channel, raster, (0, 0))
        scratch.select_item(_COMBINE[how], channel)
        return buffers.read_selection(selection, canvas)
    finally:
        scratch.delete()


def _add_mask(layer: Any, raster: Raster) -> None:
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    _, x, y = layer.get_offsets()
    buffers.write_mask(mask, raster, origin=(x, y))
