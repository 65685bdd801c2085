"""What is looked at before the dialog: whether an action can be done on this image at all, and if not, what to do."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from ..client.actions import Action, ResultKind, Source
from . import image as reading
from .image import ImageError


def active_layer(action: Action, image: Any, drawables: list[Any]) -> Any:
    """The layer to work on. Raises ImageError, before anything is asked or sent, when `action` cannot be done here."""
    if len(drawables) != 1:
        raise ImageError(
            f"{action.label} works on one layer, but {len(drawables)} are chosen. Click on one layer in the Layers "
            "dialog."
        )
    layer = drawables[0]
    if layer.is_layer_mask():
        layer = Gimp.Layer.from_mask(layer)
    if not layer.is_layer():
        raise ImageError(f"{action.label} works on a layer, not on a channel. Click on a layer in the Layers dialog.")
    check_anchored(image)
    _check_result(action, image, layer)
    _check_selection(action, image, layer)
    reading.check_region(action, image, layer)
    return layer


def check_other_layers(action: Action, layer: Any) -> None:
    """Raises ImageError when the action wants a second layer and there is none to choose."""
    wanted = next((i for i in action.inputs if i.source is Source.OTHER and i.required), None)
    if wanted is not None and not any(other != layer for image in Gimp.get_images() for other in image.get_layers()):
        raise ImageError(
            f"{action.label} needs a second layer: {_lower(wanted.label)}. Bring it in with File > Open as Layers."
        )


def check_anchored(image: Any) -> None:
    """Raises ImageError when the image has a floating selection: GIMP takes no new layers then."""
    if image.get_floating_sel() is not None:
        raise ImageError("The image has a floating selection. Choose Layer > Anchor Layer or Layer > To New Layer.")


def check_mask_can_be_set(layer: Any) -> None:
    """Raises ImageError when the layer takes no mask, or has one that is switched off."""
    if layer.get_mask() is not None and not layer.get_apply_mask():
        raise ImageError("The layer's mask is disabled. Enable it, or delete it, in the menu Layer > Mask.")
    if layer.get_lock_content():
        raise ImageError("The layer's pixels are locked. Unlock them in the Layers dialog.")


def check_layer_can_be_added(action: Action, image: Any, layer: Any) -> None:
    """Raises ImageError when the result, a layer, would have no place."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise ImageError(
            f"{action.label} gives a layer with colors that this image, which is indexed, cannot hold. Choose Image > "
            "Mode > RGB."
        )
    if (group := _locked_group(layer)) is not None:
        raise ImageError(f"The group '{group.get_name()}' is locked. Unlock it in the Layers dialog.")


def _check_result(action: Action, image: Any, layer: Any) -> None:
    if action.result is ResultKind.LAYER_MASK:
        check_mask_can_be_set(layer)
    elif action.result is ResultKind.LAYER and action.mask_when is None:  # else it depends on what is chosen
        check_layer_can_be_added(action, image, layer)


def _check_selection(action: Action, image: Any, layer: Any) -> None:
    if not any(i.source is Source.SELECTION and i.required for i in action.inputs):
        return
    if Gimp.Selection.is_empty(image):
        raise ImageError("Nothing is selected. Draw a selection roughly around what you mean, then try again.")
    if not reading.selection_counts(action, image, layer):
        raise ImageError("The selection lies outside of the active layer. Choose the layer it belongs to, or move it.")


def _locked_group(layer: Any) -> Any:
    """The nearest group around the layer that takes no new layers, None when there is none."""
    group = layer.get_parent()
    while group is not None and not group.get_lock_content():
        group = group.get_parent()
    return group


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
