"""The training of a style of one's own as a process beside everything else: begun, watched, paused, resumed.

The run's folder (`models.zoo.custom_styles.run_folder`) holds settings.json, status.json, last.pt, the log, and while
somebody has asked for a pause, a file `pause`. The process that trains holds the file `lock`: the system lets go of it
however that process ends, so a run that was killed, or whose number another process has got since, is not taken for one
that goes on.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.zoo.custom_styles import CustomStyleError, names, path_of, run_folder, runs
from models.zoo.regular_file import read_regular
from plugin.client.server.launcher import is_locked, take_lock

PATIENCE = 1.5  # seconds in which a step mostly ends
START_SECONDS = 30.0
STATUS_BYTES = 1 << 16
_NUMBERS = ("step", "steps", "seconds_left")


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lock of a run. Raises CustomStyleError when somebody else does: it is in training."""
    folder = run_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    lock = take_lock(folder / "lock")
    if lock is None:
        raise CustomStyleError(f"{name!r} is in training already.")
    try:
        yield
    finally:
        lock.close()


def begin(name: str, painting: Path | bytes, photos: Path, steps: int) -> None:
    """Write down what is to be trained.

    Args:
        name: of the style.
        painting: a file of the user's, or what is to be the run's own PNG file.
        photos: folder of photographs.
        steps: of the training.

    Raises:
        CustomStyleError: such a run has begun, or there is no painting. Nothing is changed then.
    """
    from models.training.style.custom import Settings
    from models.zoo.custom_styles import check_name

    check_name(name)
    if similar := [other for other in (*names(), *runs()) if other != name and other.casefold() == name.casefold()]:
        raise CustomStyleError(f"There is a style {similar[0]!r}. Choose a name that differs in more than capitals.")
    if isinstance(painting, Path) and not painting.is_file():
        raise CustomStyleError(f"There is no file {painting}.")
    with held(name):
        folder = run_folder(name)
        if (folder / "last.pt").exists():
            raise CustomStyleError(
                f"A training of {name!r} was begun already: resume it (--resume), or take another name."
            )
        if isinstance(painting, bytes):
            write_whole(folder / "painting.png", painting)
            painting = folder / "painting.png"
        Settings(name, str(painting.absolute()), str(photos.absolute()), steps).write()


def start(name: str) -> Path:
    """Train in a process of its own that outlives this one; the path of its log.

    Raises CustomStyleError when it trains already, was never begun, or does not start.
    """
    folder = run_folder(name)
    if alive(name):
        raise CustomStyleError(f"{name!r} is in training already.")
    if not (folder / "settings.json").is_file():
        raise CustomStyleError(f"No training of a style {name!r} was begun.")
    words = [sys.executable, "-m", "backend", "train-style", "--name", name, "--resume"]
    log = folder / "log.txt"
    with log.open("ab") as out:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=os.name == "posix",
            cwd=Path(__file__).parents[3],
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
            | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )  # fmt: skip
    until = time.monotonic() + START_SECONDS
    while not alive(name) and time.monotonic() < until:
        if process.poll():
            raise CustomStyleError(f"The training of {name!r} ended as it started. {log} says why.")
        if process.returncode == 0:
            break  # it had nothing left to do
        time.sleep(0.05)
    return log


def ask_to_pause(name: str) -> None:
    """The run stops after its step, and can go on later. Raises CustomStyleError when it does not run."""
    if not alive(name):
        raise CustomStyleError(f"{name!r} is not in training.")
    (run_folder(name) / "pause").touch()
    until = time.monotonic() + PATIENCE
    while alive(name) and time.monotonic() < until:
        time.sleep(0.05)


def remove(name: str) -> None:
    """Forget a style, or a training that was begun. Raises CustomStyleError where there is neither, or it runs."""
    folder, trained = run_folder(name), name in names()
    if alive(name):
        ask_to_pause(name)
        if alive(name):
            raise CustomStyleError(f"{name!r} stops after this step. Remove it then.")
    if not trained and not folder.is_dir():
        raise CustomStyleError(f"There is no style {name!r}, and none of that name is in training.")
    if folder.is_dir():
        shutil.rmtree(folder)
    path_of(name).unlink(missing_ok=True)


def describe(name: str) -> str:
    """One line on how the training of a style is doing. Raises CustomStyleError when none was begun."""
    folder, command = run_folder(name), f"inlay train-style --name {shlex.quote(name)}"
    resume = f"`{command} --resume`"
    running = alive(name)
    try:
        status = read_status(name)
    except CustomStyleError as error:
        return f"{name}: {'in training; ' if running else ''}{error}"
    if not status:
        if running:
            return f"{name}: in training, about to begin"
        if name in names():
            return f"{name}: trained"
        if (folder / "settings.json").is_file():
            return f"{name}: begun, but no step was made; {resume} goes on"
        if folder.is_dir():
            return f"{name}: its folder holds no training; `{command} --remove` removes it"
        raise CustomStyleError(f"No training of a style {name!r} was begun.")
    how_far = f"{status['step']} of {status['steps']} steps"
    if not running:
        if status.get("failure"):
            return f"{name}: failed at {how_far}: {str(status['failure'])[:300]} Then {resume} goes on"
        if status["pid"]:  # a run that ends in good order sets it to 0
            return f"{name}: stopped unexpectedly at {how_far}, see {folder / 'log.txt'}; {resume} goes on"
        return f"{name}: paused at {how_far}; {resume} goes on"
    if (folder / "pause").exists():
        return f"{name}: pauses after this step, {how_far}"
    return f"{name}: in training, {how_far}, about {duration(status['seconds_left'])} left"


def read_status(name: str) -> dict[str, Any]:
    """pid (0 when it has ended in good order), step, steps, seconds_left; empty when there is none.

    Raises CustomStyleError when the file is damaged.
    """
    path = run_folder(name) / "status.json"
    damaged = CustomStyleError(f"{path} is damaged; remove that file, nothing of the training is lost.")
    try:
        status = json.loads(read_regular(path, STATUS_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        raise damaged from None
    if not isinstance(status, dict) or not all(isinstance(status.get(key), int | float) for key in _NUMBERS):
        raise damaged
    return {"pid": 0, **status}


def write_status(folder: Path, status: dict[str, Any]) -> None:
    """At once or not at all."""
    write_whole(folder / "status.json", json.dumps(status).encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)


def alive(name: str) -> bool:
    """Whether a process trains the style now."""
    return is_locked(run_folder(name) / "lock")


def duration(seconds: float) -> str:
    """In seconds or minutes, for the user."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
