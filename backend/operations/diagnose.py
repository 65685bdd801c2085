"""Operations that show whether the way to the backend and back is sound."""

from __future__ import annotations

import contextlib
import os
import time

from backend.imaging import Cancelled
from plugin.client.actions import ResultKind
from plugin.client.messages import Job, Output

from . import Context


def identity(job: Job, context: Context) -> list[Output]:
    """The layer as it came, after the asked-for wait; or the asked-for fault.

    Raises Cancelled, and what `fault` raises.
    """
    wait = float(job.parameters["seconds"])
    start = time.monotonic()
    while (passed := time.monotonic() - start) < wait:
        if context.cancelled():
            raise Cancelled
        context.progress(passed / wait, "Waiting", None)
        time.sleep(min(0.05, wait - passed))
    fault(str(job.parameters["fault"]), context)
    return [Output(ResultKind.LAYER, "There and back", job.inputs["image"])]


def fault(kind: str, context: Context) -> None:
    """Go wrong as `identity`'s parameter of this name says.

    Raises RuntimeError for "error", MemoryError for "memory" and "tight".
    """
    if kind == "error":
        raise RuntimeError("the fault that was asked for")
    if kind == "memory" or (kind == "tight" and not context.budget):
        bytearray(1 << 62)  # more than any machine has: raises MemoryError
    if kind == "crash":
        time.sleep(0.2)  # what was said before is to be on its way
        os._exit(3)
    while kind == "busy":  # looks for no cancel
        time.sleep(0.001)
    while kind == "hang":  # nothing ends it
        with contextlib.suppress(Cancelled):
            time.sleep(1)
