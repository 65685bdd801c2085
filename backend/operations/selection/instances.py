"""The objects of an image one by one: each person of a group, each cup of a table.

Candidates are the parts of the subject, the parts of each class, and what the prompt decoder answers to dots on either.
Each is looked at from closer by with its box as the prompt; those of which the network is sure count, each of them
once, the largest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray, UInt8Array
from backend.imaging.downsample import reduced
from backend.imaging.masks.hysteresis import hysteresis
from backend.imaging.masks.regions import bounding_box, components
from backend.io.rasters import as_depth, raster
from models.voc import VOC_CLASSES
from plugin.client.actions import ResultKind
from plugin.client.image import Box, PixelFormat, Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import nothing_found
from .classical import output
from .perception import INSIDE, REGION, Perception, cached_rgb_image
from .second_look import expected_iou
from .subject import SELECTED, Prediction, mask_of, opened
from .surroundings import cut_off, on_grid, on_layer, surroundings

MOST = 12  # objects that are told apart
LEAST = 0.0015  # of the layer's area: smaller parts are no candidates
LEAST_SIDE = 8  # pixels of a layer in which objects are told apart
DOTS = 7  # a side of the grid of dots that are asked about
DOT = 4  # radius of a dot, in pixels of the map
LIKELY = 0.35  # probability of being the subject from which a dot is asked about
ROOM = 0.3  # what is looked at around a candidate, of its box's longer side
MEANT = 0.5  # mean probability of being the subject of an object of no known class
SURE = 0.72  # expected IoU of an object that counts
SAME = 0.55  # IoU from which two candidates are one object
TWICE = 0.85  # IoU of two candidates' boxes from which one of them is enough
WITHIN = 0.75  # share of a candidate within others from which it is a part of them, or all of them
PREVIEW = 96  # longer side of a thumbnail, in pixels
RGBA = PixelFormat("RGBA", "u8")
THING = "object"  # what has none of the known classes


@dataclass(frozen=True)
class Instance:
    """One object: its map over a box of the layer, its share of the layer's area, and its class or `THING`."""

    probability: FloatArray  # S x S over the box
    box: Box
    share: float
    name: str


def select_objects(job: Job, context: Context) -> list[Output]:
    """One of the objects found, by its number from the largest on, or all of them.

    Raises OperationError, saying how many there are, where there is none of that number.
    """
    layer = job.inputs["image"]
    pixels = cached_rgb_image(layer, context)
    context.progress(0.1, "Looking for objects", None)
    perception = Perception(layer, pixels, context)
    wanted = str(job.parameters["found"])
    objects = chosen(instances(perception), wanted, "object")
    mask = np.zeros(pixels.shape[:2], np.uint8)
    for each in objects:
        one = mask_of(opened(Prediction(pixels, each.probability, each.box), job, perception), job, context)
        np.maximum(mask, one, out=mask)
    if mask.max() < SELECTED:
        raise nothing_found("object")
    return [output(mask, job, layer, "Objects" if wanted == "all" else objects[0].name.capitalize())]


def chosen(found: list[Instance], wanted: str, what: str) -> list[Instance]:
    """One of the objects by its number, or all. Raises OperationError, saying how many there are, where there is none.

    Args:
        found: the objects.
        wanted: "all" or a number from 1 on.
        what: they are called.
    """
    objects = found if wanted == "all" else found[int(wanted) - 1 : int(wanted)]
    if not objects:
        error = nothing_found(what if not found else f"{what} {wanted}")
        error.remedy = f"The number goes from 1 to {len(found)}." if found else error.remedy
        raise error
    return objects


def list_objects(job: Job, context: Context) -> list[Output]:
    """What `select_objects` would find: a thumbnail of each object, named "NUMBER: CLASS, N %"; at x and y of its box
    on the layer."""
    layer = job.inputs["image"]
    perception = Perception(layer, cached_rgb_image(layer, context), context)
    return thumbnails(instances(perception), perception, layer)


def thumbnails(objects: list[Instance], perception: Perception, layer: Raster) -> list[Output]:
    """A thumbnail of each object, the rest of the layer faint, named "NUMBER: CLASS, N %"."""
    pixels = perception.pixels
    shrink = min(1.0, PREVIEW / max(pixels.shape[:2]))
    size = (max(1, round(layer.width * shrink)), max(1, round(layer.height * shrink)))
    small: UInt8Array = as_depth(reduced(pixels, size), "u8")
    outputs = []
    for number, each in enumerate(objects, 1):
        part = on_grid(each.probability, each.box, perception.whole, size)
        shown = np.dstack([small, as_depth(0.15 + 0.85 * part, "u8")])
        name = f"{number}: {each.name}, {100 * each.share:.1f} %"
        outputs.append(Output(ResultKind.LAYER, name, raster(shown, RGBA, layer.x, layer.y)))
    return outputs


def instances(perception: Perception) -> list[Instance]:
    """The objects, largest first; kept for the next question about the layer."""
    kept: tuple[str, list[Instance]] | None = perception.context.cache.get("instances")
    if kept is None or kept[0] != perception.key:
        kept = perception.key, _found(perception)
        perception.context.cache["instances"] = kept
    return kept[1]


def _found(perception: Perception) -> list[Instance]:
    if min(perception.whole.width, perception.whole.height) < LEAST_SIDE:
        return []
    side = perception.side
    maps = perception.classes()
    subject = perception.subject()
    looked: list[tuple[float, Instance, BoolArray]] = []
    asked: list[Box] = []
    candidates = list(_candidates(perception, subject, maps))
    for number, extent in enumerate(candidates):
        perception.context.progress(0.1 + 0.4 * number / len(candidates), "Looking for objects", None)
        there = on_layer(extent, perception)
        if any(_same(there, other) for other in asked):
            continue
        asked.append(there)
        near = surroundings(there, perception.whole, ROOM, 1.0)
        prompt = np.zeros((near.height, near.width), np.uint8)
        prompt[there.y - near.y :, there.x - near.x :][: there.height, : there.width] = 255
        shown = hysteresis(perception.object(prompt, REGION, near))
        sure = expected_iou(shown)
        if sure < SURE or cut_off(shown, near, perception.whole):
            continue
        inside = on_grid(shown, near, perception.whole, (side, side)) > 0.5
        name = _class_of(shown > 0.5, perception.classes(near))
        meant = name != THING or float(subject[inside].mean()) > MEANT
        if inside.mean() >= LEAST and meant:
            looked.append((sure, Instance(shown, near, float(inside.mean()), name), inside))
    return [each for each, _ in _distinct(looked)][:MOST]


def _candidates(perception: Perception, subject: FloatArray, maps: FloatArray) -> Iterator[Box]:
    """Boxes on the map of the whole layer that may hold one object."""
    side = perception.side
    least = int(LEAST * side * side)
    labels = cv2.resize(maps.argmax(2).astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    regions = [subject > 0.5, *(labels == number for number in np.unique(labels[labels > 0]))]
    for region in regions:
        for part in components(region, least):
            box = bounding_box(part)
            assert box is not None  # a component is not empty
            yield box
    meant = (subject > LIKELY) | (labels > 0)
    step = side / DOTS
    for row in range(DOTS):
        for column in range(DOTS):
            x, y = round((column + 0.5) * step), round((row + 0.5) * step)
            if meant[y, x]:
                dot = cv2.circle(np.zeros((side, side), np.uint8), (x, y), DOT, 255, -1)
                answer = perception.object(dot, INSIDE)
                box = bounding_box(answer > 0.5)
                if answer[y, x] > 0.5 and box is not None:
                    yield box


def _distinct(looked: list[tuple[float, Instance, BoolArray]]) -> list[tuple[Instance, BoolArray]]:
    """Each object once, largest first: of answers that overlap the surest; no group of objects that are there one by
    one, and no part of an object."""
    kept: list[tuple[Instance, BoolArray]] = []
    for _, each, inside in sorted(looked, key=lambda item: -item[0]):
        if all(np.count_nonzero(inside & other) < SAME * np.count_nonzero(inside | other) for _, other in kept):
            kept.append((each, inside))
    kept.sort(key=lambda item: -item[0].share)
    result: list[tuple[Instance, BoolArray]] = []
    for number, (each, inside) in enumerate(kept):
        smaller = [other for _, other in kept[number + 1 :] if _share(other, inside) > WITHIN]
        together = np.logical_or.reduce(smaller) if len(smaller) > 1 else np.zeros_like(inside)
        larger = [other for _, other in result if _share(inside, other) > WITHIN]
        if not larger and _share(inside, together) < WITHIN:
            result.append((each, inside))
    return result


def _share(part: BoolArray, whole: BoolArray) -> float:
    """How much of `part` is in `whole`."""
    return float(np.count_nonzero(part & whole)) / (int(np.count_nonzero(part)) or 1)


def _class_of(inside: BoolArray, maps: FloatArray) -> str:
    """The class that most of a mask is of, seen in the same box, or `THING`."""
    size = maps.shape[1], maps.shape[0]
    weight = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    found = (maps * weight[..., None]).sum((0, 1))
    best = int(found.argmax())
    return VOC_CLASSES[best] if best else THING


def _same(one: Box, other: Box) -> bool:
    """Whether two candidates' boxes are next to the same."""
    both = (min(one.x + one.width, other.x + other.width) - max(one.x, other.x)) * (
        min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    )
    reach = min(one.x + one.width, other.x + other.width) > max(one.x, other.x)
    return reach and both > TWICE * (one.width * one.height + other.width * other.height - both)
