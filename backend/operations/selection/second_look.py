"""Where the network is not sure of the subject: what else it may be, looked at from closer by.

How sure it is of a map, it says itself: `expected_iou`. There are two kinds of candidates:

- What stands out by its color (`backend.imaging.masks.distinct`) and by nothing else of that image: a thing that takes
  up some pixels of the few hundred the network sees is lost in them, from closer by it is as large as any.
- The surest part of the first answer: where that runs over two things of which it means one, the levels of its
  probability part them.

A candidate counts where the network, looking at its surroundings, says the same with and without being told where it
is, is surer of that than of the first answer, and where what it says ends within the surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, FloatArray
from backend.imaging.masks.distinct import DISTINCT, SIDE, color_distance, distinct_region
from backend.imaging.masks.regions import bounding_box
from plugin.client.image import Box

from .perception import REGION, Perception
from .surroundings import cut_off, on_layer, surroundings

SURE = 0.75  # the expected IoU from which on a first answer stands
AGREE = 0.85  # IoU of what is said with and without a prompt
STANDS_OUT = 8.0  # distance of the most distinct color, in standard deviations
ALONE = 1.4  # and how many times as far it is as any other color outside the surroundings
OBJECT = 0.87  # expected IoU of an object found by its color
MORE = 2.0  # its mean distance, in that of the first answer
SURER = 0.1  # how much higher than the first answer's the expected IoU of its surest part is
LEVELS = (0.75, 0.8)  # of the way from one half to the largest probability
COVERED = 0.8  # of what stands out, by it
NEAR_COLOR, NEAR_PART = 1.0, 0.4  # what is looked at around either, of its box's longer side


@dataclass(frozen=True)
class Candidate:
    """What a closer look at a box of the layer shows."""

    probability: FloatArray  # S x S over the box
    box: Box
    expected: float  # IoU


def expected_iou(probability: FloatArray) -> float:
    """The IoU, about, of a map cut at one half with what it shows, if its probabilities are right: its expected
    intersection by its expected union. 0 where it is nowhere above one half."""
    inside = probability > 0.5
    union = np.count_nonzero(inside) + float(probability[~inside].sum())
    return float(probability[inside].sum()) / union if union else 0.0


def look_again(perception: Perception, seen: FloatArray, first: FloatArray, box: Box) -> Candidate | None:
    """What is rather the subject than the first answer is; None where nothing is.

    Args:
        perception: The network on the layer.
        seen: S x S, what the network saw in the whole layer.
        first: S x S over `box`, the first answer.
        box: In layer pixels.
    """
    sure = expected_iou(first)
    if sure >= SURE:
        return None
    part = _surest_part(perception, seen, sure + SURER)
    distinct = _distinct_object(perception, first, box, sure)
    if part is not None and distinct is not None and _within(distinct, part, perception.whole):
        return part  # what is distinct is a detail of it: a button of a dialog
    return distinct or part


def _distinct_object(perception: Perception, first: FloatArray, box: Box, sure: float) -> Candidate | None:
    """The one object that stands out by its color, if there is one."""
    whole, distance = perception.whole, color_distance(perception.pixels)
    region = distinct_region(distance)
    if region is None or distance[region].max() < STANDS_OUT:
        return None
    extent = bounding_box(region)
    assert extent is not None  # a region is not empty
    there = _scaled(extent, distance.shape, (whole.height, whole.width))
    near = there.padded(round(NEAR_COLOR * max(there.width, there.height)), (whole.height, whole.width))
    elsewhere = distance.copy()
    elsewhere[_scaled(near, (whole.height, whole.width), distance.shape).window] = 0
    if distance[region].max() < ALONE * max(DISTINCT, float(elsewhere.max())):
        return None
    candidate = _closer(perception, there, near)
    if candidate is None or candidate.expected < OBJECT:
        return None
    own = _on_map(candidate.probability, candidate.box, whole, distance.shape)
    other = _on_map(first, box, whole, distance.shape)
    if not own[region].mean() > COVERED:
        return None
    more = not other.any() or distance[own].mean() >= MORE * distance[other].mean()
    return candidate if more else None


def _surest_part(perception: Perception, seen: FloatArray, least: float) -> Candidate | None:
    """The part of what the network saw in the whole layer that it is surest of, seen from closer by.

    None unless at all levels the part's expected IoU is at least `least`: a part that comes and goes with the level is
    mostly a part of the subject.
    """
    most, parts = float(seen.max()), []
    if most <= 0.5:
        return None
    for level in LEVELS:
        _, _, stats, _ = cv2.connectedComponentsWithStats((seen > 0.5 + level * (most - 0.5)).astype(np.uint8))
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        x, y, width, height = (int(value) for value in stats[largest, : cv2.CC_STAT_AREA])
        there = on_layer(Box(x, y, width, height), perception)
        part = _closer(perception, there, surroundings(there, perception.whole, NEAR_PART, 1.0))
        if part is None or part.expected < least:
            return None
        parts.append(part)
    return max(parts, key=lambda part: part.expected)


def _closer(perception: Perception, there: Box, near: Box) -> Candidate | None:
    """What is in the box `there`, looking at the box `near` around it; None where the network is of two minds, or where
    it goes on beyond."""
    prompt = np.zeros((near.height, near.width), np.uint8)
    prompt[there.y - near.y :, there.x - near.x :][: there.height, : there.width] = 255
    found, asked = perception.subject(box=near), perception.object(prompt, REGION, near)
    both = np.asarray(found + asked, np.float32) / np.float32(2)
    if _iou(found > 0.5, asked > 0.5) < AGREE or cut_off(both, near, perception.whole):
        return None
    return Candidate(both, near, expected_iou(both))


def _iou(a: BoolArray, b: BoolArray) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0


def _scaled(box: Box, shape: tuple[int, ...], onto: tuple[int, int]) -> Box:
    """The box of a map of one shape on one of another, whole pixels that hold all of it."""
    y, x = (new / old for new, old in zip(onto, shape, strict=True))
    left, top = int(box.x * x), int(box.y * y)
    right, bottom = int(np.ceil((box.x + box.width) * x)), int(np.ceil((box.y + box.height) * y))
    return Box(left, top, min(right, onto[1]) - left, min(bottom, onto[0]) - top)


def _on_map(probability: FloatArray, box: Box, whole: Box, shape: tuple[int, int]) -> BoolArray:
    """Where a map of a box of the layer is above one half, on a map of the whole layer of that shape."""
    there = _scaled(box, (whole.height, whole.width), shape)
    shown: BoolArray = np.zeros(shape, bool)
    shown[there.window] = cv2.resize(probability, (there.width, there.height), interpolation=cv2.INTER_AREA) > 0.5
    return shown


def _within(inner: Candidate, outer: Candidate, whole: Box) -> bool:
    """Whether most of a candidate lies within another one."""
    shape = (SIDE, SIDE)
    small, large = (_on_map(each.probability, each.box, whole, shape) for each in (inner, outer))
    return bool(np.count_nonzero(small & large) > 0.5 * np.count_nonzero(small))
