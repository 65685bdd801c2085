"""The training of a style of one's own from a layer: begun, watched, paused and resumed from the editor."""

from __future__ import annotations

from pathlib import Path

import cv2

from backend import style_training
from backend.pixels import as_depth
from models import own_styles
from plugin.client.jobs import ErrorCode, Job, Output

from . import Context, OperationError
from .style import opaque


def train_style(job: Job, context: Context) -> list[Output]:
    """Does what is asked of the training called `name` and says how it is; no outputs. It runs beside the backend.

    Raises OperationError when that cannot be: a bad name, no photographs, nothing to pause.
    """
    settings = job.parameters
    name, what = str(settings["name"]), str(settings["what"])
    try:
        own_styles.check_name(name)
        if what == "begin":
            _begin(name, job)
        if what in ("begin", "resume"):
            style_training.start(name)
            context.notes.append(f"{name} is in training, beside your work. Choose 'Say how far it is' to see.")
            return []
        if what == "remove":
            style_training.remove(name)
            context.notes.append(f"{name} is gone.")
            return []
        if what == "pause":
            style_training.ask_to_pause(name)
        context.notes.append(style_training.describe(name))
    except own_styles.OwnStyleError as error:
        raise OperationError(ErrorCode.BAD_INPUT, str(error), "See docs/style.md, own styles.") from None
    return []


def _begin(name: str, job: Job) -> None:
    from models.training.own_style import check_photos

    if not job.parameters["photos"]:
        raise own_styles.OwnStyleError("Name a folder with photographs to practise on; at least 20 are needed.")
    photos = Path(str(job.parameters["photos"])).expanduser()
    check_photos(photos)
    folder = own_styles.run_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    painting = folder / "painting.png"
    image = as_depth(opaque(job.inputs["image"]), "u8")
    cv2.imwrite(str(painting), image[..., ::-1])
    style_training.begin(name, painting, photos, int(job.parameters["steps"]))
