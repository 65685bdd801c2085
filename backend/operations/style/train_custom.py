"""The training of a style of one's own from a layer: begun, watched, paused and resumed from the editor."""

from __future__ import annotations

from pathlib import Path

import cv2

from backend.io.rasters import as_depth
from backend.operations.style import training_process
from models.zoo import custom_styles
from plugin.client.messages import ErrorCode, Job, Output

from .. import Context, OperationError
from .stylize import opaque


def train_style(job: Job, context: Context) -> list[Output]:
    """Does what is asked of the training called `name` and says how it is; no outputs. It runs beside the backend.

    Raises OperationError when that cannot be: a bad name, no photographs, nothing to pause.
    """
    settings = job.parameters
    name, what = str(settings["name"]), str(settings["command"])
    try:
        name = custom_styles.check_name(name)
        if what == "begin":
            _begin(name, job)
        if what in ("begin", "resume"):
            training_process.start(name)
            context.notes.append(f"{name} is in training, beside your work; 'Show its progress' says how far it is.")
            return []
        if what == "remove":
            training_process.remove(name)
            context.notes.append(f"{name} is gone.")
            return []
        if what == "pause":
            training_process.ask_to_pause(name)
        context.notes.append(training_process.describe(name))
    except custom_styles.CustomStyleError as error:
        raise OperationError(ErrorCode.BAD_INPUT, str(error), "See docs/style.md, custom styles.") from None
    return []


def training_progress(job: Job, context: Context) -> list[Output]:
    """How far the training called `name` is, as progress; a note where it does not run; no outputs.

    Raises OperationError when none was begun.
    """
    name = str(job.parameters["name"])
    try:
        name = custom_styles.check_name(name)
        state, running = training_process.describe(name), training_process.alive(name)
        status = training_process.read_status(name) if running else {}
    except custom_styles.CustomStyleError as error:
        raise OperationError(ErrorCode.BAD_INPUT, str(error), "See docs/style.md, custom styles.") from None
    if running:  # before its first step there is no status
        context.progress(status["step"] / max(1, status["steps"]) if status else 0.0, state, None)
    else:
        context.notes.append(state)
    return []


def _begin(name: str, job: Job) -> None:
    from models.training.style.custom import check_photos

    if not job.parameters["photos"]:
        raise custom_styles.CustomStyleError("Name a folder with photographs to practice on; at least 20 are needed.")
    photos = Path(str(job.parameters["photos"])).expanduser()
    check_photos(photos)
    image = as_depth(opaque(job.inputs["image"]), "u8")
    _, painting = cv2.imencode(".png", image[..., ::-1])
    training_process.begin(name, painting.tobytes(), photos, int(job.parameters["steps"]))
