"""What stands apart from the subject: other people, such as passers-by, and small objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray, UInt8Array
from backend.imaging.masks.regions import components
from models.voc import VOC_CLASSES
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import nothing_found
from .classical import output
from .instances import Instance, chosen, instances, thumbnails
from .perception import Perception, cached_rgb_image
from .subject import SELECTED, Prediction, mask_of, opened, predict_subject
from .surroundings import on_grid

PERSON = VOC_CLASSES[15]
RIM = 4  # pixels of the map around the subject that are taken for a part of it
MAIN = 0.4  # area, of the subject's largest part, from which another part is the subject's as well
OWN = 0.5  # share of an object within the subject from which it belongs to it
SMALL = 0.1  # of the layer's area: what is larger is no small object


def select_other_people(job: Job, context: Context) -> list[Output]:
    """All people but those of the subject. Raises OperationError where there is nobody else."""
    found = _apart(job, context)
    people = [each for each in found.instances if each.name == PERSON]
    mask = found.mask_of(people, job, context)
    if mask.max() < SELECTED:
        raise nothing_found("other person")
    return [output(mask, job, job.inputs["image"], "Other people")]


def select_small_objects(job: Job, context: Context) -> list[Output]:
    """One of the small objects that stand apart from the subject, by its number from the largest on, or all of them.

    Raises OperationError, saying how many there are, where there is none of that number.
    """
    found = _apart(job, context)
    wanted = chosen(found.small, str(job.parameters["found"]), "small object")
    mask = found.mask_of(wanted, job, context)
    if mask.max() < SELECTED:
        raise nothing_found("small object")
    return [output(mask, job, job.inputs["image"], "Small objects")]


def list_small_objects(job: Job, context: Context) -> list[Output]:
    """What `select_small_objects` would find: a thumbnail of each, as `list_objects` gives them."""
    found = _apart(job, context)
    return thumbnails(found.small, found.perception, job.inputs["image"])


@dataclass(frozen=True)
class _Apart:
    """The objects that are no part of the subject, largest first, and the subject, on the layer's map, too."""

    perception: Perception
    subject: Prediction
    own: BoolArray  # S x S
    instances: list[Instance]

    @property
    def small(self) -> list[Instance]:
        return [each for each in self.instances if each.share <= SMALL]

    def mask_of(self, wanted: Sequence[Instance], job: Job, context: Context) -> UInt8Array:
        """A selection of objects, H x W, that leaves the subject out."""
        pixels = self.subject.pixels
        height, width = pixels.shape[:2]
        mask = np.zeros((height, width), np.uint8)
        for each in wanted:
            one = mask_of(opened(Prediction(pixels, each.probability, each.box), job, self.perception), job, context)
            np.maximum(mask, one, out=mask)
        if mask.max() >= SELECTED:
            mine = cv2.resize(_grown(self.own).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
            np.minimum(mask, np.subtract(255, mask_of(self.subject, job, context)), out=mask, where=mine > 0)
        return mask


def _apart(job: Job, context: Context) -> _Apart:
    layer = job.inputs["image"]
    pixels = cached_rgb_image(layer, context)
    subject = predict_subject(job, context)
    perception = Perception(layer, pixels, context)
    whole, size = perception.whole, (perception.side,) * 2
    own = _main_parts(on_grid(subject.probability, subject.box, whole, size) > 0.5)
    context.progress(0.4, "Looking for what stands apart", None)
    others = []
    for each in instances(perception):
        inside = on_grid(each.probability, each.box, whole, size) > 0.5
        if np.count_nonzero(inside & own) <= OWN * np.count_nonzero(inside):
            others.append(each)
    return _Apart(perception, subject, own, others)


def _main_parts(subject: BoolArray) -> BoolArray:
    """The subject without what is much smaller than its largest part: a passer-by that it was taken for, too."""
    parts = components(subject)
    kept = np.zeros_like(subject)
    for part in parts:
        if np.count_nonzero(part) >= MAIN * np.count_nonzero(parts[0]):
            kept |= part
    return kept


def _grown(mask: BoolArray) -> BoolArray:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1,) * 2)
    grown: BoolArray = cv2.dilate(mask.astype(np.uint8), disc) > 0
    return grown
