"""The training of a style of one's own as a process beside everything else: begun, watched, paused, resumed.

The run's folder (`models.zoo.custom_styles.run_folder`) holds settings.json, status.json, last.pt, the
log, and while somebody has asked for a pause, a file `pause`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from models.zoo.custom_styles import CustomStyleError, names, path_of, run_folder

PATIENCE = 1.5  # seconds in which a step mostly ends


def begin(name: str, painting: Path, photos: Path, steps: int) -> None:
    """Writes down what is to be trained. Raises CustomStyleError when such a run has begun, or there is no painting."""
    from models.training.style.custom import Settings
    from models.zoo.custom_styles import check_name

    check_name(name)
    if (run_folder(name) / "last.pt").exists() or alive(read_status(name)):
        raise CustomStyleError(f"A training of {name!r} was begun already: resume it (--resume), or take another name.")
    if not painting.is_file():
        raise CustomStyleError(f"There is no file {painting}.")
    Settings(name, str(painting.absolute()), str(photos.absolute()), steps).write()


def start(name: str) -> Path:
    """Trains in a process of its own that outlives this one; the path of its log. Raises CustomStyleError."""
    folder = run_folder(name)
    if alive(read_status(name)):
        raise CustomStyleError(f"{name!r} is in training already.")
    if not (folder / "settings.json").is_file():
        raise CustomStyleError(f"No training of a style {name!r} was begun.")
    words = [sys.executable, "-m", "backend", "train-style", "--name", name, "--resume"]
    log = folder / "log.txt"
    with log.open("ab") as out:
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            cwd=Path(__file__).parents[3],
        )  # fmt: skip
    return log


def ask_to_pause(name: str) -> None:
    """The run stops after its step, and can go on later. Raises CustomStyleError when it does not run."""
    if not alive(read_status(name)):
        raise CustomStyleError(f"{name!r} is not in training.")
    (run_folder(name) / "pause").touch()
    until = time.monotonic() + PATIENCE
    while alive(read_status(name)) and time.monotonic() < until:
        time.sleep(0.05)


def remove(name: str) -> None:
    """Delete a style, or its training. Raises CustomStyleError where there is neither or the training still runs."""
    folder, trained = run_folder(name), name in names()
    if alive(read_status(name)):
        ask_to_pause(name)
        if alive(read_status(name)):
            raise CustomStyleError(f"{name!r} stops after this step. Remove it then.")
    if not trained and not folder.is_dir():
        raise CustomStyleError(f"There is no style {name!r}, and none of that name is in training.")
    if folder.is_dir():
        shutil.rmtree(folder)
    path_of(name).unlink(missing_ok=True)


def describe(name: str) -> str:
    """One line on how the training of a style is doing. Raises CustomStyleError when none was begun."""
    status = read_status(name)
    if not status:
        if name in names():
            return f"{name}: trained"
        raise CustomStyleError(f"No training of a style {name!r} was begun.")
    how_far = f"{status['step']} of {status['steps']} steps"
    if not alive(status):
        return f"{name}: paused at {how_far}; `inlay train-style --name {name} --resume` goes on"
    if (run_folder(name) / "pause").exists():
        return f"{name}: pauses after this step, {how_far}"
    return f"{name}: in training, {how_far}, about {duration(status['seconds_left'])} left"


def read_status(name: str) -> dict[str, Any]:
    """pid (0 when it does not run), step, steps, seconds_left; empty when there is none."""
    try:
        status: dict[str, Any] = json.loads((run_folder(name) / "status.json").read_text())
    except (OSError, ValueError):
        return {}
    return status


def write_status(folder: Path, status: dict[str, Any]) -> None:
    """At once or not at all."""
    partial = folder / "status.partial"
    partial.write_text(json.dumps(status))
    partial.replace(folder / "status.json")


def alive(status: dict[str, Any]) -> bool:
    """Whether the process that trains still runs."""
    pid = int(status.get("pid", 0))
    if not pid:
        return False
    if sys.platform == "win32":
        listing = subprocess.run(["tasklist", "/FI", f"PID eq {pid}"], capture_output=True, text=True, check=False)
        return str(pid) in listing.stdout
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def duration(seconds: float) -> str:
    """In seconds or minutes, for the user."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
