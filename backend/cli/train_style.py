"""Train a custom style from a painting, with photographs of yours to practice on. It takes from minutes to hours,
says how long, can run in the background, be paused, and go on later; in the end it is one more style."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from . import CommandError, Exit, usage
from .progress import ProgressBar

STEPS = 400
FIRST = 5  # steps after which the length of the run is known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay train-style`."""
    parser.add_argument("painting", nargs="?", type=Path, metavar="PAINTING", help="an image of the painting")
    parser.add_argument("--name", help="what the style will be called: any name")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="at least 20 photographs of any kind")
    parser.add_argument(
        "--steps", type=int, default=STEPS, metavar="N", help=f"length of the training (default {STEPS})"
    )
    parser.add_argument("--background", action="store_true", help="go on without this terminal")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pause", action="store_true", help="stop the training of --name; nothing is lost")
    what.add_argument("--resume", action="store_true", help="go on with the training of --name")
    what.add_argument("--status", action="store_true", help="how far the training of --name is")
    what.add_argument("--remove", action="store_true", help="forget the style --name, or its training")
    what.add_argument("--list", action="store_true", help="your styles, and those in training")


def run(arguments: argparse.Namespace) -> int:
    """Train, pause, resume, or say how things are."""
    from backend.operations.style import training_process
    from models.zoo import custom_styles

    try:
        if arguments.list:
            return _list()
        if not arguments.name:
            raise usage("say which style: --name NAME")
        name = custom_styles.check_name(arguments.name)
        if arguments.pause:
            training_process.ask_to_pause(name)
        if arguments.pause or arguments.status:
            print(training_process.describe(name))
            return Exit.DONE
        if arguments.remove:
            training_process.remove(name)
            return Exit.DONE
        if not arguments.resume:
            _begin(name, arguments)
        if not arguments.background:
            return _train(name)
        log = training_process.start(name)
        print(f"{name} is in training; see how far with --status, stop with --pause. The log is {log}.")
        return Exit.DONE
    except custom_styles.CustomStyleError as error:
        raise CommandError(str(error), Exit.BAD_INPUT) from None


def _begin(name: str, arguments: argparse.Namespace) -> None:
    from backend.operations.style import training_process

    if arguments.painting is None or arguments.photos is None:
        raise usage("a training needs a PAINTING and --photos FOLDER")
    if arguments.steps < 1:
        raise usage("--steps must be at least 1")
    training_process.begin(name, arguments.painting, arguments.photos, arguments.steps)


def _train(name: str) -> int:
    """Here and now; Ctrl-C or --pause from elsewhere pauses."""
    from backend.operations.style import training_process
    from models.zoo.custom_styles import run_folder

    if not run_folder(name).is_dir():
        raise CommandError(f"No training of a style {name!r} was begun.", Exit.BAD_INPUT)
    with training_process.held(name):
        trained = _train_held(name)
    if trained:
        _tidy(run_folder(name))
    return Exit.DONE


def _train_held(name: str) -> bool:
    """Train to the end, or until somebody asks for a pause; whether it is the end."""
    import torch

    from backend.operations.style import training_process
    from backend.worker.devices import choose, cores
    from models.training.style.custom import Settings, learn
    from models.zoo.custom_styles import run_folder
    from models.zoo.store import CardError, WeightsError

    settings, folder = Settings.read(name), run_folder(name)
    (folder / "pause").unlink(missing_ok=True)
    device, _ = choose()
    torch.set_num_threads(cores())
    status: dict[str, Any] = {"pid": os.getpid(), "step": 0, "steps": settings.steps, "seconds_left": 0.0}
    training_process.write_status(folder, status)
    try:
        steps = learn(settings, device)
        with ProgressBar(1) as bar:
            report, told = bar.report(name), False
            for step in steps:
                left = training_process.duration(step.seconds_left)
                report(step.number / step.total, f"loss {step.loss:.2f}, about {left} left")
                training_process.write_status(folder, status | {"step": step.number, "seconds_left": step.seconds_left})
                if not told and (step.number >= FIRST or step.number == step.total):
                    told = True
                    print(f"This takes about {left} on {device} of this machine.", file=sys.stderr)
                if (folder / "pause").exists() and step.number < step.total:
                    steps.close()
                    print(f"Paused after {step.number} of {step.total} steps.", file=sys.stderr)
                    return False
    except (WeightsError, CardError) as error:
        status["failure"] = str(error)
        raise CommandError(
            f"a style can be trained once the networks it needs are here: {error}", Exit.JOB_FAILED
        ) from None
    except KeyboardInterrupt:
        raise
    except Exception as error:
        status["failure"] = str(error) or type(error).__name__
        raise
    finally:
        progress = training_process.read_status(name)
        training_process.write_status(folder, status | progress | {"pid": 0, "failure": status.get("failure", "")})
    print(f"{name} is trained: `inlay style PHOTO --custom {name} -o OUT`, and Style > Stylize with Custom Style.")
    return True


def _list() -> int:
    from backend.operations.style.training_process import describe
    from models.zoo import custom_styles

    for name in custom_styles.names():
        print(describe(name))
    for name in custom_styles.runs():
        if name not in custom_styles.names():
            print(describe(name))
    return Exit.DONE


def _tidy(folder: Path) -> None:
    """The run's folder is not needed once the style is there."""
    shutil.rmtree(folder, ignore_errors=True)
