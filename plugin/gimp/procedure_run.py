"""One call of a procedure: check the image, ask the user, send the job, show how it goes, put the result in place.

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

from ..client.actions import BY_NAME, Action, ResultKind
from ..client.image import Raster
from ..client.messages import Job, Progress, Result
from ..client.net.connection import Connection, JobCancelled, JobFailed
from . import arguments, choice_list, dialogs, image, results
from .thumbnails import Watching


def run(procedure: Any, run_mode: Any, gimp_image: Any, drawables: list[Any], config: Any, action: Action) -> Any:
    """What GIMP calls. An error's message says what happened and what to do; the image is as it was then."""
    try:
        layer = image.active_layer(action, gimp_image, drawables)
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            arguments.forget_old(config, action)
        if run_mode == Gimp.RunMode.INTERACTIVE:
            arguments.propose_layers(config, action, gimp_image, layer)
            if not dialogs.ask(action, procedure, config, dynamic_choices(action, gimp_image, layer)):
                return _answer(procedure, Gimp.PDBStatusType.CANCEL)
        watched = action.watched and run_mode != Gimp.RunMode.NONINTERACTIVE
        notes = _work(action, gimp_image, layer, config, Watching(f"{action.label}: so far") if watched else None)
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            arguments.advance(config, action)
            if notes:
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


def dynamic_choices(action: Action, gimp_image: Any, layer: Any) -> list[choice_list.DynamicChoice] | None:
    """What the layer offers for the action's parameter that depends on it; None where nothing does or none can tell.

    Raises ImageError when the layer has nothing to offer.
    """
    parameter = choice_list.dynamic_parameter(action)
    if parameter is None:
        return None
    listing = BY_NAME[parameter.choice_provider]
    try:
        listed = _answered(
            Job(listing.name, listing.check({}), _inputs(listing, gimp_image, layer, None)), action.label
        )
    except JobFailed as error:
        print(f"{listing.name}: {error}", file=sys.stderr)
        return None
    found = choice_list.dynamic_choices(parameter, listed)
    if len(found) == 1:
        raise image.ImageError(f"{action.label} knows nothing of what is in this layer. Choose another way to select.")
    return found


def _work(action: Action, gimp_image: Any, layer: Any, config: Any, watching: Watching | None) -> tuple[str, ...]:
    parameters = action.check(arguments.values(config, action))
    suited = action.suited(parameters)
    if suited.result is ResultKind.LAYER_MASK:
        image.check_mask_can_be_set(layer)
    job = Job(action.name, parameters, _inputs(suited, gimp_image, layer, config))
    result = _answered(job, action.label, watching)
    results.apply(result, gimp_image, layer, str(parameters.get("mode", "replace")))
    Gimp.displays_flush()
    return result.notes


def _inputs(action: Action, gimp_image: Any, layer: Any, config: Any) -> dict[str, Raster]:
    return image.gather(action, gimp_image, layer, lambda name: arguments.chosen_layer(config, name))


def _answered(job: Job, label: str, watching: Watching | None = None) -> Result:
    """The job's result; how it goes is shown in the progress bar, and what there is of it where it is watched."""
    Gimp.progress_init(f"{label}...")
    terminated = _terminated()

    def show(progress: Progress) -> None:
        _show(progress)
        if watching is not None and progress.preview is not None:
            watching.show(progress.preview)

    def cancelled() -> bool:
        return terminated.is_set() or (watching is not None and watching.stopped())

    try:
        with Connection("gimp") as connection:
            return connection.run(job, on_event=show, cancelled=cancelled)
    finally:
        if watching is not None:
            watching.close()
        Gimp.progress_end()


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
