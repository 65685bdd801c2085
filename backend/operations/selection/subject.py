"""Selections with the bundled network: the subject, an object, a class, the background; and edges made exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray, UInt8Array
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from backend.imaging.masks.hysteresis import hysteresis
from backend.imaging.masks.open_holes import SURE, may_have_holes, open_holes
from backend.imaging.masks.regions import bounding_box, components
from backend.imaging.matting import refine
from backend.io.rasters import as_depth, raster
from models.voc import VOC_CLASSES
from plugin.client.actions import ResultKind
from plugin.client.image import Box, PixelFormat
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import nothing_found, selected_weights
from ..public import probability_map, public_card
from .classical import grabcut_object, outlined, output
from .perception import INSIDE, REGION, Perception, cached_rgb_image
from .prompted import public_object
from .second_look import look_again
from .surroundings import cut_off, enlarged, on_layer, surroundings

DOT = 0.05  # a selection no larger than this share of the longer side is a dot on the object, not an outline of it
NEAR = (0.1, 0.3)  # and around the subject, whose box was found rather than drawn; more where it goes on beyond
SELECTED = 128  # of 255: a mask that is nowhere as much has found nothing
PERSON = VOC_CLASSES[15]
PREVIEW = 96  # longer side of a class's thumbnail, in pixels
RGBA = PixelFormat("RGBA", "u8")
MEANT = 0.8  # the probability that lets a part of an object stand by itself: what is outlined is probably meant
ASIDE = 0.12  # what is smaller than this share of the subject, and stands apart from it, is something else
CLOSER_SUBJECT = 0.9  # a subject whose surroundings take up less than this share of the layer is looked at more closely


@dataclass(frozen=True)
class Prediction:
    """What was found in a layer."""

    pixels: AnyArray  # the layer's colors, H x W x 3
    probability: FloatArray  # h x w over the box; nothing was found outside of it
    box: Box


def select_subject(job: Job, context: Context) -> list[Output]:
    """The subject of the layer, looked at whole and, where it is small, from closer by (see `predict_subject`); its
    edges made exact at the layer's own size."""
    mask = _subject_mask(job, context)
    return [output(mask, job, job.inputs["image"], "Subject")]


def select_background(job: Job, context: Context) -> list[Output]:
    """Everything but the subject. Raises OperationError where there is none: all would be selected."""
    mask = _subject_mask(job, context)
    return [output(np.subtract(255, mask, out=mask), job, job.inputs["image"], "Background")]


def _subject_mask(job: Job, context: Context) -> UInt8Array:
    mask = mask_of(predict_subject(job, context), job, context)
    if mask.max() < SELECTED:
        raise nothing_found("subject")
    return mask


def subject_alpha(job: Job, context: Context) -> FloatArray:
    """Alpha of the layer's subject, H x W; zero everywhere where there is none."""
    prediction = predict_subject(job, context)
    alpha = np.zeros(prediction.pixels.shape[:2], np.float32)
    _edges(prediction, job, context, alpha)
    return alpha


def select_object(job: Job, context: Context) -> list[Output]:
    """The object that the selection means: a dot on it, a box or a rough outline around it.

    Raises OperationError when the selection is empty or covers the layer.
    """
    if job.parameters["method"] == "grabcut":
        return grabcut_object(job, context)
    layer = job.inputs["image"]
    selection, box = outlined(job, context)
    pixels = cached_rgb_image(layer, context)
    context.progress(0.1, "Looking for the object", None)
    perception, dots = Perception(layer, pixels, context), is_dots(selection)
    if (public := public_object(pixels, perception.key, selection, dots, context)) is not None:
        found, closer = public, perception.whole
    elif dots:
        closer = _around_dots(perception, selection)
        found = perception.object(selection[closer.window], INSIDE, closer)
    else:
        closer = surroundings(box, perception.whole)
        found = perception.object(selection[closer.window], REGION, closer)
    prediction = Prediction(pixels, hysteresis(found, MEANT), closer)
    mask = mask_of(opened(prediction, job, perception), job, context)
    if mask.max() < SELECTED:
        raise nothing_found("object")
    return [output(mask, job, layer, "Object")]


def is_dots(selection: UInt8Array) -> bool:
    """Whether a selection is dots on the object rather than an outline around it: every part of it is small."""
    shrink = min(1.0, 512 / max(selection.shape))
    size = (max(1, round(selection.shape[1] * shrink)), max(1, round(selection.shape[0] * shrink)))
    parts = components(reduced(selection, size))
    return all(max(np.ptp(axis) + 1 for axis in part.nonzero()) <= DOT * max(size) for part in parts)


def select_class(job: Job, context: Context) -> list[Output]:
    """Everything of one class: people, cats, cars ...

    Raises OperationError, naming what there is, when the image holds nothing of that class.
    """
    layer = job.inputs["image"]
    pixels = cached_rgb_image(layer, context)
    context.progress(0.1, "Looking at what is in the image", None)
    perception = Perception(layer, pixels, context)
    maps = perception.classes()
    present = areas(maps)
    wanted = str(job.parameters["class_name"])
    name = next(iter(present), "") if wanted == "largest" else wanted
    if name not in present:
        there = ", ".join(f"{found} ({area:.0%})" for found, area in present.items())
        error = nothing_found(name or "known class")
        error.remedy = f"This image seems to hold: {there}." if there else error.remedy
        raise error
    if name == PERSON and (public := public_card("people", context)) is not None:
        found = hysteresis(probability_map(public, pixels, layer.digest(), context))
        mask = mask_of(Prediction(pixels, found, perception.whole), job, context)
        return [output(mask, job, layer, name.capitalize())]
    found = class_probability(perception, maps, name)
    mask = mask_of(opened(Prediction(pixels, found, perception.whole), job, perception), job, context)
    return [output(mask, job, layer, name.capitalize())]


def class_probability(perception: Perception, maps: FloatArray, name: str) -> FloatArray:
    """Probability of belonging to a thing of one class, S x S. maps: h x w x 21 probabilities."""
    index = VOC_CLASSES.index(name)
    size = (perception.side, perception.side)
    region = cv2.resize((maps.argmax(2) == index).astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
    reach = np.where(cv2.dilate(region, np.ones((33, 33), np.uint8)) > 127, 255, 0).astype(np.uint8)
    found = perception.object(reach, REGION)
    coarse = cv2.resize(np.ascontiguousarray(maps[..., index]), size, interpolation=cv2.INTER_LINEAR)
    others = np.delete(maps, (0, index), axis=2).max(2)  # what is rather another class is left to it
    rival = cv2.resize(np.ascontiguousarray(others), size, interpolation=cv2.INTER_LINEAR)
    return hysteresis(np.sqrt(found * coarse) * (reach > 0) * (rival < coarse))


def areas(maps: FloatArray) -> dict[str, float]:
    """Which classes an image holds and how much of it each takes, largest first. maps: h x w x 21 probabilities."""
    labels = maps.argmax(2)
    share = {name: float((labels == i).mean()) for i, name in enumerate(VOC_CLASSES) if i}
    return dict(sorted(((n, s) for n, s in share.items() if s >= 0.01), key=lambda item: -item[1]))


def list_classes(job: Job, context: Context) -> list[Output]:
    """What `select_class` would find: a thumbnail of each class, largest first, named "CLASS: N %"."""
    layer = job.inputs["image"]
    pixels = cached_rgb_image(layer, context)
    maps = Perception(layer, pixels, context).classes()
    shrink = min(1.0, PREVIEW / max(pixels.shape[:2]))
    size = (max(1, round(layer.width * shrink)), max(1, round(layer.height * shrink)))
    small: UInt8Array = as_depth(reduced(pixels, size), "u8")
    outputs = []
    for name, area in areas(maps).items():
        probability = np.ascontiguousarray(maps[..., VOC_CLASSES.index(name)])
        part = cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR)
        shown = np.dstack([small, as_depth(0.15 + 0.85 * np.clip(2 * part, 0, 1), "u8")])
        outputs.append(Output(ResultKind.LAYER, f"{name}: {100 * area:.0f} %", raster(shown, RGBA, layer.x, layer.y)))
    return outputs


def refine_edge(job: Job, context: Context) -> list[Output]:
    """The selection again, its edge made to follow the image within a band: strands of hair in, background out."""
    layer = job.inputs["image"]
    selection = selected_weights(job, context)
    box = bounding_box(selection)
    assert box is not None  # or it would have been refused
    pixels = cached_rgb_image(layer, context)
    width = float(job.parameters["width"])
    window = box.padded(round(4 * width) + 8, selection.shape)
    part = to_unit(selection[window.window])
    # matting counts its band in pixels of the map it is given: one such pixel is half the band's width
    shrink = min(1.0, refine.BAND * 2 / width)
    size = (max(8, round(window.width * shrink)), max(8, round(window.height * shrink)))
    context.progress(0.2, "Following the edge", None)
    rough = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return [output(mask_of(Prediction(pixels, rough, window), job, context), job, layer, "Refined")]


def predict_subject(job: Job, context: Context) -> Prediction:
    """The layer's subject: as the whole layer shows it, and where its surroundings leave much of that out, as they show
    it from closer by, at the mean of the two. Where the network is not sure of that it looks again (`second_look`)."""
    layer = job.inputs["image"]
    pixels = cached_rgb_image(layer, context)
    context.progress(0.1, "Looking for the subject", None)
    if (public := public_card("subject", context)) is not None:
        found = hysteresis(probability_map(public, pixels, layer.digest(), context), small_island=ASIDE)
        return Prediction(pixels, found, Box(0, 0, layer.width, layer.height))
    perception = Perception(layer, pixels, context)
    probability = perception.subject(high_quality=job.parameters.get("high_quality") is True)
    first, box = _first_answer(perception, probability)
    rather = look_again(perception, probability, first, box)
    if rather is not None:
        first, box = hysteresis(rather.probability, small_island=ASIDE), rather.box
    return opened(Prediction(pixels, first, box), job, perception)


def _first_answer(perception: Perception, probability: FloatArray) -> tuple[FloatArray, Box]:
    """The subject in what the network saw in the whole layer, from closer by where it is small; and its map's box."""
    found = hysteresis(probability, small_island=ASIDE)
    extent = bounding_box(found > 0.5)
    if extent is not None:
        filled = np.zeros(found.shape, np.uint8)
        filled[extent.window] = 255
        for room in NEAR:
            closer = surroundings(on_layer(extent, perception), perception.whole, room, CLOSER_SUBJECT)
            if closer == perception.whole:
                break
            prompt = np.rint(enlarged(filled, closer, perception)).astype(np.uint8)
            both = (enlarged(found, closer, perception) + perception.object(prompt, REGION, closer)) / np.float32(2)
            if not cut_off(both, closer, perception.whole):
                return hysteresis(both, small_island=ASIDE), closer
    return found, perception.whole


def opened(prediction: Prediction, job: Job, perception: Perception) -> Prediction:
    """With its holes open, as far as is asked for."""
    wanted = job.parameters.get("open_holes", "auto")
    if wanted == "off":
        return prediction
    probability, sure = prediction.probability, SURE if wanted == "auto" else 2.0
    if not may_have_holes(probability, sure):
        return prediction
    image = perception.image(prediction.box, (probability.shape[1], probability.shape[0]))
    return replace(prediction, probability=open_holes(image, probability, sure))


def _around_dots(perception: Perception, selection: UInt8Array) -> Box:
    """What to look at for an object with dots on it: around what the network takes it for in the whole layer."""
    found = bounding_box(perception.object(selection, INSIDE) > 0.5)
    return perception.whole if found is None else surroundings(on_layer(found, perception), perception.whole)


def mask_of(prediction: Prediction, job: Job, context: Context) -> UInt8Array:
    """The selection, H x W u8, that a probability map comes to."""
    mask = np.zeros(prediction.pixels.shape[:2], np.uint8)
    _edges(prediction, job, context, mask)
    return mask


def _edges(prediction: Prediction, job: Job, context: Context, out: AnyArray) -> None:
    """Writes alpha into `out`, which is the layer's size and zero, where the map lies."""
    context.progress(0.5, "Following the edges", None)
    refine.refine(
        prediction.pixels[prediction.box.window],
        prediction.probability,
        edge="hard" if job.parameters.get("edge") == "hard" else "soft",
        quality="fine" if job.parameters.get("high_quality") is True else "fast",
        out=out[prediction.box.window],
        progress=lambda fraction: context.progress(0.5 + 0.5 * fraction, "Following the edges", None),
        cancelled=context.cancelled,
    )
