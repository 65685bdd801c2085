"""What a result would make of the image, as a thumbnail: put into a copy of the image, which is thrown away."""

from __future__ import annotations

from typing import Any

from gi.repository import Gegl, Gimp

from ..client.actions import Action, ResultKind, Source
from ..client.image import Box, grown, intersection
from ..client.messages import Result
from . import fills, results
from .image import duplicate

_OVERLAY = "rgb(0.8, 0.1, 0.1)"
_OPACITY = 60.0
_AROUND = 0.6  # of the longer side of what changes, shown around it


def thumbnail(image: Any, box: Box, size: int) -> Any:
    """A GdkPixbuf of what is seen of the image in a box."""
    with duplicate(image, None) as (copy, _):
        return _pixbuf(copy, box, size)


def thumbnail_with(result: Result, action: Action, image: Any, layer: Any, combine: str, box: Box, size: int) -> Any:
    """The same with the result in place. What is not selected is shown in red, what was cut out on its own."""
    with duplicate(image, layer) as (copy, twin):
        if action.result is not ResultKind.SELECTION:
            Gimp.Selection.none(copy)
        fill = any(wanted.source is Source.VISIBLE for wanted in action.inputs)
        results.apply(result, copy, twin, combine, fill=fill, hide=action.hides_layer)
        if action.result is ResultKind.SELECTION:
            _cover_unselected(copy)
        elif action.menu == "Cut Out":
            for other in copy.get_layers():
                other.set_visible(other == copy.get_selected_layers()[0])
        return _pixbuf(copy, box, size)


def changed(result: Result, action: Action, image: Any) -> Box:
    """What of the image to show: where the new layers are and some of what is around them; else all of it."""
    canvas = fills.canvas(image)
    boxes = [output.raster.box for output in result.outputs if output.kind is ResultKind.LAYER]
    if not boxes or action.menu == "Cut Out":
        return canvas
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return intersection(grown(Box(left, top, right - left, bottom - top), _AROUND, 32), canvas) or canvas


def _cover_unselected(copy: Any) -> None:
    Gimp.Selection.invert(copy)
    if Gimp.Selection.is_empty(copy):
        return
    gray = copy.get_base_type() == Gimp.ImageBaseType.GRAY
    if copy.get_base_type() == Gimp.ImageBaseType.INDEXED:
        copy.convert_rgb()
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    canvas = fills.canvas(copy)
    cover = Gimp.Layer.new(copy, "cover", canvas.width, canvas.height, kind, _OPACITY, Gimp.LayerMode.NORMAL)
    copy.insert_layer(cover, None, 0)
    Gimp.context_push()
    Gimp.context_set_foreground(Gegl.Color.new(_OVERLAY))
    cover.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.context_pop()


def _pixbuf(copy: Any, box: Box, size: int) -> Any:
    if box != fills.canvas(copy):
        copy.crop(box.width, box.height, box.x, box.y)
    scale = min(1.0, size / max(box.width, box.height))
    width, height = max(1, round(scale * box.width)), max(1, round(scale * box.height))
    return copy.get_thumbnail(width, height, Gimp.PixbufTransparency.LARGE_CHECKS)
