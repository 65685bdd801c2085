"""Where an image's bytes come from: a file, or standard input. What is no file is refused before it is read."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from backend.memory import available
from plugin.client.long_paths import system_path, without_prefix

from ..cli import CommandError, Exit
from . import formats

STREAM = Path("-")
"""Standard input, where an image is read, and standard output, where one is written."""

FOLDER = "a folder"
SHOWN = 160  # characters of a path in a message


def shown(path: Path) -> str:
    """A path for a message: on one line, and not endless."""
    text = "".join(c if c.isprintable() else "?" for c in without_prefix(str(path)))
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}...{text[-SHOWN // 2 :]}"


def refused(path: Path, why: str) -> CommandError:
    """The file is no input: bad input, in one line."""
    return CommandError(f"{shown(path)}: {' '.join(why.split())}", Exit.BAD_INPUT)


def read_bytes(path: Path) -> tuple[bytes, formats.Format]:
    """The whole content of an image file, and its format.

    Args:
        path: a file; "-" is standard input. Pipes are read where they come from the shell (`/dev/stdin`, `<(...)`).

    Raises:
        CommandError: bad input: the file is missing, no file, of a format that is not read, or larger than memory.
    """
    if path == STREAM:
        if sys.stdin is None or sys.stdin.isatty():
            raise refused(path, "is standard input, and nothing is piped into it")
        if _kind(os.fstat(sys.stdin.fileno()).st_mode) == "a device":
            raise refused(path, "is a device, not an image file")
        return _read(sys.stdin.buffer, path)
    try:
        mode = system_path(path).stat().st_mode
        kind = _kind(mode)
        if kind and not (stat.S_ISFIFO(mode) and is_stream(path)):
            raise refused(path, f"is {kind}, not an image file")
        with system_path(path).open("rb") as file:
            return _read(file, path)
    except OSError as error:
        raise CommandError(f"cannot read {shown(path)}: {error.strerror or error}", Exit.BAD_INPUT) from None
    except ValueError as error:  # a null character in the name
        raise CommandError(f"cannot read {shown(path)}: {error}", Exit.BAD_INPUT) from None


def is_stream(path: Path) -> bool:
    """Whether a path is the shell's name of a pipe that this process was given."""
    return path == STREAM or re.fullmatch(r"/dev/(stdin|stdout|fd/\d+)|/proc/self/fd/\d+", str(path)) is not None


def head_of(path: Path) -> bytes:
    """The first bytes of a regular file; empty for anything else, which is not opened."""
    path = system_path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(formats.HEAD)
    except OSError:
        return b""


def check_size(path: Path, width: int, height: int, bytes_per_pixel: int) -> None:
    """Raise CommandError (bad input) for an image whose pixels do not fit into memory, before any is taken.

    Args:
        path: for the message.
        width: in pixels; so is `height`.
        height: see there.
        bytes_per_pixel: as decoded.
    """
    from plugin.client.image import MAX_SIDE

    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise refused(path, f"says that it is {width} x {height} pixels; sides of 1 to {MAX_SIDE} are taken")
    needed, free = width * height * (2 * bytes_per_pixel + 16), available()
    if needed > free:
        raise refused(
            path,
            f"says that it is {width} x {height} pixels; they need about {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} GiB are free. Make it smaller, or close other programs",
        )


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file that is there, through whatever links."""
    try:
        return system_path(one).samefile(system_path(other))
    except (OSError, ValueError):
        return False


def is_one_of(path: Path, inputs: Sequence[Path]) -> bool:
    """Whether a path leads to one of these files."""
    return kind_of(path) is not None and any(same_file(path, other) for other in inputs)


def kind_of(path: Path) -> str | None:
    """What lies at a path, in words; empty for a regular file, None where there is nothing or nothing can be."""
    try:
        return _kind(system_path(path).stat().st_mode)
    except (OSError, ValueError):
        return None


def _kind(mode: int) -> str:
    """What a thing in the file system is that is no regular file; empty for one."""
    for test, name in (
        (stat.S_ISDIR, FOLDER), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    ):  # fmt: skip
        if test(mode):
            return name
    return ""


def _read(file: BinaryIO, path: Path) -> tuple[bytes, formats.Format]:
    """Head first: of what is no image, or endless, no more is read."""
    head = file.read(formats.HEAD)
    if not head:
        raise refused(path, "is empty")
    form = formats.recognize(head, path.suffix)
    if form is None:
        known = formats.describe(head, path.suffix)
        raise refused(path, f"is {known}" if known else f"is no image of a format that is read ({formats.names()})")
    limit = available() // 2
    content = head + file.read(max(0, limit - len(head)))
    if len(content) >= limit:
        raise refused(path, f"is larger than {limit / 2**30:.1f} GiB, half of the memory that is free")
    return content, form
