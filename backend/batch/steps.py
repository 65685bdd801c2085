"""What a recipe does to an image: each step works on what the one before has made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plugin.client.actions import Source
from plugin.client.actions.fill import SAMPLING
from plugin.client.image import Raster

from ..cli import CommandError, masks, select
from ..cli.paste import match_format, over
from ..cli.progress import Report
from ..cli.runner import Runner, nothing_found
from ..io import image_files
from .recipe import STROKES, Recipe, Step


def apply(recipe: Recipe, image: Raster, running: Runner, report: Report) -> Raster:
    """The image after all steps, or where the last one selects, the selection.

    Args:
        recipe: checked.
        image: at offset 0, 0.
        running: runs each step's job.
        report: called with each job's progress.

    Returns:
        An image of the same size; a selection is 8-bit gray.

    Raises:
        CommandError: a step's job failed, or nothing was found; the message begins with the step.
    """
    selection: Raster | None = None
    for number, step in enumerate(recipe.steps, 1):
        with _named(f"step {number} ({step.action.name})"):
            inputs = _inputs(step, image, selection)
            if step.selects:
                selection = _combined(selection, _selection(step, image, inputs, running, report), step)
            else:
                image = _image(step, image, inputs, running, report)
    return selection if recipe.selects and selection is not None else image


@contextmanager
def _named(step: str) -> Iterator[None]:
    """What goes wrong is said with the step's name."""
    try:
        yield
    except CommandError as error:
        raise CommandError(f"{step}: {error}", error.code) from error


def _inputs(step: Step, image: Raster, selection: Raster | None) -> dict[str, Raster]:
    """The job's images: the one that is worked on, the files that are named, and the selection."""
    inputs: dict[str, Raster] = {}
    names = {each.name for each in step.action.inputs}
    for each in step.action.inputs:
        if each is step.works_on:
            inputs[each.name] = image
        elif each.name in step.inputs and (each.source is Source.SELECTION or each is SAMPLING):
            mask = masks.read(step.inputs[each.name])
            assert mask is not None
            inputs[each.name] = masks.fitting(mask, image, f"file for {each.name}")
        elif each.name in step.inputs:
            inputs[each.name] = image_files.read(step.inputs[each.name])
        elif each.source is Source.SELECTION and step.box is not None:
            inputs[each.name] = select.box_selection(step.box, image)
        elif each.source is Source.SELECTION and step.points and STROKES not in names:
            inputs[each.name] = select.point_selection(step.points[0], image)
        elif each.source is Source.SELECTION and selection is not None:
            inputs[each.name] = selection
        elif each.name == STROKES:
            inputs[each.name] = select.strokes(select.Place(None, step.points, step.not_points), image)
    return inputs


def _selection(step: Step, image: Raster, inputs: dict[str, Raster], running: Runner, report: Report) -> Raster:
    result = running.run(step.action.name, dict(step.parameters), inputs, report)
    found = select.filled(result.outputs[0].raster, image)
    if max(bytes(found.data)) < (1 if step.parameters.get("feather") else select.HALF):
        raise nothing_found(step.action.name)
    return found


def _combined(before: Raster | None, found: Raster, step: Step) -> Raster:
    """The selection so far and a new one, as the parameter `mode` says; both 8-bit gray of the image's size."""
    import numpy as np

    from backend.io.rasters import from_array, samples

    mode = step.parameters.get("mode", "replace")
    if mode == "replace":
        return found
    new = samples(found)[..., 0]
    old = np.zeros_like(new) if before is None else samples(before)[..., 0]
    both = {"add": np.maximum(old, new), "subtract": np.minimum(old, 255 - new), "intersect": np.minimum(old, new)}
    return from_array(both[str(mode)])


def _image(step: Step, image: Raster, inputs: dict[str, Raster], running: Runner, report: Report) -> Raster:
    action, parameters = step.action.name, dict(step.parameters)
    if not action.startswith("paste."):
        return _on_canvas(running.run(action, parameters, inputs, report).outputs[0].raster, image)
    below = "target" if "target" in inputs else "image"
    inputs["source"], inputs[below] = match_format(inputs["source"], inputs[below])
    pasted = inputs[below]
    for output in reversed(running.run(action, parameters, inputs, report).outputs):  # the shadow lies below
        pasted = over(output.raster, pasted)
    return pasted


def _on_canvas(layer: Raster, image: Raster) -> Raster:
    """A layer that shows a part of the image as an image of its size, transparent around it."""
    from backend.io.rasters import placed, raster, samples

    if layer.box == image.box:
        return layer
    canvas = placed(samples(layer), layer.x, layer.y, image.box)
    return raster(canvas, layer.format, image.x, image.y, layer.profile)
