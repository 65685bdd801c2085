"""Many images in, as many out: where results go, what must be kept, and what became of each."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.client.image import Raster

from ..io import image_files
from ..io.safe_write import check_target
from ..io.sources import FOLDER, STREAM, kind_of, shown
from . import CommandError, Exit, inputs, usage
from .progress import ProgressBar, Report
from .runner import Runner
from .wording import plain

if TYPE_CHECKING:
    from ..io.metadata import Metadata

Work = Callable[[Raster, Report], Raster]


@dataclass(frozen=True, slots=True)
class Naming:
    """What results are called: NAME-tag, in the image's own format where that is among `suffixes`, else as PNG.

    opaque: results have no transparency, whatever the image has.
    """

    tag: str
    suffixes: frozenset[str] = frozenset(image_files.SUFFIXES)
    opaque: bool = False

    def name(self, source: Path, whole: bool = False) -> str:
        """The result's name. `whole`: with the image's own suffix in it, to tell a.png and a.jpg apart."""
        suffix = source.suffix.lower()
        stem = "stdin" if source == STREAM else source.name if whole else source.stem
        return f"{stem}-{self.tag}{suffix if suffix in self.suffixes else '.png'}"


MASK = Naming("mask", frozenset({".png"}), opaque=True)
CUTOUT = Naming("cutout", frozenset(image_files.SUFFIXES - image_files.OPAQUE))


@dataclass(frozen=True, slots=True)
class Task:
    """An image to read and the file to write."""

    source: Path
    output: Path


@dataclass(slots=True)
class Plan:
    """What is done.

    Attributes:
        tasks: one for each image.
        inputs: every file that is read; none of them is written over.
        overwrite: whether other files may be replaced.
        as_json: say what became of each as a line of JSON on standard output.
        skipped: how many things in folders were passed over, by reason.
        opaque: results have no transparency.
    """

    tasks: list[Task]
    inputs: tuple[Path, ...]
    overwrite: bool = False
    as_json: bool = False
    skipped: Counter[str] = field(default_factory=Counter)
    opaque: bool = False


def plan(arguments: argparse.Namespace, naming: Naming, others: Sequence[Path | None] = ()) -> Plan:
    """Which file each image becomes.

    One image goes to the file OUT itself, unless that is a folder; several, or a folder's, go into the folder OUT under
    their own names with the naming's tag, those of a folder's folders into folders of the same names. Without OUT they
    go beside the images. Results of the same command in a folder are no images of it.

    Args:
        arguments: with images, output, recursive, overwrite, json.
        naming: of the results.
        others: further files that the command reads, such as a mask.

    Raises:
        CommandError: usage: the output does not fit the input, or a single image's result would replace a file that
            is kept.
    """
    found = inputs.find(arguments.images, arguments.recursive)
    output: Path | None = arguments.output
    named = tuple(path for path in others if path is not None)
    if [*arguments.images, *named].count(STREAM) > 1:
        raise usage("standard input can be read once alone")
    if output == STREAM or (output is None and found.sources[0].path == STREAM):
        if len(found.sources) > 1:
            raise usage("one image alone goes to standard output; several go to a folder: -o FOLDER")
        if arguments.json:
            raise usage("--json and an image cannot both go to standard output; write to a file: -o FILE")
        tasks = [Task(found.sources[0].path, STREAM)]
    elif output is not None and _is_file_name(output, found.sources):
        image_files.check_suffix(output)
        tasks = [Task(found.sources[0].path, output)]
    else:
        tasks = in_folders(found, output, naming)
    read = (*(task.source for task in tasks), *named)
    result = Plan(tasks, read, arguments.overwrite, arguments.json, found.skipped, naming.opaque)
    if len(tasks) == 1 and tasks[0].output != STREAM:
        check_target(tasks[0].output, result.inputs, result.overwrite)
    return result


@dataclass(slots=True)
class Single:
    """The files of a command that makes one image of several."""

    output: Path
    inputs: tuple[Path, ...]
    overwrite: bool
    as_json: bool
    metadata: Metadata | None = None
    notes: list[str] = field(default_factory=list)

    def load(self, path: Path) -> Raster:
        """One of the inputs; the result gets the first one's metadata. Raises CommandError."""
        file = image_files.load(path)
        self._note(f"{shown(path)}: {note}" for note in file.notes)
        if self.metadata is None:
            self.metadata = file.metadata
            image_files.check_transparency(self.output, file.raster)
        return file.raster

    def write(self, image: Raster, notes: Sequence[str]) -> None:
        """The result, and what is to be said of it. Raises CommandError."""
        self._note(plain(note) for note in notes)
        self._note(image_files.write(self.output, image, self.metadata, inputs=self.inputs, overwrite=self.overwrite))
        if self.as_json:
            _report(Task(self.inputs[0], self.output), None, self.notes, (image.width, image.height))

    def _note(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self.notes.append(sentence)
            print(sentence, file=sys.stderr)


def single(arguments: argparse.Namespace, paths: Sequence[Path | None]) -> Single:
    """The files of a command with one result.

    Args:
        arguments: with output and overwrite.
        paths: what it reads.

    Raises:
        CommandError: usage: the output cannot be written there.
    """
    named = tuple(path for path in paths if path is not None)
    found = Single(arguments.output, named, arguments.overwrite, arguments.json)
    if found.as_json and found.output == STREAM:
        raise usage("--json and an image cannot both go to standard output; write to a file: -o FILE")
    if found.inputs.count(STREAM) > 1:
        raise usage("standard input can be read once alone")
    image_files.check_suffix(found.output)
    if found.output != STREAM:
        check_target(found.output, found.inputs, found.overwrite)
    return found


def process(work_plan: Plan, running: Runner, work: Work) -> Exit:
    """Read, work on and write every image. One that fails is named, the others go on.

    Returns:
        The first failure's code. The failure of a single image is raised as it is.
    """
    code, failed = Exit.DONE, 0
    tasks = work_plan.tasks
    with ProgressBar(len(tasks)) as bar:
        for task in tasks:
            error, notes, size = _one(task, work_plan, running, work, bar)
            for note in notes:
                bar.say(f"{shown(task.source)}: {note}")
            if work_plan.as_json:
                _report(task, error, notes, size)
            if error and (len(tasks) == 1 or error.code == Exit.UNREACHABLE):
                raise error
            bar.finish(_line(task, error))
            failed += error is not None
            code = code or (error.code if error else Exit.DONE)
    skipped = inputs.Found(skipped=work_plan.skipped).summary()
    if skipped:
        print(f"passed over: {skipped}", file=sys.stderr)
    if failed:
        print(f"{failed} of {len(tasks)} images could not be done", file=sys.stderr)
    if work_plan.as_json:
        print(json.dumps({"done": len(tasks) - failed, "failed": failed, "passed_over": dict(work_plan.skipped)}))
    return code


def _is_file_name(output: Path, sources: Sequence[inputs.Source]) -> bool:
    """Whether OUT is the result's file rather than a folder for results."""
    kind = kind_of(output)
    if len(sources) == 1 and sources[0].folder is None:
        return kind != FOLDER
    if kind is not None and kind != FOLDER:
        raise usage(f"{shown(output)} is a file; several images go to a folder")
    if kind is None and output.suffix.lower() in image_files.SUFFIXES:
        raise usage(f"{shown(output)} is the name of a file; several images go to a folder")
    return False


def in_folders(found: inputs.Found, output: Path | None, naming: Naming) -> list[Task]:
    """Which file each image becomes, in the folder OUT or beside the image; earlier results are passed over.

    Raises CommandError (usage): a folder's images have nowhere to go, or two results have one name.
    """
    if output is None and any(source.folder is not None for source in found.sources):
        raise usage("say where the results of a folder's images go: -o FOLDER")
    places = [(source.path.parent if output is None else output / (source.folder or "")) for source in found.sources]
    pairs = list(zip(places, found.sources, strict=True))
    plain_names = Counter((place, naming.name(source.path).casefold()) for place, source in pairs)
    tasks = []
    for place, source in pairs:
        name = naming.name(source.path)
        if plain_names[place, name.casefold()] > 1:
            name = naming.name(source.path, whole=True)
        tasks.append(Task(source.path, place / name))
    results = {os.path.realpath(task.output) for task in tasks}
    kept = [
        task
        for task, source in zip(tasks, found.sources, strict=True)
        if source.folder is None or os.path.realpath(task.source) not in results
    ]
    found.skipped[inputs.EARLIER] += len(tasks) - len(kept)
    found.skipped = +found.skipped
    outputs = Counter(str(task.output).casefold() for task in kept)
    twice = next((task for task in kept if outputs[str(task.output).casefold()] > 1), None)
    if twice is not None:
        raise usage(f"two of the images would be written to {shown(twice.output)}; write them to different folders")
    return kept


def _one(
    task: Task, work_plan: Plan, running: Runner, work: Work, bar: ProgressBar
) -> tuple[CommandError | None, list[str], tuple[int, int] | None]:
    """What went wrong with an image, if anything; the notes on it, and the result's size."""
    notes: list[str] = []
    running.notes.clear()
    try:
        if task.output != STREAM:
            check_target(task.output, work_plan.inputs, work_plan.overwrite)
        file = image_files.load(task.source)
        notes += file.notes
        if not work_plan.opaque:
            image_files.check_transparency(task.output, file.raster)
        result = work(file.raster, bar.report(task.source.name))
        notes += [plain(note) for note in running.notes]
        notes += image_files.write(
            task.output, result, file.metadata, inputs=work_plan.inputs, overwrite=work_plan.overwrite
        )
    except CommandError as error:
        return error, notes, None
    return None, notes, (result.width, result.height)


def _line(task: Task, error: CommandError | None) -> str:
    return f"{shown(task.source)}: {error}" if error else f"{shown(task.source)} -> {shown(task.output)}"


def _report(task: Task, error: CommandError | None, notes: list[str], size: tuple[int, int] | None) -> None:
    told: dict[str, Any] = {"input": str(task.source), "status": "failed" if error else "done", "notes": notes}
    if error:
        told |= {"code": int(error.code), "message": str(error)}
    elif size:
        told |= {"output": str(task.output), "width": size[0], "height": size[1]}
    print(json.dumps(told), flush=True)
