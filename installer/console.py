"""What the user sees while the installer works, and the programs it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    ) -> None:
        """Run a program. `quiet` sends what it prints to the log, whose end is shown when it fails.

        Raises InstallError.
        """
        words = [str(word) for word in command]
        if not quiet:
            if status := subprocess.run(words, env=environment, cwd=folder, check=False).returncode:
                raise InstallError(f"{' '.join(words)} failed (exit status {status}).")
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            log.write(f"\n$ {' '.join(words)}\n".encode())
            log.flush()
            done = subprocess.run(
                words, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
        if done.returncode:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
            print("\n".join(lines), file=sys.stderr)
            raise InstallError(
                f"{' '.join(words[:6])} ... failed (exit status {done.returncode}). All of it: {self.log}"
            )


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead another Python astray."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
