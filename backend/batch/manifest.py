"""What became of each file, a line of JSON each, beside the results: so that a batch can be broken off and goes on.

A line is added in one write and synchronized once its result is in place. A line that was cut off, by a kill or a full
disk, is passed over when it is read; its file is done again.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from backend import __version__
from plugin.client.long_paths import system_path
from plugin.client.server.launcher import take_lock

from ..cli import CommandError, Exit, usage
from ..io.sources import kind_of, shown

NAME = "manifest.jsonl"
HEAD = {"inlay": __version__, "manifest": 1}
DONE, FAILED = "done", "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a file.

    Attributes:
        input: its path, as it was given.
        output: the result's path below the folder of the results, with slashes.
        digest: of the file's content.
        recipe: digest of the recipe.
        status: DONE or FAILED.
        attempts: how often it was tried in that run.
        seconds: from reading the file to the end of the last attempt.
        code: the exit code that its failure has; 0 for DONE.
        message: of the failure.
        notes: sentences for the user.
        width: of the result, in pixels; so is `height`.
        height: see there.
        thumbnail: the image and its result beside each other, a JPEG in base64.
    """

    input: str
    output: str
    digest: str
    recipe: str
    status: str
    attempts: int = 1
    seconds: float = 0.0
    code: int = 0
    message: str = ""
    notes: list[str] = field(default_factory=list)
    width: int = 0
    height: int = 0
    thumbnail: str = ""


class Manifest:
    """The manifest of a folder of results, locked while it is open. A context manager; `add` is thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Open or begin it.

        Raises CommandError: the folder cannot be written; another batch is writing there; a file of this name is no
        manifest.
        """
        self.path = folder / NAME
        if kind_of(self.path):
            raise usage(f"{shown(self.path)} is {kind_of(self.path)}; write the results to another folder")
        try:
            system_path(folder).mkdir(parents=True, exist_ok=True)
            lock = take_lock(system_path(self.path))
            if lock is None:
                raise usage(f"another batch is writing to {shown(folder)}; wait for it, or take another folder")
        except OSError as error:
            raise CommandError(f"cannot write {shown(self.path)}: {error.strerror or error}", Exit.BAD_INPUT) from None
        self._file: IO[bytes] = lock
        self._writing = threading.Lock()
        self.entries: dict[str, Entry] = {}
        try:
            self._read()
        except BaseException:
            lock.close()
            raise

    def add(self, entry: Entry) -> None:
        """Write down what became of a file; it lasts when this returns. Raises CommandError when the disk is full."""
        with self._writing:
            self.entries[entry.output] = entry
            self._write(asdict(entry))

    def finished(self, output: str, recipe: str) -> Entry | None:
        """The entry of a result that is there and was made by the same recipe."""
        entry = self.entries.get(output)
        same = entry is not None and (entry.status, entry.recipe) == (DONE, recipe)
        return entry if same and kind_of(self.path.parent / output) == "" else None

    def _read(self) -> None:
        try:
            lines = system_path(self.path).read_bytes().split(b"\n")
        except OSError as error:
            raise CommandError(f"cannot read {shown(self.path)}: {error.strerror or error}", Exit.BAD_INPUT) from None
        whole, torn = lines[:-1], lines[-1]
        if not whole and _line(HEAD).startswith(torn):  # new, or killed in its first moment
            self._file.truncate(0)
            self._write(HEAD)
            return
        head = _parsed(whole[0]) if whole else None
        if head is None or "manifest" not in head:
            raise usage(f"{shown(self.path)} exists and is no manifest; write the results to another folder")
        known = {each.name for each in fields(Entry)}
        for line in whole[1:]:
            table = _parsed(line)
            if table is not None and {"input", "output", "digest", "recipe", "status"} <= set(table):
                self.entries[str(table["output"])] = Entry(**{k: v for k, v in table.items() if k in known})
        if torn:
            self._file.write(b"\n")

    def _write(self, table: dict[str, Any]) -> None:
        try:
            self._file.write(_line(table))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise CommandError(f"cannot write {shown(self.path)}: {error.strerror or error}", Exit.BAD_INPUT) from None

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()


def _line(table: dict[str, Any]) -> bytes:
    return json.dumps(table, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        table = json.loads(line)
    except ValueError:
        return None
    return table if isinstance(table, dict) else None
