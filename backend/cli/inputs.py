"""Which images a command works on: files, standard input, and what lies in folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..io import formats, sources
from ..io.sources import STREAM, head_of, kind_of, shown
from . import CommandError, Exit

HIDDEN, NO_FILE, NO_IMAGE, UNREAD, FOLDER, CLOSED, EARLIER = (
    "hidden", "no regular file", "no image", "of a format that is not read", "folder (--recursive takes it)",
    "folder that cannot be read", "result of this command",
)  # fmt: skip
"""Why something in a folder is passed over."""


@dataclass(frozen=True, slots=True)
class Source:
    """An image to read; `folder` is where it lies below a folder that was named, None for a file that was named."""

    path: Path
    folder: Path | None = None


@dataclass(slots=True)
class Found:
    """The images, and how many things in folders were passed over, by reason."""

    sources: list[Source] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """What was passed over, in words; empty when nothing was."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))


def find(inputs: Sequence[Path], recursive: bool) -> Found:
    """The images that the paths mean, each once, in the order given and by name in folders.

    Args:
        inputs: files, "-", or folders; hidden files in folders are passed over, and so is what is no image.
        recursive: take what lies in folders' folders, too.

    Raises:
        CommandError: bad input: a folder holds no images.
    """
    found, seen = Found(), set[str]()
    for path in inputs:
        if path == STREAM or kind_of(path) != sources.FOLDER:
            new = [Source(path)]
        else:
            new = list(_in_folder(path, Path(), recursive, found.skipped))
            if not new:
                passed = found.summary()
                raise CommandError(
                    f"there are no images in {shown(path)}" + (f" (passed over: {passed})" if passed else ""),
                    Exit.BAD_INPUT,
                )
        for source in new:
            key = os.path.realpath(source.path)
            if key not in seen:
                seen.add(key)
                found.sources.append(source)
    return found


def _in_folder(folder: Path, below: Path, recursive: bool, skipped: Counter[str]) -> Iterator[Source]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if below.parts:
            skipped[CLOSED] += 1
            return
        raise CommandError(f"cannot read {shown(folder)}: {error.strerror}", Exit.BAD_INPUT) from None
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            skipped[HIDDEN] += 1
        elif entry.is_dir(follow_symlinks=False):
            if recursive:
                yield from _in_folder(path, below / entry.name, recursive, skipped)
            else:
                skipped[FOLDER] += 1
        elif kind_of(path) != "":
            skipped[NO_FILE] += 1
        elif not formats.is_candidate(path, head := head_of(path)):
            skipped[UNREAD if formats.describe(head, path.suffix) else NO_IMAGE] += 1
        else:
            yield Source(path, below)
