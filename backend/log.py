"""The log of the backend: one line for one event, whatever clients call themselves, and never a large file."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
from pathlib import Path

LINE = 2000
"""Characters of a message that are kept; a traceback may have four times as many."""

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}


class LineFormatter(logging.Formatter):
    """Escapes control characters in what others said, and cuts what is long; tracebacks keep their lines."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = cut(record.getMessage().translate(_ESCAPED), LINE)
        record.asctime = self.formatTime(record)
        line = self.formatMessage(record)
        if record.exc_info:
            lines = cut(self.formatException(record.exc_info), 4 * LINE).splitlines()
            line += "".join("\n    " + text.translate(_ESCAPED) for text in lines)
        return line


def cut(text: str, most: int) -> str:
    """The text, without its middle where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} [... {len(text) - most} characters ...] {text[-(most // 2) :]}"


def log_to_stderr(name: str) -> None:
    """Have this process write its log, as the process `name`, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(f"%(asctime)s {name}[%(process)d] %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def rotate(path: Path, most: int) -> None:
    """Make a log that is longer than `most` bytes its own predecessor, `NAME.1`, and go on with an empty one.

    The workers write to the same open file; it is copied and emptied, which suits all that append to it.
    """
    with contextlib.suppress(OSError):  # on a full disk the log stays as it is
        if path.stat().st_size > most:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
