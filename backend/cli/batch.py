"""Many pictures in, as many out: what inputs and the output folder come to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from plugin.client.image import Raster

from ..io import image_files
from . import CommandError, Exit, usage
from .runner import ProgressBar, Report


@dataclass(frozen=True, slots=True)
class Task:
    """A picture to read and the file to write."""

    source: Path
    output: Path


def plan(inputs: Sequence[Path], output: Path, suffix: str = ".png") -> list[Task]:
    """Which file each input becomes.

    One file goes to `output` itself, unless that is a folder; several, or a folder's pictures, go into the folder
    `output` under their own names with `suffix`. Raises CommandError.
    """
    files: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in image_files.SUFFIXES and p.is_file())
            if not found:
                raise CommandError(f"there are no pictures in {path}", Exit.BAD_INPUT)
            files += found
        else:
            files.append(path)
    if len(inputs) == 1 and files == list(inputs) and not output.is_dir():
        image_files.check_suffix(output)
        return [Task(files[0], output)]
    if output.exists() and not output.is_dir():
        raise usage(f"{output} is a file; several pictures go to a folder")
    stems = [path.stem for path in files]
    names = [path.stem if stems.count(path.stem) == 1 else path.name for path in files]
    if len(set(names)) < len(names):
        raise usage("two of the pictures have the same name; write them to different folders")
    return [Task(path, output / (name + suffix)) for path, name in zip(files, names, strict=True)]


def process(tasks: Sequence[Task], work: Callable[[Raster, Report], Raster]) -> Exit:
    """Read, work on and write every picture. One that fails is named, the others go on; the first failure's code.

    With a single picture its failure is raised as it is.
    """
    code = Exit.DONE
    with ProgressBar(len(tasks)) as bar:
        for task in tasks:
            error = _one(task, work, bar)
            if error and (len(tasks) == 1 or error.code in (Exit.USAGE, Exit.UNREACHABLE)):
                raise error
            bar.finish(f"{task.source}: {error}" if error else f"{task.source} -> {task.output}")
            code = code or (error.code if error else Exit.DONE)
    if code:
        print("some pictures could not be done", file=sys.stderr)
    return code


def _one(task: Task, work: Callable[[Raster, Report], Raster], bar: ProgressBar) -> CommandError | None:
    try:
        image_files.write(task.output, work(image_files.read(task.source), bar.report(task.source.name)))
    except CommandError as error:
        return error
    return None
