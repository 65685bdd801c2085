"""The operations behind the actions: pure functions from a job to its outputs.

`OPERATIONS` names the function of each action; modules are imported when their first job comes, so that a worker
pays only for what it uses.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from .context import Context, Operation, OperationError

__all__ = ["OPERATIONS", "Context", "Operation", "OperationError", "find"]

OPERATIONS: dict[str, str] = {
    "select.subject": "backend.operations.selection.subject:select_subject",
    "select.object": "backend.operations.selection.subject:select_object",
    "select.class": "backend.operations.selection.subject:select_class",
    "select.classes": "backend.operations.selection.subject:list_classes",
    "select.background": "backend.operations.selection.subject:select_background",
    "select.colors": "backend.operations.selection.classical:select_colors",
    "select.objects": "backend.operations.selection.instances:select_objects",
    "select.objects_found": "backend.operations.selection.instances:list_objects",
    "select.other_people": "backend.operations.selection.apart:select_other_people",
    "select.dust": "backend.operations.selection.blemishes:select_dust",
    "select.sky": "backend.operations.selection.sky:select_sky",
    "select.strokes": "backend.operations.selection.strokes:refine_with_strokes",
    "select.refine": "backend.operations.selection.subject:refine_edge",
    "cutout.background": "backend.operations.selection.cutout:remove_background",
    "cutout.subject": "backend.operations.selection.cutout:cut_out",
    "fill.selection": "backend.operations.fill.content_aware:fill_selection",
    "fill.subject": "backend.operations.fill.removal:remove_subject",
    "fill.object": "backend.operations.fill.removal:remove_object",
    "fill.other_people": "backend.operations.fill.removal:remove_other_people",
    "fill.objects": "backend.operations.fill.removal:remove_small_objects",
    "fill.objects_found": "backend.operations.selection.apart:list_small_objects",
    "fill.dust": "backend.operations.fill.dust:heal_dust",
    "paste.harmonize": "backend.operations.paste.paste:harmonize_layer",
    "paste.apply": "backend.operations.paste.paste:harmonize_layer",
    "paste.clone": "backend.operations.paste.composite:clone_from_layer",
    "paste.subject": "backend.operations.paste.composite:composite_subject",
    "paste.portrait": "backend.operations.paste.portrait:portrait_into_painting",
    "paste.sky": "backend.operations.paste.sky:replace_sky",
    "style.preset": "backend.operations.style.stylize:style_preset",
    "style.background": "backend.operations.style.stylize:style_background",
    "style.subject": "backend.operations.style.stylize:style_subject",
    "style.layer": "backend.operations.style.arbitrary:style_layer",
    "style.gatys": "backend.operations.style.gatys:style_gatys",
    "style.custom": "backend.operations.style.custom:style_custom",
    "style.train": "backend.operations.style.train_custom:train_style",
    "style.customs": "backend.operations.style.custom:custom_previews",
    "style.training": "backend.operations.style.train_custom:training_progress",
    "style.previews": "backend.operations.style.stylize:style_previews",
    "background.blur": "backend.operations.background.effects:blur",
    "background.gray": "backend.operations.background.effects:gray",
    "diagnose.identity": "backend.operations.diagnose:identity",
}


AS_SENT = {"diagnose.identity"}
"""Actions whose operations see images exactly as they were sent, in whatever color space; all others work in sRGB."""


def preload() -> None:
    """Import the modules of all operations, so that the first job does not wait for it."""
    for action in OPERATIONS:
        find(action)


def find(action: str) -> Operation:
    """The operation of an action, imported now. Raises KeyError when there is none."""
    module, function = OPERATIONS[action].split(":")
    operation = cast(Operation, getattr(import_module(module), function))
    if action in AS_SENT:
        return operation
    from .working_space import in_working_space

    return in_working_space(operation)
