"""Find something and fill its place, its shadow and its halo with it, in one action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..masks import nothing_found, selected
from ..selection.apart import select_other_people, select_small_objects
from ..selection.subject import select_object, select_subject
from .content_aware import fill_mask

FAINT = 26  # of 255: what is found less than this is left
SEARCH = 0.3  # of the progress: finding it
Select = Callable[[Job, Context], list[Output]]


def remove_subject(job: Job, context: Context) -> list[Output]:
    """The layer's subject found, and filled as `fill_selection` does."""
    return _remove(select_subject, "select.subject", "subject", job, context)


def remove_object(job: Job, context: Context) -> list[Output]:
    """The object that the selection means found, and filled as `fill_selection` does."""
    return _remove(select_object, "select.object", "object", job, context)


def remove_other_people(job: Job, context: Context) -> list[Output]:
    """All people but those of the subject found, and filled as `fill_selection` does."""
    return _remove(select_other_people, "select.other_people", "other person", job, context)


def remove_small_objects(job: Job, context: Context) -> list[Output]:
    """Small objects that stand apart from the subject, or one of them, found, and filled as `fill_selection` does."""
    found = job.parameters["found"]
    return _remove(select_small_objects, "select.objects", "small object", job, context, found=found)


def _remove(select: Select, selecting: str, what: str, job: Job, context: Context, **settings: Value) -> list[Output]:
    """What is selected with the action `selecting`, called `what`, filled."""

    def searching(done: float, message: str = "", preview: Raster | None = None) -> None:
        context.progress(SEARCH * done, message, preview)

    def filling(done: float, message: str = "", preview: Raster | None = None) -> None:
        context.progress(SEARCH + (1 - SEARCH) * done, message, preview)

    search = Job(selecting, BY_NAME[selecting].check(settings), job.inputs)
    (found,) = select(search, replace(context, progress=searching))
    mask = selected(found.raster, job.inputs["image"]) >= FAINT
    if not mask.any():
        raise nothing_found(what)
    # whatever is found to some degree is removed wholly: half of it left would be a ghost
    return fill_mask(np.where(mask, 255, 0).astype(np.uint8), job, replace(context, progress=filling))
