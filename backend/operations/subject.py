"""Selections with the bundled network: the subject, an object, a class, the background; and edges made exact."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging import matting
from backend.imaging.colour import Float, to_unit
from backend.imaging.regions import U8, Box, Mask, bounding_box, components
from backend.pixels import Pixels, as_depth, raster
from plugin.client.actions import ResultKind
from plugin.client.jobs import ErrorCode, Job, Output
from plugin.client.raster import PixelFormat

from . import Context, OperationError
from .perception import CLASSES, INSIDE, REGION, SIDE, Perception, picture
from .select import grabcut_object, outlined, output, selected

DOT = 0.05  # a selection no larger than this share of the longer side is a dot on the object, not an outline of it
ROOM = 0.35  # what is looked at around the object, of its box's sides
PREVIEW = 96  # longer side of a kind's small picture, in pixels
RGBA = PixelFormat("RGBA", "u8")
CLOSER = 0.5  # an object whose surroundings take up less than this share of the layer is looked at more closely


def select_subject(job: Job, context: Context) -> list[Output]:
    """The subject of the layer: one pass of the network, its edges made exact at the layer's own size."""
    alpha = subject_alpha(job, context)
    if not alpha.any():
        context.notes.append("Nothing in this layer stands out as its subject.")
    return [output(as_depth(alpha, "u8"), job, job.inputs["image"], "Subject")]


def select_background(job: Job, context: Context) -> list[Output]:
    """Everything but the subject."""
    return [output(as_depth(1 - subject_alpha(job, context), "u8"), job, job.inputs["image"], "Background")]


def subject_alpha(job: Job, context: Context) -> Float:
    """Alpha of the layer's subject, H x W."""
    layer = job.inputs["image"]
    pixels = picture(layer)
    context.progress(0.1, "Looking for the subject", None)
    found = Perception(layer, pixels, context).subject(careful=job.parameters.get("careful") is True)
    return _edges(pixels, found, job, context)


def select_object(job: Job, context: Context) -> list[Output]:
    """The object that the selection means: a dot on it, a box or a rough outline around it.

    Raises OperationError when the selection is empty or covers the layer.
    """
    if job.parameters["method"] == "grabcut":
        return grabcut_object(job, context)
    layer = job.inputs["image"]
    selection, box = outlined(job)
    pixels = picture(layer)
    context.progress(0.1, "Looking for the object", None)
    perception = Perception(layer, pixels, context)
    prompt = to_unit(selection)
    if is_dots(selection > 127):
        found = perception.object(prompt, INSIDE)
        seen = bounding_box((cv2.resize(found, (layer.width, layer.height)) > 0.5).astype(np.uint8) * 255)
        if seen is not None:
            closer = _surroundings(seen, perception.whole)
            if closer != perception.whole:
                found = perception.object(prompt[closer.window], INSIDE, closer)
        else:
            closer = perception.whole
    else:
        closer = _surroundings(box, perception.whole)
        found = perception.object(prompt[closer.window], REGION, closer)
    alpha = np.zeros((layer.height, layer.width), np.float32)
    alpha[closer.window] = _edges(pixels[closer.window], found, job, context)
    if not alpha.any():
        context.notes.append("No object was found there. A box or a loose outline around it says more than a dot.")
    return [output(as_depth(alpha, "u8"), job, layer, "Object")]


def is_dots(selection: Mask) -> bool:
    """Whether a selection is dots on the object rather than an outline around it: every part of it is small."""
    small = cv2.resize(selection.astype(np.uint8), _reduced(selection.shape), interpolation=cv2.INTER_NEAREST)
    parts = components(small > 0) or [selection]
    limit = DOT * max(parts[0].shape)
    return all(max(np.ptp(axis) + 1 for axis in part.nonzero()) <= limit for part in parts)


def select_class(job: Job, context: Context) -> list[Output]:
    """Everything of one kind: people, cats, cars ...

    Raises OperationError, naming what there is, when the picture holds nothing of that kind.
    """
    layer = job.inputs["image"]
    pixels = picture(layer)
    context.progress(0.1, "Looking at what is in the picture", None)
    perception = Perception(layer, pixels, context)
    maps = perception.classes()
    present = areas(maps)
    wanted = str(job.parameters["kind"])
    name = next(iter(present), "") if wanted == "largest" else wanted
    if name not in present:
        there = ", ".join(f"{kind} ({area:.0%})" for kind, area in present.items()) or "none of the kinds it knows"
        raise OperationError(
            ErrorCode.BAD_INPUT,
            f"There is no {name or 'known thing'} in this layer.",
            f"It seems to hold: {there}.",
        )
    index = CLASSES.index(name)
    region = cv2.resize((maps.argmax(2) == index).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    reach = cv2.dilate(region, np.ones((33, 33), np.uint8))
    found = perception.object((reach > 0.5).astype(np.float32), REGION)
    coarse = cv2.resize(np.ascontiguousarray(maps[..., index]), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    alpha = _edges(pixels, np.sqrt(found * coarse) * (reach > 0.5), job, context)
    return [output(as_depth(alpha, "u8"), job, layer, name.capitalize())]


def areas(maps: Float) -> dict[str, float]:
    """Which classes a picture holds and how much of it each takes, largest first. maps: h x w x 21 probabilities."""
    labels = maps.argmax(2)
    share = {name: float((labels == i).mean()) for i, name in enumerate(CLASSES) if i}
    return dict(sorted(((n, s) for n, s in share.items() if s >= 0.002), key=lambda item: -item[1]))


def list_kinds(job: Job, context: Context) -> list[Output]:
    """What `select_class` would find: a small picture of each kind, largest first, named "KIND: N %"."""
    layer = job.inputs["image"]
    pixels = picture(layer)
    maps = Perception(layer, pixels, context).classes()
    shrink = min(1.0, PREVIEW / max(pixels.shape[:2]))
    size = (max(1, round(layer.width * shrink)), max(1, round(layer.height * shrink)))
    small: U8 = as_depth(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), "u8")
    outputs = []
    for name, area in areas(maps).items():
        part = cv2.resize(np.ascontiguousarray(maps[..., CLASSES.index(name)]), size, interpolation=cv2.INTER_LINEAR)
        shown = np.dstack([small, as_depth(0.15 + 0.85 * np.clip(2 * part, 0, 1), "u8")])
        outputs.append(Output(ResultKind.LAYER, f"{name}: {100 * area:.0f} %", raster(shown, RGBA, layer.x, layer.y)))
    return outputs


def refine_edge(job: Job, context: Context) -> list[Output]:
    """The selection again, its edge made to follow the picture within a band: strands of hair in, background out."""
    layer = job.inputs["image"]
    selection = selected(job.inputs["selection"], layer)
    box = bounding_box(selection)
    if box is None:
        raise OperationError(ErrorCode.BAD_INPUT, "Nothing of this layer is selected.", "Select the object first.")
    pixels = picture(layer)
    width = float(job.parameters["width"])
    window = box.padded(round(4 * width) + 8, selection.shape)
    part = to_unit(selection[window.window])
    # matting counts its band in pixels of the map it is given: one such pixel is half the band's width
    shrink = min(1.0, matting.BAND * 2 / width)
    size = (max(8, round(window.width * shrink)), max(8, round(window.height * shrink)))
    context.progress(0.2, "Following the edge", None)
    alpha = np.zeros(selection.shape, np.float32)
    rough = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    alpha[window.window] = _edges(pixels[window.window], rough, job, context)
    return [output(as_depth(alpha, "u8"), job, layer, "Refined")]


def _surroundings(box: Box, whole: Box) -> Box:
    """What to look at for an object in `box`: all, or its neighbourhood where the object is small."""
    room = round(ROOM * max(box.width, box.height)) + 16
    near = box.padded(room, (whole.height, whole.width))
    return near if near.width * near.height < CLOSER * whole.width * whole.height else whole


def _edges(pixels: Pixels, found: Float, job: Job, context: Context) -> Float:
    context.progress(0.5, "Following the edges", None)
    return matting.refine(
        pixels,
        found,
        edge="hard" if job.parameters.get("edge") == "hard" else "soft",
        quality="fine" if job.parameters.get("careful") is True else "fast",
        progress=lambda fraction: context.progress(0.5 + 0.5 * fraction, "Following the edges", None),
        cancelled=context.cancelled,
    )


def _reduced(shape: tuple[int, ...]) -> tuple[int, int]:
    shrink = min(1.0, 512 / max(shape))
    return max(1, round(shape[1] * shrink)), max(1, round(shape[0] * shrink))
