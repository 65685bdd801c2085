"""What the user sees while the installer works, and the programs it runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

LOG_BYTES = 5 << 20
"""A log longer than this becomes `install.log.1`."""

TAIL = 30
"""Lines of the log that are shown when a program fails."""


class InstallError(Exception):
    """The installation cannot go on; the message says what to do."""


class Console:
    """Prints steps, runs programs with their output in a log file, or (dry) only says what it would do."""

    def __init__(self, log: Path, dry: bool = False) -> None:
        self.log, self.dry = log, dry

    def say(self, text: str) -> None:
        """A line for the user."""
        print(text, flush=True)

    def step(self, text: str) -> None:
        """What is done next."""
        self.say(f"{'would: ' if self.dry else ''}{text}")

    def run(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        quiet: bool = True,
        watch: Callable[[str], bool] | None = None,
    ) -> None:
        """Run a program. `quiet` sends what it prints to the log, whose end is shown when it fails.

        watch: sees each line as it is printed; those for which it is true do not go to the log. Raises InstallError.
        """
        words = [str(word) for word in command]
        if not quiet:
            if status := subprocess.run(words, env=environment, cwd=folder, check=False).returncode:
                raise InstallError(f"{' '.join(words)} failed (exit status {status}).")
            return
        with self._open_log() as log:
            log.write(f"\n$ {' '.join(words)}\n".encode())
            log.flush()
            output = log if watch is None else subprocess.PIPE
            process = subprocess.Popen(
                words, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=log if watch is None else subprocess.STDOUT,
            )  # fmt: skip
            with process:
                for line in process.stdout or ():
                    if watch is None or not watch(line.decode("utf-8", "replace")):
                        log.write(line)
        if process.returncode:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
            print("\n".join(lines), file=sys.stderr)
            raise InstallError(
                f"{' '.join(words[:6])} ... failed (exit status {process.returncode}). All of it: {self.log}"
            )

    def _open_log(self) -> IO[bytes]:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                if self.log.stat().st_size > LOG_BYTES:
                    self.log.replace(self.log.with_name(f"{self.log.name}.1"))
            return self.log.open("ab")
        except OSError as error:
            raise InstallError(
                f"{self.log} cannot be written ({error.strerror}). Make {self.log.parent} writable, or name another "
                "folder with INLAY_DATA_DIR."
            ) from None


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead another Python astray."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
