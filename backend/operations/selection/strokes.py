"""Refine with Strokes: a selection corrected by strokes on what belongs to it and on what does not.

The network is told the selection and the strokes. What it answers counts where a stroke asks for it: of the parts in
which it differs from the selection, those that a stroke of that side touches. Where it does not follow a stroke, the
colors decide (GrabCut). Without a selection the strokes alone say what is meant.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, UInt8Array
from backend.imaging.color.spaces import to_unit
from backend.imaging.masks import grabcut
from backend.imaging.masks.hysteresis import hysteresis
from backend.imaging.masks.regions import bounding_box
from backend.io.rasters import as_depth, colors, coverage, placed
from plugin.client.image import Box, Raster
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from ..masks import nothing_found, selected
from .classical import output
from .perception import INSIDE, OUTSIDE, REGION, Perception, cached_rgb_image
from .subject import SELECTED, Prediction, mask_of
from .surroundings import on_layer, surroundings

RED = 0.3  # how much more red than green and blue, encoded, 0..1, a stroke has that drops
STROKE = 0.012  # radius that a stroke has at least, of the network's side
CHANGED = 0.25  # difference of probabilities from which the selection has changed
ITERATIONS = 4  # of GrabCut
ALL = 0.9  # share of what the network answers from which a part of it is all there is
CLEARLY_LESS = 0.6  # and up to which share of that a part of it is meant by red strokes
AROUND = 4  # pixels of the map around what has changed that are settled anew
PAINT = "Paint over what belongs to it in any color but red, and in red over what does not, on a layer of its own."


def refine_with_strokes(job: Job, context: Context) -> list[Output]:
    """The selection, where there is one, corrected. Raises OperationError where nothing is painted or is left."""
    layer = job.inputs["image"]
    keep, drop = strokes_on(job.inputs["strokes"], layer)
    before = np.zeros(keep.shape, np.uint8)
    if "selection" in job.inputs:
        before = selected(job.inputs["selection"], layer)
    if not keep.any() and not (drop.any() and before.any()):
        raise OperationError(ErrorCode.BAD_INPUT, "No stroke says what is meant.", PAINT)
    pixels = cached_rgb_image(layer, context)
    context.progress(0.1, "Looking for the object", None)
    perception = Perception(layer, pixels, context)
    if before.max() >= SELECTED:
        mask = _corrected(perception, before, keep, drop, job, context)
    else:
        mask = _from_strokes(perception, keep, drop, job, context)
    if mask.max() < SELECTED:
        raise nothing_found("object")
    return [output(mask, job, layer, "Refined")]


def strokes_on(strokes: Raster, layer: Raster) -> tuple[BoolArray, BoolArray]:
    """What is to be kept and what is to be dropped, H x W each, where the layer lies: strokes of any color but red, and
    red ones."""
    painted = coverage(strokes) >= 0.5
    if not strokes.format.has_alpha:  # on black
        painted = colors(strokes).max(2) > RED
    red, green, blue = np.moveaxis(colors(strokes), 2, 0)
    dropping = painted & (red - np.maximum(green, blue) > RED)
    there = [placed(mask, strokes.x, strokes.y, layer.box) for mask in (painted & ~dropping, dropping)]
    return there[0], there[1]


def _from_strokes(perception: Perception, keep: BoolArray, drop: BoolArray, job: Job, context: Context) -> UInt8Array:
    """The object that the strokes mean, looked at from closer by where it is small; H x W u8."""
    closer = perception.whole
    for _ in range(2):
        inside, outside = (_on_map(mask, closer, perception.side) for mask in (keep, drop))
        found = _answer(perception, closer, inside, outside)
        extent = bounding_box(found > 0.5)
        if closer != perception.whole or extent is None:
            break
        closer = surroundings(_joined(on_layer(extent, perception), keep), perception.whole)
        if closer == perception.whole:
            break
    kept, dropped = (_on_map(mask, closer, perception.side) > 0 for mask in (keep, drop))
    found = _obeying(perception.pixels[closer.window], found, found, kept, dropped)
    return mask_of(Prediction(perception.pixels, hysteresis(found), closer), job, context)


def _corrected(
    perception: Perception, before: UInt8Array, keep: BoolArray, drop: BoolArray, job: Job, context: Context
) -> UInt8Array:
    """The selection, changed where the strokes ask for it and as it was elsewhere; H x W u8."""
    extent = bounding_box((before >= SELECTED) | keep)
    assert extent is not None  # or there would be nothing to correct
    more: BoolArray = keep & (before < SELECTED)
    closer = perception.whole if more.any() else surroundings(extent, perception.whole)
    side = perception.side
    inside, outside = (_on_map(mask, closer, side) for mask in (keep, drop))
    region = _on_map((before >= SELECTED) | keep, closer, side, 0)
    found = _answer(perception, closer, inside, outside, region)
    if more.any():  # something else belongs to it, too
        found = np.maximum(found, _answer(perception, closer, _on_map(more, closer, side), outside))
    start = to_unit(cv2.resize(before[closer.window], (side, side), interpolation=cv2.INTER_AREA))
    wanted = _obeying(perception.pixels[closer.window], start, found, inside > 0, outside > 0)
    changed = (np.abs(wanted - start) > CHANGED).astype(np.uint8)
    changed = cv2.dilate(changed, np.ones((2 * AROUND + 1,) * 2, np.uint8))
    fresh = mask_of(Prediction(perception.pixels, wanted, closer), job, context)
    share = cv2.resize(changed, (closer.width, closer.height), interpolation=cv2.INTER_NEAREST) > 0
    mask = before.copy()
    mask[closer.window] = np.where(share, fresh[closer.window], before[closer.window])
    return mask


def _answer(
    perception: Perception, box: Box, inside: UInt8Array, outside: UInt8Array, region: UInt8Array | None = None
) -> FloatArray:
    """What the network answers to strokes, and to a region around the object, S x S over the box.

    It is asked what the red strokes are on, too. Of the parts of both answers one with red strokes alone is dropped as
    a whole, unless it is all there is: then what the red strokes are on, if that is clearly less; one with strokes of
    both sides is divided by color.
    """
    found = perception.prompted({INSIDE: inside, OUTSIDE: outside} | ({} if region is None else {REGION: region}), box)
    keep, drop = inside > 0, outside > 0
    if not drop.any():
        return found
    rival = perception.prompted({INSIDE: outside, OUTSIDE: inside}, box)
    shown = (found > 0.5) | (rival > 0.5) | keep | drop
    _, labels = cv2.connectedComponents(shown.astype(np.uint8))
    for label in np.unique(labels[drop]):
        part = labels == label
        area = np.count_nonzero(part)
        if (part & keep).any():
            nearer = np.where(_distance(keep) <= _distance(drop), found, np.float32(0))
            divided = _by_color(perception.pixels[box.window], nearer, keep, drop)
            found = np.where(part, divided, found).astype(np.float32)
        elif keep.any() or area < ALL * np.count_nonzero(shown):
            found = np.where(part, np.float32(0), found)
        elif np.count_nonzero(part & (rival > 0.5)) < CLEARLY_LESS * area:
            found = np.where(part, np.minimum(found, 1 - rival), found).astype(np.float32)
    return found


def _distance(mask: BoolArray) -> FloatArray:
    """How far each pixel is from the nearest one of a mask."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def _obeying(
    image: AnyArray, start: FloatArray, found: FloatArray, inside: BoolArray, outside: BoolArray
) -> FloatArray:
    """`start`, S x S, with the strokes obeyed: as `found` has it, or as colors tell, where a stroke asks for it."""
    wanted = _taken(start, found, inside, outside)
    if (wanted[inside] < 0.5).any() or (wanted[outside] > 0.5).any():
        wanted = _taken(wanted, _by_color(image, wanted, inside, outside), inside, outside)
    wanted = np.where(inside, np.float32(1), wanted)
    return np.where(outside, np.float32(0), wanted).astype(np.float32)


def _taken(start: FloatArray, found: FloatArray, inside: BoolArray, outside: BoolArray) -> FloatArray:
    """`start` with those of `found`'s differences from it that a stroke of their side touches."""
    taken = start.copy()
    for added, strokes in ((True, inside), (False, outside)):
        differs = ((found > 0.5) == added) & ((start > 0.5) != added)
        count, labels = cv2.connectedComponents((differs | strokes).astype(np.uint8))
        touched = np.zeros(count, bool)
        touched[labels[strokes]] = True
        touched[0] = False
        where = cv2.dilate((touched[labels] & differs).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        other = np.maximum(start, found) if added else np.minimum(start, found)
        taken = np.where(where, other, taken).astype(np.float32)
    return taken


def _by_color(image: AnyArray, start: FloatArray, inside: BoolArray, outside: BoolArray) -> FloatArray:
    """GrabCut from a map and strokes, S x S."""
    labels = np.where(start > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[inside], labels[outside] = cv2.GC_FGD, cv2.GC_BGD
    size = labels.shape[1], labels.shape[0]
    seen = as_depth(cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA), "u8")
    return grabcut.settle(np.ascontiguousarray(seen), labels, ITERATIONS).astype(np.float32)


def _on_map(mask: BoolArray, box: Box, side: int, radius: float = STROKE) -> UInt8Array:
    """A mask in a box of the layer on a map of that side, 0 or 255, strokes at least so wide."""
    part = mask[box.window].astype(np.uint8) * np.uint8(255)
    small = (cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    reach = round(radius * side)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    return np.asarray(cv2.dilate(small, disc) * np.uint8(255), np.uint8)


def _joined(box: Box, mask: BoolArray) -> Box:
    """The box that holds both."""
    other = bounding_box(mask)
    assert other is not None  # there are strokes
    left, top = min(box.x, other.x), min(box.y, other.y)
    right, bottom = max(box.x + box.width, other.x + other.width), max(box.y + box.height, other.y + other.height)
    return Box(left, top, right - left, bottom - top)
