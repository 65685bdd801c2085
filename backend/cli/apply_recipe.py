"""Apply a recipe, actions one after the other, to folders of images. What is done is not done again: run it again to go
on after an interruption, or with more images."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path

from ..batch import recipe as recipes
from ..batch.manifest import FAILED, NAME, Entry, Manifest
from ..batch.report import UNCHANGED, Report
from ..batch.run import Batch, Found
from ..io.image_files import OPAQUE, SUFFIXES
from ..io.sources import FOLDER, STREAM, kind_of, shown
from . import Exit, batch, inputs, usage
from .action_options import add_running, add_writing
from .progress import ProgressBar
from .runner import Runner, runners

MARKED = frozenset(SUFFIXES - {".bmp"})
"""Formats that say that Inlay wrote them: a result without its line in the manifest can be done again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay batch`."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file: see --save-recipe of other commands")
    parser.add_argument("images", nargs="+", type=Path, metavar="FOLDER", help="folders of images, or images")
    group = parser.add_argument_group("files")
    group.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER",
        help=f"where results, report.html, report.json and {NAME} go",
    )  # fmt: skip
    group.add_argument("-r", "--recursive", action="store_true", help="take the images in folders of folders, too")
    add_writing(group)
    group.add_argument("--json", action="store_true", help="say what became of each image as a line of JSON")
    parser.add_argument(
        "--retries", type=int, default=1, metavar="N",
        help="try an image so often again after a failure that may not come again (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="work on the Dask cluster of the scheduler at tcp://HOST:PORT"
    )
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write a result for every image that has none yet, and the report. Raises CommandError."""
    if not 0 <= arguments.retries <= 100:
        raise usage(f"--retries must be between 0 and 100, not {arguments.retries}")
    if arguments.scheduler is not None and arguments.in_process:
        raise usage("--scheduler and --in-process are two places to work; take one of them")
    recipe = recipes.load(arguments.recipe)
    work = Batch(recipe, arguments.output, _plan(arguments, recipe), arguments.retries)
    tasks = [(str(task.source), task.output.relative_to(work.folder).as_posix()) for task in work.plan.tasks]
    started = datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")
    report = Report(recipe, work.digest, work.folder, tasks, started, work.plan.skipped)
    report.check(known=kind_of(work.folder / NAME) == "")
    begun, stop = time.monotonic(), threading.Event()
    with Manifest(work.folder) as manifest, ProgressBar(len(tasks)) as bar:

        def told(found: Found) -> None:
            report.entries[found[0].output] = found
            _print(*found, bar, arguments.json)

        try:
            if left := work.unfinished(manifest, told):
                with _runners(arguments, stop.is_set) as running:
                    work.run(left, manifest, running, stop, told)
        finally:
            report.seconds = time.monotonic() - begun
            report.write()
    return _ended(report, arguments.json)


def _runners(arguments: argparse.Namespace, cancelled: Callable[[], bool]) -> AbstractContextManager[list[Runner]]:
    if arguments.scheduler is None:
        return runners(arguments.in_process, cancelled)
    from ..batch.cluster import cluster

    return cluster(arguments.scheduler, cancelled)


def _plan(arguments: argparse.Namespace, recipe: recipes.Recipe) -> batch.Plan:
    output: Path = arguments.output
    if STREAM in (*arguments.images, output):
        raise usage("a batch goes from files to a folder; standard input and output cannot be in it")
    if kind_of(output) not in (None, FOLDER):
        raise usage(f"{shown(output)} is a file; results go to a folder")
    suffixes = frozenset({".png"}) if recipe.selects else MARKED - OPAQUE if recipe.cuts_out else MARKED
    naming = batch.Naming(recipe.name, suffixes, opaque=recipe.selects)
    found = inputs.find(arguments.images, arguments.recursive)
    tasks = batch.in_folders(found, output, naming)
    read = (arguments.recipe, *recipe.files, *(task.source for task in tasks))
    return batch.Plan(tasks, read, arguments.overwrite, arguments.json, found.skipped, naming.opaque)


def _print(entry: Entry, before: bool, bar: ProgressBar, as_json: bool) -> None:
    for note in () if before else entry.notes:
        bar.say(f"{shown(Path(entry.input))}: {note}")
    end = entry.message or f"-> {entry.output}{' (unchanged)' if before else ''}"
    bar.finish(f"{shown(Path(entry.input))} {end}" if entry.status != FAILED else f"{shown(Path(entry.input))}: {end}")
    bar.report("")(0.0, "")
    if as_json:
        told = {
            "input": entry.input, "output": entry.output, "status": UNCHANGED if before else entry.status,
            "code": entry.code, "message": entry.message, "notes": entry.notes, "width": entry.width,
            "height": entry.height, "attempts": entry.attempts, "seconds": entry.seconds,
        }  # fmt: skip
        print(json.dumps(told), flush=True)


def _ended(report: Report, as_json: bool) -> int:
    """The exit code: that of the first failure, in the order of the images."""
    counts = report.counts()
    passed = inputs.Found(skipped=report.passed_over).summary()
    if passed:
        print(f"passed over: {passed}", file=sys.stderr)
    if counts[FAILED]:
        print(f"{counts[FAILED]} of {len(report.tasks)} images could not be done", file=sys.stderr)
    if as_json:
        print(json.dumps(counts | {"passed_over": dict(report.passed_over)}))
    codes = [report.entries[output][0].code for _, output in report.tasks]
    return next((code for code in codes if code), Exit.DONE)
