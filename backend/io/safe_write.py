"""Writing that loses nothing: beside the target, then renamed; never over an input, nor over what others made.

A result carries a mark in its metadata, the name of the program with a digest of the whole file. A file whose mark
still fits is one that Inlay wrote and nobody changed since: it may be replaced by a later result. Everything else
that exists is kept unless the user says `--overwrite`.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from backend import __version__
from plugin.client.long_paths import system_path

from ..cli import CommandError, Exit, usage
from .sources import is_one_of, is_stream, kind_of, shown

PLACEHOLDER = "0" * 32
CHECKSUM = 4
SOFTWARE = f"Inlay {__version__} (result {PLACEHOLDER})"
"""The mark before the digest is known. In a PNG the chunk's checksum follows it, CHECKSUM bytes."""

_MARK = re.compile(rb"Inlay [0-9][0-9A-Za-z.+]{0,20} \(result ([0-9a-f]{32})\)")


def marked(content: bytes, start: int = 0) -> bytes:
    """A file's content with the digest in its mark, which is looked for from `start` on; as it is without a mark."""
    found = _MARK.search(content, start)
    if found is None:
        return content
    return content[: found.start(1)] + _digest(content, found) + content[found.end(1) :]


def is_own(path: Path) -> bool:
    """Whether Inlay wrote a file and nobody changed it since."""
    try:
        path = system_path(path)
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        content = path.read_bytes()
    except OSError:
        return False
    return any(found[1] == _digest(content, found) for found in _MARK.finditer(content))


def check_target(path: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise CommandError (usage) when a result must not be written under this name.

    Args:
        path: where it is to go.
        inputs: files that the command reads; they are never written over.
        overwrite: whether the user allows to replace other files.
    """
    if is_one_of(path, inputs):
        raise usage(f"{shown(path)} is an input of this command and is kept; write to another file")
    kind = kind_of(path)
    if kind:
        standard = '; "-" is standard output' if is_stream(path) else ""
        raise usage(f"{shown(path)} is {kind}; name a file{standard}")
    if not overwrite and kind is not None and not is_own(path):
        raise usage(f"{shown(path)} exists and is kept; write to another file, or allow it with --overwrite")


def write_bytes(path: Path, content: bytes, overwrite: bool) -> None:
    """Put a file in place whole or not at all: written beside, synchronized, renamed.

    Links are followed. Raises CommandError when it cannot be written, or when it exists by now and must be kept.
    """
    target = Path(os.path.realpath(system_path(path)))
    temporary = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".inlay-", suffix=".part", dir=target.parent)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, no path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(target))
        check_target(target, (), overwrite)
        if kind_of(target) is not None or not _link(temporary, target):
            Path(temporary).replace(target)
            temporary = ""
        _sync(target.parent)
    except OSError as error:
        raise CommandError(f"cannot write {shown(path)}: {error.strerror or error}", Exit.BAD_INPUT) from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _digest(content: bytes, mark: re.Match[bytes]) -> bytes:
    """32 hexadecimal digits of everything but the digest's own place and the PNG's checksum behind the mark."""
    digest = blake2b(memoryview(content)[: mark.start(1)], digest_size=16)
    digest.update(memoryview(content)[mark.end() + CHECKSUM :])
    return digest.hexdigest().encode()


def _link(temporary: str, target: Path) -> bool:
    """Give the file its name where that is free: unlike a rename, this never replaces what came meanwhile.

    False where the file system has no links. Raises FileExistsError.
    """
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, else those that a new file gets."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync(folder: Path) -> None:
    """Make the new name last; not every system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
