"""Paths longer than 259 characters, which Windows takes in one form only unless its settings were changed."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

LONGEST = 220
"""Characters up to which a path is left as it is: Windows takes 259, folders 247, and a file that is written has a
longer name until it is whole."""

PREFIX, SHARE = "\\\\?\\", "\\\\?\\UNC\\"


def extended(path: str) -> str:
    """A Windows path in the form that has no limit, where it is long. Only absolute paths have one."""
    whole = ntpath.abspath(path)
    if len(whole) <= LONGEST or whole.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    return SHARE + whole[2:] if whole.startswith("\\\\") else PREFIX + whole


def system_path(path: Path) -> Path:
    """The path to open a user's file by."""
    return Path(extended(str(path))) if os.name == "nt" else path


def without_prefix(path: str) -> str:
    """As the user wrote it, for messages."""
    return "\\\\" + path.removeprefix(SHARE) if path.startswith(SHARE) else path.removeprefix(PREFIX)
