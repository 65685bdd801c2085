"""One call of a procedure: check the image, ask the person, send the job, show how it goes, put the result in place.

GIMP gives every call a process of its own, so waiting here holds up nobody. Cancelling GIMP's progress bar kills the
process; the backend notices that the client has gone and stops the job.
"""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from typing import Any

from gi.repository import Gimp, GLib

from ..client.actions import Action
from ..client.connection import Connection, JobCancelled, JobFailed
from ..client.jobs import Job, Progress
from . import arguments, dialogs, image, results


def run(procedure: Any, run_mode: Any, picture: Any, drawables: list[Any], config: Any, action: Action) -> Any:
    """What GIMP calls. An error's message says what happened and what to do; the image is as it was then."""
    try:
        layer = image.active_layer(action, picture, drawables)
        if run_mode == Gimp.RunMode.INTERACTIVE and not dialogs.ask(action, procedure, config):
            return _answer(procedure, Gimp.PDBStatusType.CANCEL)
        notes = _work(action, picture, layer, config)
        if notes and run_mode != Gimp.RunMode.NONINTERACTIVE:
            Gimp.message("\n".join(notes))
    except JobCancelled:
        return _answer(procedure, Gimp.PDBStatusType.CANCEL)
    except (image.ImageError, JobFailed, ValueError) as error:
        return _answer(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, str(error))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        fault = f"Inlay's plug-in failed: {type(error).__name__}: {error}. Please report this."
        return _answer(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, fault)
    return _answer(procedure, Gimp.PDBStatusType.SUCCESS)


def _work(action: Action, picture: Any, layer: Any, config: Any) -> tuple[str, ...]:
    parameters = action.check(arguments.values(config, action))
    inputs = image.gather(action, picture, layer, lambda name: arguments.chosen_layer(config, name))
    Gimp.progress_init(f"{action.label}...")
    try:
        with Connection("gimp") as connection:
            job = Job(action.name, parameters, inputs)
            result = connection.run(job, on_event=_show, cancelled=_terminated().is_set)
        results.apply(result, picture, layer, str(parameters.get("combine", "replace")))
    finally:
        Gimp.progress_end()
    Gimp.displays_flush()
    return result.notes


def _show(progress: Progress) -> None:
    if progress.message:
        Gimp.progress_set_text(progress.message)
    if progress.fraction < 0:
        Gimp.progress_pulse()
    else:
        Gimp.progress_update(min(progress.fraction, 1.0))


def _terminated() -> threading.Event:
    """Set when somebody asks this process to end, so that the job is cancelled in good order."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    return asked


def _answer(procedure: Any, status: Any, message: str = "") -> Any:
    return procedure.new_return_values(status, GLib.Error(message) if message else None)
