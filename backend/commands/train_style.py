"""Train a style of your own from a painting, with photographs of yours to practise on. It takes from minutes to hours,
says how long, can run in the background, be paused, and go on later; in the end it is one more style."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import CommandError, Exit, usage
from .running import ProgressBar

STEPS = 400
FIRST = 5  # steps after which the length of the run is known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay train-style`."""
    parser.add_argument("painting", nargs="?", type=Path, metavar="PAINTING", help="a picture of the painting")
    parser.add_argument("--name", help="what the style will be called: small letters, digits, dashes")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="at least 20 photographs of any kind")
    parser.add_argument(
        "--steps", type=int, default=STEPS, metavar="N", help=f"length of the training (default {STEPS})"
    )
    parser.add_argument("--background", action="store_true", help="go on without this terminal")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pause", action="store_true", help="stop the training of --name; nothing is lost")
    what.add_argument("--resume", action="store_true", help="go on with the training of --name")
    what.add_argument("--status", action="store_true", help="how far the training of --name is")
    what.add_argument("--list", action="store_true", help="your styles, and those in training")


def run(arguments: argparse.Namespace) -> int:
    """Train, pause, resume, or say how things are."""
    from models import own_styles

    try:
        if arguments.list:
            return _list()
        if not arguments.name:
            raise usage("say which style: --name NAME")
        name = own_styles.check_name(arguments.name)
        if arguments.pause:
            return _pause(name)
        if arguments.status:
            print(describe(name))
            return Exit.DONE
        if not arguments.resume:
            _begin(name, arguments)
        return _detach(name) if arguments.background else _train(name)
    except own_styles.OwnStyleError as error:
        raise CommandError(str(error), Exit.BAD_INPUT) from None


def describe(name: str) -> str:
    """One line on how the training of a style is doing. Raises OwnStyleError when none was begun."""
    from models.own_styles import OwnStyleError, names

    status = _status(name)
    if not status:
        if name in names():
            return f"{name}: trained"
        raise OwnStyleError(f"No training of a style {name!r} was begun.")
    how_far = f"{status['step']} of {status['steps']} steps"
    if not _alive(status):
        return f"{name}: paused at {how_far}; `inlay train-style --name {name} --resume` goes on"
    return f"{name}: in training, {how_far}, about {_minutes(status['seconds_left'])} left"


def _begin(name: str, arguments: argparse.Namespace) -> None:
    from models.own_styles import OwnStyleError, run_folder
    from models.training.own_style import Settings

    if arguments.painting is None or arguments.photos is None:
        raise usage("a training needs a PAINTING and --photos FOLDER")
    if arguments.steps < 1:
        raise usage("--steps must be at least 1")
    if (run_folder(name) / "last.pt").exists():
        raise OwnStyleError(f"A training of {name!r} was begun already: go on with --resume, or take another name.")
    if not arguments.painting.is_file():
        raise OwnStyleError(f"There is no file {arguments.painting}.")
    Settings(name, str(arguments.painting.absolute()), str(arguments.photos.absolute()), arguments.steps).write()


def _train(name: str) -> int:
    """Here and now; Ctrl-C or --pause from elsewhere pauses."""
    import torch

    from backend.devices import choose, cores
    from models.own_styles import run_folder
    from models.store import CardError, WeightsError
    from models.training.own_style import Settings, learn

    if _alive(_status(name)):
        raise CommandError(f"{name} is in training already; see `inlay train-style --name {name} --status`", Exit.USAGE)
    settings, folder = Settings.read(name), run_folder(name)
    (folder / "pause").unlink(missing_ok=True)
    device, _ = choose()
    torch.set_num_threads(cores())
    status: dict[str, Any] = {"pid": os.getpid(), "step": 0, "steps": settings.steps, "seconds_left": 0.0}
    _write_status(folder, status)
    try:
        steps = learn(settings, device)
        with ProgressBar(1) as bar:
            report, told = bar.report(name), False
            for step in steps:
                left = _minutes(step.seconds_left)
                report(step.number / step.total, f"loss {step.loss:.2f}, about {left} left")
                _write_status(folder, status | {"step": step.number, "seconds_left": step.seconds_left})
                if not told and (step.number >= FIRST or step.number == step.total):
                    told = True
                    print(f"This takes about {left} on {device} of this machine.", file=sys.stderr)
                if (folder / "pause").exists() and step.number < step.total:
                    steps.close()
                    print(f"Paused after {step.number} of {step.total} steps.", file=sys.stderr)
                    return Exit.DONE
    except (WeightsError, CardError) as error:
        raise CommandError(
            f"a style can be trained once the networks it needs are here: {error}", Exit.JOB_FAILED
        ) from None
    finally:
        _write_status(folder, json.loads((folder / "status.json").read_text()) | {"pid": 0})
    _tidy(folder)
    print(f"{name} is trained: `inlay style PHOTO --own {name} -o OUT`, and Style > Stylise with an Own Style.")
    return Exit.DONE


def _detach(name: str) -> int:
    """In a process of its own that outlives this one."""
    from models.own_styles import run_folder

    log = run_folder(name) / "log.txt"
    words = [sys.executable, "-m", "backend", "train-style", "--name", name, "--resume"]
    with log.open("ab") as out:
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            cwd=Path(__file__).parent.parent.parent,
        )  # fmt: skip
    print(f"{name} is in training; see how far with --status, stop with --pause. The log is {log}.")
    return Exit.DONE


def _pause(name: str) -> int:
    from models.own_styles import OwnStyleError, run_folder

    if not _alive(_status(name)):
        raise OwnStyleError(f"{name!r} is not in training.")
    (run_folder(name) / "pause").touch()
    until = time.monotonic() + 120  # a step on a slow machine
    while _alive(_status(name)) and time.monotonic() < until:
        time.sleep(0.2)
    print(describe(name))
    return Exit.DONE


def _list() -> int:
    from models import own_styles

    for name in own_styles.names():
        print(describe(name))
    for path in sorted(own_styles.folder().glob("*.run")):
        if path.stem not in own_styles.names():
            print(describe(path.stem))
    return Exit.DONE


def _status(name: str) -> dict[str, Any]:
    from models.own_styles import run_folder

    try:
        status: dict[str, Any] = json.loads((run_folder(name) / "status.json").read_text())
    except (OSError, ValueError):
        return {}
    return status


def _write_status(folder: Path, status: dict[str, Any]) -> None:
    partial = folder / "status.partial"
    partial.write_text(json.dumps(status))
    partial.replace(folder / "status.json")


def _alive(status: dict[str, Any]) -> bool:
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


def _tidy(folder: Path) -> None:
    """The run's folder is not needed once the style is there."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
