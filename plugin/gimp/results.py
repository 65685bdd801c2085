"""What comes back becomes new layers, a selection or a layer mask: one step for Edit > Undo, nothing destroyed."""

from __future__ import annotations

from typing import Any

from gi.repository import Gegl, Gimp

from ..client.actions import ResultKind
from ..client.image import Raster
from ..client.messages import Output, Result
from . import buffers
from .image import ImageError, check_anchored

_COMBINE = {
    "replace": Gimp.ChannelOps.REPLACE,
    "add": Gimp.ChannelOps.ADD,
    "subtract": Gimp.ChannelOps.SUBTRACT,
    "intersect": Gimp.ChannelOps.INTERSECT,
}


def apply(result: Result, image: Any, layer: Any, combine: str = "replace") -> list[Any]:
    """Put the result's outputs into the image; the new layers. `combine` is how a selection joins the current one.

    Raises ImageError when the person has changed the image so, in the meantime, that there is no place for them.
    """
    if not image.is_valid() or not layer.is_valid() or layer.get_image() != image:
        raise ImageError("The layer was removed while Inlay worked on it, so there is no place for the result.")
    check_anchored(image)
    layers = []
    image.undo_group_start()
    try:
        for output in result.outputs:
            if output.kind is ResultKind.SELECTION:
                _select(image, output.raster, _COMBINE[combine])
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


def _select(image: Any, raster: Raster, how: Any) -> None:
    # A selection of its own cannot be set from bytes: they go through a channel, which is gone again afterwards.
    channel = Gimp.Channel.new(
        image, "Inlay", image.get_width(), image.get_height(), 100.0, Gegl.Color.new("black")
    )  # fmt: skip
    active = image.get_selected_layers()
    image.insert_channel(channel, None, 0)
    buffers.write_mask(channel, raster, origin=(0, 0))
    image.select_item(how, channel)
    image.remove_channel(channel)
    image.set_selected_layers(active)


def _add_mask(layer: Any, raster: Raster) -> None:
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    _, x, y = layer.get_offsets()
    buffers.write_mask(mask, raster, origin=(x, y))
