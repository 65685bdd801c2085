"""Select Other People: everybody but the subject, such as passers-by."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import BoolArray
from backend.imaging.masks.regions import components
from models.voc import VOC_CLASSES
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import nothing_found
from .classical import output
from .instances import instances
from .perception import Perception, cached_rgb_image
from .subject import SELECTED, Prediction, mask_of, opened, predict_subject
from .surroundings import on_grid

PERSON = VOC_CLASSES[15]
RIM = 4  # pixels of the map around the subject that are taken for a part of it
MAIN = 0.4  # area, of the subject's largest part, from which another part is the subject's as well
OWN = 0.5  # share of a person within the subject from which they belong to it


def select_other_people(job: Job, context: Context) -> list[Output]:
    """All people but those of the subject. Raises OperationError where there is nobody else."""
    layer = job.inputs["image"]
    pixels = cached_rgb_image(layer, context)
    subject = predict_subject(job, context)
    perception = Perception(layer, pixels, context)
    whole, size = perception.whole, (perception.side,) * 2
    own = _main_parts(on_grid(subject.probability, subject.box, whole, size) > 0.5)
    context.progress(0.4, "Looking for people", None)
    mask = np.zeros(pixels.shape[:2], np.uint8)
    for each in instances(perception):
        inside = on_grid(each.probability, each.box, whole, size) > 0.5
        if each.name != PERSON or np.count_nonzero(inside & own) > OWN * np.count_nonzero(inside):
            continue
        one = mask_of(opened(Prediction(pixels, each.probability, each.box), job, perception), job, context)
        np.maximum(mask, one, out=mask)
    if mask.max() >= SELECTED:
        mine = cv2.resize(_grown(own).astype(np.uint8), (layer.width, layer.height), interpolation=cv2.INTER_NEAREST)
        np.minimum(mask, np.subtract(255, mask_of(subject, job, context)), out=mask, where=mine > 0)
    if mask.max() < SELECTED:
        raise nothing_found("other person")
    return [output(mask, job, layer, "Other people")]


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
