"""Composing: something of another layer placed on the picture, scaled, and made to belong there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from backend.imaging.colour import Float, lab, to_unit
from backend.imaging.empty_place import empty_place
from backend.imaging.regions import bounding_box
from backend.pixels import Pixels, as_depth, colours, converted, coverage, mask_values, raster, samples
from plugin.client.actions import BY_NAME
from plugin.client.jobs import ErrorCode, Job, Output
from plugin.client.raster import PixelFormat, Raster
from plugin.client.region import Box

from . import Context, OperationError
from .cutout import cut
from .paste import belonging
from .perception import picture
from .subject import subject_alpha

CUT_OFF = 0.2  # a subject that meets its picture's lower border along so much of its width goes on below it


def paste_from(job: Job, context: Context) -> list[Output]:
    """What another layer holds, blended into the picture: where it lies, or fitted into the selection's box."""
    source, target = _cropped(job.inputs["source"]), job.inputs["image"]
    if (place := _selected(job)) is not None:
        factor = min(place[2] / source.width, place[3] / source.height)
        source = _centred(_scaled(source, factor), place)
    return belonging(source, target, None, job.parameters, context)


def place_subject(job: Job, context: Context) -> list[Output]:
    """The subject of another layer on this picture: in the selection's box, or at x and y in percent of the picture.

    Raises OperationError when no subject is found, or when it would lie outside of the picture.
    """
    target = job.inputs["image"]
    subject = cut_subject(job.inputs["source"], job, context)
    if (place := _selected(job)) is not None:
        subject = _centred(_scaled(subject, min(place[2] / subject.width, place[3] / subject.height)), place)
    else:
        subject = _scaled(subject, float(job.parameters["size"]) / 100 * target.height / subject.height)
        x = target.x + round(float(job.parameters["x"]) / 100 * target.width) - subject.width // 2
        y = target.y + round(float(job.parameters["y"]) / 100 * target.height) - subject.height
        subject = replace(subject, x=x, y=y)
    return belonging(subject, target, None, job.parameters, context)


def portrait_into_painting(job: Job, context: Context) -> list[Output]:
    """The person of another layer in this painting, in its colours, where it hides the least or at x and y in percent.

    Raises OperationError when no subject is found.
    """
    target = job.inputs["image"]
    source = job.inputs["source"]
    person = cut_subject(source, job, context)
    stands = _goes_on_below(person, source)
    person = _scaled(person, float(job.parameters["size"]) / 100 * target.height / person.height)
    if job.parameters["place"] == "empty":
        x, y = empty_place(picture(target), person.width, person.height, at_bottom=stands)
    else:
        x = round(float(job.parameters["x"]) / 100 * target.width) - person.width // 2
        y = round(float(job.parameters["y"]) / 100 * target.height) - person.height
    person = replace(person, x=target.x + x, y=target.y + y)
    person = in_colours_of(target, person, float(job.parameters["palette"]) / 100)
    return belonging(person, target, None, job.parameters, context)


def cut_subject(source: Raster, job: Job, context: Context) -> Raster:
    """The subject alone, with alpha and no larger than it; a layer that is partly transparent is taken as cut out."""
    if source.format.has_alpha and (coverage(source) < 0.5).mean() > 0.01:
        return _cropped(source)
    asked = BY_NAME["cutout.subject"].check({"careful": job.parameters["careful"]})
    alpha = subject_alpha(Job("cutout.subject", asked, {"image": source}), context)
    if alpha.max(initial=0) < 0.5:
        raise OperationError(
            ErrorCode.BAD_INPUT,
            "Nothing in the other layer stands out as its subject.",
            "Cut it out with Inlay > Cut Out first and choose that layer.",
        )
    return _cropped(cut(source, alpha, context))


def in_colours_of(painting: Raster, person: Raster, share: float) -> Raster:
    """A layer with the painting's palette: means and deviations in L*a*b* brought towards it by `share`, 0..1.

    Reinhard et al. 2001, "Color Transfer between Images", in CIE L*a*b*.
    """
    if share <= 0:
        return person
    alpha = coverage(person)
    own, wanted = lab(colours(person)), lab(colours(painting)).reshape(-1, 3)
    inside = own[alpha >= 0.5]
    ratio = np.clip(wanted.std(0) / np.maximum(inside.std(0), 1e-3), 0.4, 2.5)
    moved = (own - inside.mean(0)) * ratio + wanted.mean(0)
    mixed = (own + np.float32(share) * (moved - own)).astype(np.float32)
    rgb: Float = np.clip(cv2.cvtColor(mixed * np.float32(100), cv2.COLOR_LAB2RGB), 0, 1)
    encoded = raster(rgb, PixelFormat("RGB", "f32"))
    pixels = converted(encoded, PixelFormat("RGB", person.format.depth, person.format.linear))
    wanted_format = PixelFormat("RGBA", person.format.depth, person.format.linear)
    return raster(
        np.dstack([pixels, as_depth(alpha, person.format.depth)]), wanted_format, person.x, person.y, person.profile
    )


def _selected(job: Job) -> Box | None:
    """The selection's box, None where there is no selection."""
    selection = job.inputs.get("selection")
    if selection is None:
        return None
    box = bounding_box(mask_values(selection) >= 0.5)
    if box is None:
        raise OperationError(ErrorCode.BAD_INPUT, "Nothing of the picture is selected.", "Remove the selection.")
    return selection.x + box.x, selection.y + box.y, box.width, box.height


def _goes_on_below(person: Raster, source: Raster) -> bool:
    """Whether a subject is cut off by its picture's lower border."""
    if person.y + person.height < source.y + source.height:
        return False
    return bool((coverage(person)[-1] >= 0.5).mean() > CUT_OFF)


def _cropped(layer: Raster) -> Raster:
    """The layer with alpha, cut to what it shows."""
    if not layer.format.has_alpha:
        return layer
    box = bounding_box(coverage(layer) > 0)
    if box is None:
        raise OperationError(ErrorCode.BAD_INPUT, "The other layer is transparent everywhere.", "Choose another one.")
    return raster(samples(layer)[box.window], layer.format, layer.x + box.x, layer.y + box.y, layer.profile)


def _centred(layer: Raster, box: Box) -> Raster:
    return replace(layer, x=box[0] + (box[2] - layer.width) // 2, y=box[1] + (box[3] - layer.height) // 2)


def _scaled(layer: Raster, factor: float) -> Raster:
    """The layer enlarged by a factor; what is transparent does not colour what is not."""
    size = max(1, round(layer.width * factor)), max(1, round(layer.height * factor))
    if size == (layer.width, layer.height):
        return layer
    unit = to_unit(samples(layer))
    if layer.format.has_alpha:
        unit = np.dstack([unit[..., :-1] * unit[..., -1:], unit[..., -1]])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    small: Pixels = cv2.resize(np.ascontiguousarray(unit), size, interpolation=how).reshape(size[1], size[0], -1)
    if layer.format.has_alpha:
        alpha = np.clip(small[..., -1:], 0, 1)
        small = np.dstack([small[..., :-1] / np.maximum(alpha, np.float32(1e-4)), alpha])
    return raster(as_depth(small, layer.format.depth), layer.format, layer.x, layer.y, layer.profile)
