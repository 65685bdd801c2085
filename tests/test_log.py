"""One event is one line of the log, of bounded length, in a file of bounded length."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from backend.log import LINE, LineFormatter, rotate


def formatted(message: str, *args: object, error: bool = False) -> str:
    given = sys.exc_info() if error else None
    record = logging.LogRecord("broker", logging.INFO, "", 0, message, args, given)
    assert record.levelname in LineFormatter("%(asctime)s %(levelname)s").format(record)
    return LineFormatter("%(levelname)s %(message)s").format(record)


def test_what_a_client_calls_itself_makes_no_second_line_and_no_colors() -> None:
    line = formatted("client %s", "gimp\nINFO all is well\x1b[31m\r\x00\u2028")
    assert line == "INFO client gimp\\x0aINFO all is well\\x1b[31m\\x0d\\x00\\u2028"
    assert formatted("größer") == "INFO größer"


def test_a_long_message_is_cut_in_its_middle() -> None:
    line = formatted("%s", "a" * 50_000 + "z")
    assert len(line) < LINE + 100
    assert line.endswith("z")
    assert "characters" in line


def test_a_traceback_keeps_its_lines_and_is_set_apart() -> None:
    try:
        raise ValueError("bad\x1b")
    except ValueError:
        lines = formatted("failed", error=True).splitlines()
    assert lines[0] == "INFO failed"
    assert all(line.startswith("    ") for line in lines[1:])
    assert lines[-1] == "    ValueError: bad\\x1b"


def test_a_log_that_is_written_to_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "backend.log"
    with path.open("ab") as log:
        log.write(b"old " * 100)
        log.flush()
        rotate(path, 1000)
        assert path.stat().st_size == 400
        rotate(path, 300)
        log.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.with_name("backend.log.1").read_bytes() == b"old " * 100
