"""Pixels of GIMP's drawables as bytes, and back, without a conversion wherever the wire has the layer's own format.

Samples travel in the color space of the image, with the tone curve of its precision. The wire has no 32-bit integers
and no doubles: those travel as 32-bit floats, which keeps integers to 3 parts in 10^8 and doubles to 1 in 10^6.
"""

from __future__ import annotations

from typing import Any

from gi.repository import Babl, Gegl

from ..client.image import Box, PixelFormat, Raster, intersection

_DEPTHS = {"u8": "u8", "u16": "u16", "u32": "f32", "half": "f16", "float": "f32", "double": "f32"}
_SAMPLES = {"u8": "u8", "u16": "u16", "f16": "half", "f32": "float"}
_MODELS = {"Y": "Y{0}", "YA": "Y{0}A", "RGB": "R{0}G{0}B{0}", "RGBA": "R{0}G{0}B{0}A"}


def wire_format(babl_format: Any) -> PixelFormat:
    """How pixels of this babl format travel."""
    model, sample = Babl.format_get_encoding(babl_format).split()
    channels = model.replace("'", "").replace("~", "")
    return PixelFormat(channels, _DEPTHS[sample], linear="'" not in model and "~" not in model)


def babl_name(wire: PixelFormat, own_format: Any) -> str:
    """Name of the babl format that reads `wire` in the color space and tone curve of a drawable's `own_format`.

    Raises ValueError for the orders that GIMP does not have (BGR).
    """
    if wire.channels not in _MODELS:
        raise ValueError(f"GIMP has no pixels in the order {wire.channels}")
    curve = "" if wire.linear else ("~" if "~" in Babl.format_get_encoding(own_format) else "'")
    encoding = f"{_MODELS[wire.channels].format(curve)} {_SAMPLES[wire.depth]}"
    return str(Babl.get_name(Babl.format_with_space(encoding, Babl.format_get_space(own_format))))


def read(drawable: Any, box: Box, profile: bytes = b"") -> Raster:
    """The drawable's pixels in `box` (image coordinates); what lies outside of the drawable is zero."""
    own_format = drawable.get_format()
    wire = wire_format(own_format)
    return Raster(wire, box.width, box.height, _get(drawable, box, babl_name(wire, own_format)), box.x, box.y, profile)


def read_alpha(drawable: Any, box: Box) -> bytes:
    """One byte of alpha a pixel."""
    return _get(drawable, box, "A u8")


def read_selection(selection: Any, box: Box) -> Raster:
    """The selection in `box`: 0 outside of it .. 255 fully inside."""
    return Raster(PixelFormat("Y", "u8"), box.width, box.height, _get(selection, box, "Y u8"), box.x, box.y)


def read_mask(mask: Any, box: Box) -> Raster:
    """A layer mask in `box`: the numbers it holds, 0 hidden .. 255 shown."""
    model = Babl.format_get_encoding(mask.get_format()).split()[0]
    return Raster(PixelFormat("Y", "u8"), box.width, box.height, _get(mask, box, f"{model} u8"), box.x, box.y)


def write(drawable: Any, raster: Raster) -> None:
    """Set a layer's pixels to `raster`, from its top left corner on."""
    _set(drawable, Box(0, 0, raster.width, raster.height), babl_name(raster.format, drawable.get_format()), raster)


def write_mask(mask: Any, raster: Raster, origin: tuple[int, int]) -> None:
    """Set a channel or a layer mask, whose top left corner is at `origin`, to a gray raster as it is.

    The raster's numbers are coverage, not light: they are written in the tone curve that the mask itself has.

    Raises ValueError when the raster is not gray.
    """
    if raster.format.channels != "Y":
        raise ValueError(f"a mask must be gray, not {raster.format}")
    model = Babl.format_get_encoding(mask.get_format()).split()[0]
    box = intersection(raster.box, Box(*origin, mask.get_width(), mask.get_height()))
    if box is not None:  # GIMP ends a plug-in that writes beyond a drawable
        inside = box._replace(x=box.x - origin[0], y=box.y - origin[1])
        _set(mask, inside, f"{model} {_SAMPLES[raster.format.depth]}", _part(raster, box))


def _part(raster: Raster, box: Box) -> Raster:
    if box == raster.box:
        return raster
    view, step = memoryview(raster.data).cast("B"), raster.format.bytes_per_pixel
    starts = [
        (row * raster.width + box.x - raster.x) * step for row in range(box.y - raster.y, box.y - raster.y + box.height)
    ]
    data = b"".join(view[start : start + box.width * step] for start in starts)
    return Raster(raster.format, box.width, box.height, data, box.x, box.y, raster.profile)


def _get(drawable: Any, box: Box, name: str) -> bytes:
    _, x, y = drawable.get_offsets()
    rectangle = Gegl.Rectangle.new(box.x - x, box.y - y, box.width, box.height)
    data: bytes = drawable.get_buffer().get(rectangle, 1.0, name, Gegl.AbyssPolicy.NONE)
    return data


def _set(drawable: Any, box: Box, name: str, raster: Raster) -> None:
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(*box), name, bytes(raster.data))
    buffer.flush()
    drawable.update(*box)
