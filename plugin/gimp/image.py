"""What an action needs of an image, as rasters: the active layer, the selection, the image below, another layer.

The user's image is only read here. What has to be taken apart is a duplicate, whose tiles GIMP shares until they
change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gi.repository import Gimp

from ..client.actions import Action, Extent, Source
from ..client.image import Box, Raster, bounds, grown, intersection
from . import buffers, fills


class ImageError(Exception):
    """The image is not what the action needs; the message says what to do."""


def selection_counts(action: Action, image: Any, layer: Any) -> bool:
    """Whether there is a selection, and it meets what the action works on."""
    selected = _selection(image)
    return selected is not None and intersection(selected, _area(action, image, layer)) is not None


def check_region(action: Action, image: Any, layer: Any) -> None:
    """Raises ImageError when what the action works on is not there to be seen: before anything is asked or sent."""
    if action.extent is Extent.OVERLAP:
        with as_seen(image, layer) as (_, seen):
            _overlap(action, image, seen)
    if any(wanted.source is Source.BELOW for wanted in action.inputs) and not fills.seen_below(image, layer):
        raise ImageError("Nothing is seen below the active layer. Put it above the image that it is blended into.")


def gather(action: Action, image: Any, layer: Any, others: dict[str, Any]) -> dict[str, Raster]:
    """The action's inputs by name, no larger than its extent asks. `others` are the layers chosen for inputs, by name.

    Raises ImageError when there is nothing to work on.
    """
    visible = any(wanted.source is Source.VISIBLE for wanted in action.inputs)
    look = as_visible if visible and fills.looks_further(image, layer) else as_seen
    with look(image, layer) as (seen_image, seen):
        return _gather(action, seen_image, seen, layer, others)


def _gather(action: Action, image: Any, layer: Any, active: Any, others: dict[str, Any]) -> dict[str, Raster]:
    own, context = _region(action, image, layer)
    profile = bytes(image.get_effective_color_profile().get_icc_profile())
    selected = _selection(image)
    found: dict[str, Raster] = {}
    for wanted in action.inputs:
        if wanted.source in (Source.LAYER, Source.VISIBLE):
            found[wanted.name] = buffers.read(layer, own, profile)
        elif wanted.source is Source.BELOW:
            found[wanted.name] = _read_below(active.get_image(), active, context, profile)
        elif wanted.source is Source.OTHER:
            if (chosen := others.get(wanted.name)) is not None:
                with as_seen(chosen.get_image(), chosen) as (_, seen):
                    found[wanted.name] = buffers.read(seen, _box(seen), profile)
        elif selected is not None and intersection(selected, _box(layer)) is not None:
            found[wanted.name] = buffers.read_selection(image.get_selection(), context)
        if wanted.required and wanted.name not in found:
            raise ImageError(f"{action.label} needs a {wanted.label.lower()}. Choose one, then try again.")
    return found


def _area(action: Action, image: Any, layer: Any) -> Box:
    """Where the action's image is."""
    visible = any(wanted.source is Source.VISIBLE for wanted in action.inputs)
    return fills.canvas(image) if visible and fills.looks_further(image, layer) else _box(layer)


def _selection(image: Any) -> Box | None:
    _, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    return Box(left, top, right - left, bottom - top) if selected else None


def _region(action: Action, image: Any, layer: Any) -> tuple[Box, Box]:
    """The box of the layer that travels, and the box of everything around it."""
    box = _box(layer)
    if action.extent is Extent.OVERLAP:
        return _overlap(action, image, layer)
    selected = _selection(image)
    if action.extent is Extent.SELECTION and selected is not None:
        part = intersection(grown(selected, action.margin, action.border), box) or box
        return part, part
    return box, box


def _overlap(action: Action, image: Any, layer: Any) -> tuple[Box, Box]:
    box = _box(layer)
    seen = (
        bounds(buffers.read_alpha(layer, box), box.width, box.height)
        if layer.has_alpha()
        else Box(0, 0, box.width, box.height)
    )
    if seen is None:
        raise ImageError("The active layer is transparent everywhere. Choose the layer that holds what is pasted.")
    visible = intersection(seen._replace(x=seen.x + box.x, y=seen.y + box.y), fills.canvas(image))
    if visible is None:
        raise ImageError("The active layer lies outside of the image. Move it to where it belongs.")
    context = intersection(grown(visible, action.margin), fills.canvas(image))
    assert context is not None  # it holds `visible`
    return visible, context


def _box(layer: Any) -> Box:
    _, x, y = layer.get_offsets()
    return Box(x, y, layer.get_width(), layer.get_height())


def _read_below(image: Any, layer: Any, box: Box, profile: bytes) -> Raster:
    """What is seen in `box` when the layer and everything above it are taken away."""
    with duplicate(image, layer) as (copy, twin):
        _remove_above(copy, twin, itself=True)
        seen = _projection(copy)
        return buffers.read(seen, box, profile)


def _remove_above(copy: Any, item: Any, itself: bool) -> None:
    """Remove everything above a layer from a copy, at every level, and perhaps the layer itself."""
    while item is not None:
        parent = item.get_parent()
        above = copy.get_item_position(item) + (1 if itself else 0)
        for sibling in fills.layers_beside(copy, item)[:above]:
            copy.remove_layer(sibling)
        item, itself = parent, False


def _projection(copy: Any) -> Any:
    """A new layer of a copy, as large as its canvas, with all that is seen of it."""
    if copy.get_base_type() == Gimp.ImageBaseType.INDEXED:
        copy.convert_rgb()
    seen = Gimp.Layer.new_from_visible(copy, copy, "seen")
    copy.insert_layer(seen, None, 0)
    return seen


@contextmanager
def as_visible(image: Any, layer: Any) -> Iterator[tuple[Any, Any]]:
    """A copy of the image, and a layer of it that holds what is seen of this layer, the fills above and all below."""
    with duplicate(image, fills.topmost(image, layer)) as (copy, twin):
        _remove_above(copy, twin, itself=False)
        yield copy, _projection(copy)


@contextmanager
def as_seen(image: Any, layer: Any) -> Iterator[tuple[Any, Any]]:
    """The image and the layer with its live filters and its mask applied: twins where there are any, else themselves.

    GIMP reads a layer without its filters, which can enlarge its box, and without its mask, which is a part of its
    alpha. A twin of an indexed image is in RGB.
    """
    masked = layer.get_mask() is not None and layer.get_apply_mask()
    filtered = any(each.get_visible() for each in layer.get_filters())
    indexed = image.get_base_type() == Gimp.ImageBaseType.INDEXED
    if not (masked or filtered or indexed):
        yield image, layer
        return
    with duplicate(image, layer) as (copy, twin):
        if indexed:
            copy.convert_rgb()
        if twin.is_group_layer() and (filtered or masked):
            twin = twin.merge()
        elif filtered:
            twin.merge_filters()
        if masked and twin.get_mask() is not None:
            twin.remove_mask(Gimp.MaskApplyMode.APPLY)
        yield copy, twin


@contextmanager
def duplicate(image: Any, layer: Any) -> Iterator[tuple[Any, Any]]:
    """A copy of the image to take apart, and the layer's twin in it; None for no layer."""
    copy = image.duplicate()
    try:
        copy.undo_disable()
        yield copy, twin_of(layer, image, copy) if layer is not None else None
    finally:
        copy.delete()


def twin_of(layer: Any, image: Any, copy: Any) -> Any:
    """The layer of a copy that is where this one is in the image."""
    path = []
    while layer is not None:
        path.append(image.get_item_position(layer))
        layer = layer.get_parent()
    twin: Any = copy.get_layers()[path.pop()]
    while path:
        twin = twin.get_children()[path.pop()]
    return twin
