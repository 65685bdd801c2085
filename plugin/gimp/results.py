"""What comes back becomes new layers, a selection or a layer mask: one step for Edit > Undo, nothing destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gi.repository import Gegl, Gimp

from ..client.actions import ResultKind
from ..client.image import Box, PixelFormat, Raster, intersection
from ..client.messages import Output, Result
from . import buffers, checks, fills
from .image import ImageError

_COMBINE = {
    "add": Gimp.ChannelOps.ADD,
    "subtract": Gimp.ChannelOps.SUBTRACT,
    "intersect": Gimp.ChannelOps.INTERSECT,
}


NOTHING = "Nothing is left to select with these settings; the selection is as it was."


@dataclass(frozen=True, slots=True)
class Applied:
    """What a result has become."""

    notes: list[str]  # sentences for the user
    layers: list[Any]  # the new ones, in the outputs' order


def apply(
    result: Result, image: Any, layer: Any, combine: str = "replace", fill: bool = False, hide: bool = False
) -> Applied:
    """Put the result's outputs into the image.

    `combine` is how a selection joins the current one. A `fill` goes above the fills that lie on the layer already;
    with `hide` the layer is hidden below the new one. Of several new layers the first is what the user goes on with: it
    becomes the active one, and of several fills the only visible one. Raises ImageError when the user has changed the
    image so, in the meantime, that there is no place.
    """
    if not image.is_valid() or not layer.is_valid() or layer.get_image() != image:
        raise ImageError("The layer was removed while Inlay worked on it, so there is no place for the result.")
    checks.check_anchored(image)
    notes = list(result.notes)
    layers = []
    image.undo_group_start()
    try:
        below = fills.topmost(image, layer) if fill else layer
        for output in result.outputs:
            if output.kind is ResultKind.SELECTION:
                if not _select(image, output.raster, combine):
                    notes.append(NOTHING)
            elif output.kind is ResultKind.LAYER_MASK:
                _add_mask(layer, output.raster)
            else:
                layers.append(_add_layer(image, below, output, fill))
                layers[-1].set_visible(not fill or len(layers) == 1)
        if layers:
            image.set_selected_layers(layers[:1])
        if layers and hide:
            layer.set_visible(False)
    finally:
        image.undo_group_end()
    return Applied(notes, layers)


def apply_again(result: Result, image: Any, layers: list[Any], before: Raster | None, combine: str) -> None:
    """Put a result in the place of an earlier one, within the step of Edit > Undo that it is.

    Args:
        result: of the same action with other settings.
        image: where the earlier one is.
        layers: what the earlier one has become, in the outputs' order.
        before: the selection that there was before it; None where nothing was selected.
        combine: how a selection joins that one.

    Raises:
        ImageError: the outputs are others than before, or nothing would be selected; then nothing has changed.
    """
    new = [output for output in result.outputs if output.kind is ResultKind.LAYER]
    if len(new) != len(layers):
        raise ImageError("The result has other layers with these settings. Undo it and run the action again.")
    image.undo_freeze()  # layers may become larger or smaller, which would be steps of their own
    try:
        for layer, output in zip(layers, new, strict=True):
            _fill_again(layer, output)
    finally:
        image.undo_thaw()
    for output in result.outputs:
        if output.kind is ResultKind.SELECTION:
            raster = output.raster
            if combine != "replace":
                raster = _joined(image, before or nothing(image), raster, combine)
            if not bytes(raster.data).strip(b"\0"):
                raise ImageError(NOTHING)
            selection = image.get_selection()
            buffers.write_mask(selection, nothing(image), origin=(0, 0))
            buffers.write_mask(selection, raster, origin=(0, 0))


def _fill_again(layer: Any, output: Output) -> None:
    raster, (_, x, y) = output.raster, layer.get_offsets()
    if (x, y, layer.get_width(), layer.get_height()) != tuple(raster.box):
        layer.resize(raster.width, raster.height, x - raster.x, y - raster.y)
    buffers.write(layer, raster)
    layer.set_name(output.name)


def nothing(image: Any) -> Raster:
    """An empty selection of the whole canvas."""
    canvas = fills.canvas(image)
    return Raster(PixelFormat("Y", "u8"), canvas.width, canvas.height, bytes(canvas.width * canvas.height))


def _add_layer(image: Any, below: Any, output: Output, fill: bool) -> Any:
    raster = output.raster
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    if raster.format.has_alpha:
        kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    else:
        kind = Gimp.ImageType.GRAY_IMAGE if gray else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, output.name, raster.width, raster.height, kind, 100.0, Gimp.LayerMode.NORMAL)
    layer.set_offsets(raster.x, raster.y)
    buffers.write(layer, raster)
    if fill:
        fills.mark(layer)
    image.insert_layer(layer, below.get_parent(), image.get_item_position(below))
    return layer


def _select(image: Any, raster: Raster, how: str) -> bool:
    """Whether anything is selected by it; if not, the selection stays as it was."""
    # A rectangle makes the undo step and the bytes follow: in GIMP 3.2 the undoing of a step that adds and removes a
    # channel leaves no layer active.
    if how != "replace":
        current = buffers.read_selection(image.get_selection(), fills.canvas(image))
        raster = _joined(image, current, raster, how)
    box = intersection(raster.box, fills.canvas(image))
    if box is None or not bytes(raster.data).strip(b"\0"):
        return False
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
    buffers.write_mask(image.get_selection(), raster, origin=(0, 0))
    return True


def _joined(image: Any, current: Raster, raster: Raster, how: str) -> Raster:
    """What a mask or selection would be, in its own box, once the raster has joined it."""
    box = current.box
    scratch = Gimp.Image.new_with_precision(box.width, box.height, image.get_base_type(), image.get_precision())
    try:
        scratch.undo_disable()
        selection = scratch.get_selection()
        buffers.write_mask(selection, current.at(0, 0), (0, 0))
        channel = Gimp.Channel.new(scratch, "Inlay", box.width, box.height, 100.0, Gegl.Color.new("black"))
        scratch.insert_channel(channel, None, 0)
        buffers.write_mask(channel, raster.at(raster.x - box.x, raster.y - box.y), (0, 0))
        scratch.select_item(_COMBINE[how], channel)
        return buffers.read_selection(selection, Box(0, 0, box.width, box.height)).at(box.x, box.y)
    finally:
        scratch.delete()


def _add_mask(layer: Any, raster: Raster) -> None:
    """Give the layer a mask. What one that it has already hides stays hidden."""
    _, x, y = layer.get_offsets()
    if (present := layer.get_mask()) is not None:
        box = Box(x, y, layer.get_width(), layer.get_height())
        raster = _joined(layer.get_image(), buffers.read_mask(present, box), raster, "intersect")
        layer.remove_mask(Gimp.MaskApplyMode.DISCARD)
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    buffers.write_mask(mask, raster, origin=(x, y))
