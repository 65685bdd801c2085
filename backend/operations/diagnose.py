"""Operations that show whether the way to the backend and back is sound."""

from __future__ import annotations

import time

from backend.imaging import Cancelled
from plugin.client.actions import ResultKind
from plugin.client.jobs import Job, Output

from . import Context


def identity(job: Job, context: Context) -> list[Output]:
    """The layer as it came, after the asked-for wait."""
    wait = float(job.parameters["seconds"])
    start = time.monotonic()
    while (passed := time.monotonic() - start) < wait:
        if context.cancelled():
            raise Cancelled
        context.progress(passed / wait, "Waiting", None)
        time.sleep(min(0.05, wait - passed))
    return [Output(ResultKind.LAYER, "There and back", job.inputs["image"])]
