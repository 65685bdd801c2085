"""What an action needs of an image, as rasters: the active layer, the selection, the image below, another layer.

The user's image is only read here. What has to be taken apart is a duplicate, whose tiles GIMP shares until they
change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gi.repository import Gimp

from ..client.actions import Action, Extent, ResultKind, Source
from ..client.image import Box, Raster, bounds, grown, intersection
from . import buffers


class ImageError(Exception):
    """The image is not what the action needs; the message says what to do."""


def active_layer(action: Action, image: Any, drawables: list[Any]) -> Any:
    """The layer to work on. Raises ImageError, before anything is sent, when `action` cannot be done on this image."""
    if len(drawables) != 1:
        raise ImageError(f"{action.label} works on one layer, but {len(drawables)} are chosen. Choose one layer.")
    layer = drawables[0]
    if layer.is_layer_mask():
        layer = Gimp.Layer.from_mask(layer)
    if not layer.is_layer():
        raise ImageError(f"{action.label} works on a layer, not on a channel. Choose a layer.")
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise ImageError(f"{action.label} needs a color or gray image, this one is indexed. Choose Image > Mode > RGB.")
    check_anchored(image)
    if action.result is ResultKind.LAYER_MASK:
        check_mask_can_be_set(layer)
    if action.result is ResultKind.LAYER and (group := _locked_group(layer)) is not None:
        raise ImageError(f"The group '{group.get_name()}' is locked. Unlock it in the Layers dialog.")
    if Gimp.Selection.is_empty(image) and any(i.source is Source.SELECTION and i.required for i in action.inputs):
        raise ImageError("Nothing is selected. Draw a selection roughly around what you mean, then try again.")
    return layer


def check_anchored(image: Any) -> None:
    """Raises ImageError when the image has a floating selection: GIMP takes no new layers then."""
    if image.get_floating_sel() is not None:
        raise ImageError("The image has a floating selection. Choose Layer > Anchor Layer or Layer > To New Layer.")


def check_mask_can_be_set(layer: Any) -> None:
    """Raises ImageError when the layer has a mask already, or takes none."""
    if layer.get_mask() is not None:
        raise ImageError("The layer has a mask already. Choose Layer > Mask > Apply or Delete Layer Mask first.")
    if layer.get_lock_content():
        raise ImageError("The layer's pixels are locked. Unlock them in the Layers dialog.")


def gather(action: Action, image: Any, layer: Any, other: Callable[[str], Any]) -> dict[str, Raster]:
    """The action's inputs by name, no larger than its extent asks. `other` gives the layer chosen for an input.

    Raises ImageError when there is nothing to work on.
    """
    with as_seen(image, layer, with_mask=action.extent is Extent.OVERLAP) as (seen_image, seen):
        return _gather(action, seen_image, seen, other)


def _gather(action: Action, image: Any, layer: Any, other: Callable[[str], Any]) -> dict[str, Raster]:
    own, context = _region(action, image, layer)
    profile = bytes(image.get_effective_color_profile().get_icc_profile())
    found: dict[str, Raster] = {}
    for wanted in action.inputs:
        if wanted.source is Source.LAYER:
            found[wanted.name] = buffers.read(layer, own, profile)
        elif wanted.source is Source.BELOW:
            found[wanted.name] = _read_below(image, layer, context, profile)
        elif wanted.source is Source.OTHER:
            if (chosen := other(wanted.name)) is not None:
                with as_seen(chosen.get_image(), chosen) as (_, seen):
                    found[wanted.name] = buffers.read(seen, _box(seen), profile)
        elif not Gimp.Selection.is_empty(image):
            found[wanted.name] = buffers.read_selection(image.get_selection(), context)
        if wanted.required and wanted.name not in found:
            raise ImageError(f"{action.label} needs a {wanted.label.lower()}. Choose one, then try again.")
    return found


def _region(action: Action, image: Any, layer: Any) -> tuple[Box, Box]:
    """The box of the layer that travels, and the box of everything around it."""
    box, canvas = _box(layer), Box(0, 0, image.get_width(), image.get_height())
    _, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    selection = Box(left, top, right - left, bottom - top) if selected else None
    if selection and intersection(selection, box) is None:
        raise ImageError("The selection lies outside of the active layer. Choose the layer it belongs to, or move it.")
    if action.extent is Extent.LAYER:
        return box, box
    if action.extent is Extent.SELECTION:
        part = intersection(grown(selection, action.margin, action.border), box) if selection else box
        return part or box, part or box
    seen = (
        bounds(buffers.read_alpha(layer, box), box.width, box.height)
        if layer.has_alpha()
        else Box(0, 0, box.width, box.height)
    )
    if seen is None:
        raise ImageError("The active layer is transparent everywhere. Choose the layer that holds what is pasted.")
    visible = intersection(seen._replace(x=seen.x + box.x, y=seen.y + box.y), canvas)
    if visible is None:
        raise ImageError("The active layer lies outside of the image. Move it to where it belongs.")
    context = intersection(grown(visible, action.margin), canvas)
    assert context is not None  # it holds `visible`
    return visible, context


def _box(layer: Any) -> Box:
    _, x, y = layer.get_offsets()
    return Box(x, y, layer.get_width(), layer.get_height())


def _read_below(image: Any, layer: Any, box: Box, profile: bytes) -> Raster:
    """What is seen in `box` when the layer and everything above it are taken away."""
    with _duplicate(image, layer) as (copy, twin):
        item = twin
        while item is not None:
            parent = item.get_parent()
            siblings = parent.get_children() if parent is not None else copy.get_layers()
            above = copy.get_item_position(item) + (1 if item is twin else 0)
            for sibling in siblings[:above]:
                copy.remove_layer(sibling)
            item = parent
        if not any(left.get_visible() for left in copy.get_layers()):
            raise ImageError("Nothing is seen below the active layer. Put it above the image that it is blended into.")
        copy.crop(box.width, box.height, box.x, box.y)
        seen = Gimp.Layer.new_from_visible(copy, copy, "below")
        copy.insert_layer(seen, None, 0)
        return buffers.read(seen, Box(0, 0, box.width, box.height), profile).at(box.x, box.y)


@contextmanager
def as_seen(image: Any, layer: Any, with_mask: bool = False) -> Iterator[tuple[Any, Any]]:
    """The image and the layer with its live filters (and its mask) applied: twins where there are any, else themselves.

    GIMP reads a layer without its filters. They can enlarge its box.
    """
    masked = with_mask and layer.get_mask() is not None and layer.get_apply_mask()
    filtered = any(each.get_visible() for each in layer.get_filters())
    if not (masked or filtered):
        yield image, layer
        return
    with _duplicate(image, layer) as (copy, twin):
        if filtered:
            if twin.is_group_layer():
                twin = twin.merge()
            else:
                twin.merge_filters()
        if masked and twin.get_mask() is not None:
            twin.remove_mask(Gimp.MaskApplyMode.APPLY)
        yield copy, twin


@contextmanager
def _duplicate(image: Any, layer: Any) -> Iterator[tuple[Any, Any]]:
    """A copy of the image to take apart, and the layer's twin in it."""
    path = []
    item = layer
    while item is not None:
        path.append(image.get_item_position(item))
        item = item.get_parent()
    copy = image.duplicate()
    try:
        copy.undo_disable()
        twin = copy.get_layers()[path.pop()]
        while path:
            twin = twin.get_children()[path.pop()]
        yield copy, twin
    finally:
        copy.delete()


def _locked_group(layer: Any) -> Any:
    """The nearest group around the layer that takes no new layers, None when there is none."""
    group = layer.get_parent()
    while group is not None and not group.get_lock_content():
        group = group.get_parent()
    return group
