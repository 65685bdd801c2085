"""Small files that somebody else may have replaced by something that is no file."""

from __future__ import annotations

import stat
from pathlib import Path

LARGEST = 1 << 20  # bytes


def read_regular(path: Path, largest: int = LARGEST) -> bytes:
    """All of a small file, read as such only.

    A pipe in its place would hold the reader up for ever, a link lead it elsewhere.

    Args:
        path: of the file.
        largest: Bytes that it may have.

    Raises:
        OSError: It is not there or cannot be read.
        ValueError: It is a pipe, a link, a folder, or larger.
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > largest:
        raise ValueError(f"{path} is no plain small file")
    return path.read_bytes()
