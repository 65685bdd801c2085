"""The rooms of the command line: one module per command, read by `backend.cli`.

Nothing here imports torch, and the imaging libraries are imported when an image is first read, so that
`inlay --help` answers at once.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `inlay`."""

    DONE = 0
    USAGE = 2
    BAD_INPUT = 3
    UNREACHABLE = 4
    JOB_FAILED = 5
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command with a line on stderr and an exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


def usage(message: str) -> CommandError:
    """The command line itself is wrong."""
    return CommandError(message, Exit.USAGE)
