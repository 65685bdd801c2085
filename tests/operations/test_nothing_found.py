"""No subject, no object, nothing of a class: said in one wording, and neither nothing nor everything is selected."""

from __future__ import annotations

import numpy as np
import pytest

from backend.io.rasters import from_array
from backend.operations import Context, OperationError, find
from plugin.client.actions import Value
from plugin.client.image import Raster
from plugin.client.messages import ErrorCode

from .jobs import job_of

CONTEXT = Context()
SUBJECT: dict[str, dict[str, Value]] = {
    "select.subject": {}, "select.background": {}, "cutout.background": {}, "cutout.subject": {}, "fill.subject": {},
    "paste.portrait": {}, "paste.subject": {}, "style.background": {}, "style.subject": {},
    "style.preset": {"region": "subject"}, "background.blur": {}, "background.gray": {},
}  # fmt: skip
FINDING = {action: ("subject", settings) for action, settings in SUBJECT.items()}
FINDING |= {name: ("dust", {}) for name in ("select.dust", "fill.dust")}
FINDING |= {"fill.other_people": ("other person", {}), "fill.objects": ("small object", {})}
FINDING |= {"select.sky": ("sky", {}), "paste.sky": ("sky", {})}
FINDING |= {"select.class": ("boat", {"class_name": "boat"})}
EMPTY = ["white", "black", "gray", "slope", "clear"]


def empty(kind: str) -> Raster:
    if kind == "clear":
        return from_array(np.zeros((96, 128, 4), np.uint8))
    if kind == "slope":
        slope = np.linspace(60, 180, 128)[None, :, None] * np.ones((96, 1, 3))
        return from_array(slope.astype(np.uint8))
    return from_array(np.full((96, 128, 3), {"white": 255, "black": 0, "gray": 128}[kind], np.uint8))


@pytest.mark.parametrize("kind", EMPTY)
@pytest.mark.parametrize("action", FINDING)
def test_nothing_found_is_an_error_of_one_wording(action: str, kind: str) -> None:
    what, settings = FINDING[action]
    job = job_of(action, empty(kind), **settings)
    job.inputs.pop("selection", None)
    with pytest.raises(OperationError) as raised:
        find(action)(job, CONTEXT)
    if kind == "clear" and action in ("paste.portrait", "paste.subject"):
        assert raised.value.message == "The other layer is transparent everywhere."
        return
    assert raised.value.code is ErrorCode.NOTHING_FOUND
    assert raised.value.message == f"No {what} was found."
    assert raised.value.remedy
