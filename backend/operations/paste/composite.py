"""Compositing: something of another layer placed on this image, scaled, and harmonized."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.masks.regions import bounding_box
from backend.io.rasters import as_depth, converted, coverage, mask_values, raster, samples, scaled
from plugin.client.actions import BY_NAME, ResultKind
from plugin.client.image import Box, Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..masks import nothing_found
from ..selection.cutout import cut
from ..selection.subject import subject_alpha
from .paste import blend, layer_format

CUT_OFF = 0.2  # a subject that meets its image's border along so much of its width goes on beyond it


def clone_from_layer(job: Job, context: Context) -> list[Output]:
    """What another layer holds, blended into this image: where it lies, or fitted into the selection's box."""
    source, target = cropped(job.inputs["source"]), job.inputs["image"]
    if (place := _selected(job)) is not None:
        source = _fitted(source, place)
    return blend(source, target, None, job.parameters, context)


def composite_subject(job: Job, context: Context) -> list[Output]:
    """The subject of another layer on this image: in the selection's box, or at x and y in percent of the image.

    Raises OperationError when no subject is found, or when it would lie outside of the image.
    """
    target = job.inputs["image"]
    subject = cut_subject(job.inputs["source"], job, context)
    if (place := _selected(job)) is not None:
        subject = _fitted(subject, place)
    else:
        cut_off = borders(subject, job.inputs["source"])
        subject = standing(sized(subject, target, job), *wanted_place(target, job))
        if job.parameters["at_border"]:
            subject = moved_to(subject, target, cut_off)
        elif cut_off:
            context.notes.append(
                f"The {' and '.join(cut_off)} border of its image cuts the subject off: with 'At the border that cuts "
                "it off' it is put there."
            )
    return placed_object(subject, job, context)


def placed_object(subject: Raster, job: Job, context: Context) -> list[Output]:
    """The subject harmonized with the image below, or as it is, to be placed by hand."""
    target = job.inputs["image"]
    if not job.parameters["by_hand"]:
        return blend(subject, target, None, job.parameters, context)
    wanted = layer_format(subject.format, target.format)
    pixels = np.dstack([converted(subject, wanted), as_depth(coverage(subject), wanted.depth)])
    return [Output(ResultKind.LAYER, "Object", raster(pixels, wanted, subject.x, subject.y, subject.profile))]


def borders(subject: Raster, source: Raster) -> list[str]:
    """The borders of its image that cut a subject off: "lower", "left", "right" or "upper"."""
    inside = coverage(subject) >= 0.5
    inner = solid(subject)
    sides = {
        "lower": (subject.y + subject.height >= source.y + source.height, inside[-1], inner.width),
        "left": (subject.x <= source.x, inside[:, 0], inner.height),
        "right": (subject.x + subject.width >= source.x + source.width, inside[:, -1], inner.height),
        "upper": (subject.y <= source.y, inside[0], inner.width),
    }
    return [name for name, (meets, line, length) in sides.items() if meets and line.sum() > CUT_OFF * length]


def moved_to(subject: Raster, target: Raster, sides: list[str]) -> Raster:
    """The subject at these borders of the image; where it is cut off on both sides, it keeps its place across."""
    x, y = subject.x, subject.y
    if ("left" in sides) != ("right" in sides):
        x = target.x if "left" in sides else target.x + target.width - subject.width
    if ("upper" in sides) != ("lower" in sides):
        y = target.y if "upper" in sides else target.y + target.height - subject.height
    return replace(subject, x=x, y=y)


def cut_subject(source: Raster, job: Job, context: Context) -> Raster:
    """The subject alone, with alpha and no larger than it; a layer that is partly transparent is taken as cut out."""
    alpha = alpha_of_subject(source, job, context)
    return cropped(source if alpha is None else cut(source, alpha, context))


def alpha_of_subject(source: Raster, job: Job, context: Context) -> FloatArray | None:
    """Alpha of the layer's subject, H x W; None where its own says it. Raises OperationError when none is found."""
    if source.format.has_alpha and (coverage(source) < 0.5).mean() > 0.01:
        return None
    asked = BY_NAME["cutout.subject"].check({"high_quality": job.parameters["high_quality"]})
    alpha = subject_alpha(Job("cutout.subject", asked, {"image": source}), context)
    if alpha.max(initial=0) < 0.5:
        raise nothing_found("subject")
    return alpha


def _selected(job: Job) -> Box | None:
    """The selection's box, None where there is no selection."""
    selection = job.inputs.get("selection")
    if selection is None:
        return None
    box = bounding_box(mask_values(selection) >= 0.5)
    if box is None:
        raise OperationError(ErrorCode.BAD_INPUT, "Nothing of the image is selected.", "Remove the selection.")
    return box._replace(x=selection.x + box.x, y=selection.y + box.y)


def cropped(layer: Raster) -> Raster:
    """The layer with alpha, cut to what it shows. Raises OperationError when it shows nothing."""
    if not layer.format.has_alpha:
        return layer
    box = bounding_box(coverage(layer) > 0)
    if box is None:
        raise OperationError(ErrorCode.BAD_INPUT, "The other layer is transparent everywhere.", "Choose another one.")
    return raster(samples(layer)[box.window], layer.format, layer.x + box.x, layer.y + box.y, layer.profile)


def solid(layer: Raster) -> Box:
    """Where in a layer it is more opaque than not: what its size and place are measured by."""
    return bounding_box(coverage(layer) >= 0.5) or Box(0, 0, layer.width, layer.height)


def _fitted(layer: Raster, box: Box) -> Raster:
    """The layer as large as the box allows, in its middle."""
    inner = solid(layer)
    layer = scaled(layer, min(box.width / inner.width, box.height / inner.height))
    inner = solid(layer)
    x, y = (box.x + (box.width - inner.width) // 2, box.y + (box.height - inner.height) // 2)
    return replace(layer, x=x - inner.x, y=y - inner.y)


def sized(layer: Raster, target: Raster, job: Job) -> Raster:
    """The layer in the height asked for, in percent of the target's."""
    return scaled(layer, float(job.parameters["size"]) / 100 * target.height / solid(layer).height)


def wanted_place(target: Raster, job: Job) -> tuple[int, int]:
    """The parameters x and y, in percent of the target, as a pixel."""
    x, y = (float(job.parameters[name]) / 100 for name in ("x", "y"))
    return target.x + round(x * target.width), target.y + round(y * target.height)


def standing(layer: Raster, x: int, y: int) -> Raster:
    """The layer with the middle of its lower end at a pixel."""
    inner = solid(layer)
    return replace(layer, x=x - inner.x - inner.width // 2, y=y - inner.y - inner.height)
