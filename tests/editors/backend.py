"""The backend on this machine, for an editor in a tree of its own: they meet in a folder that both see."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from plugin.client.codec import Status
from plugin.client.net.connection import Connection
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint

STAND_IN = """#!/bin/sh
# The backend's Python lies outside of this tree: ask the host to start it, or to run the command of a window.
case "$*" in
*"backend models"*) echo "$@" > {requests}; cat {answers}; cat {errors} >&2; exit "$(cat {code})" ;;
esac
echo start > {requests}
exec sleep 20
"""


class Backend:
    """Starts the backend on the host whenever the plug-in's launcher, inside the tree, asks for it."""

    def __init__(self, home: Path, run: Path, program: Path, inside: Callable[[Path], str] = str) -> None:
        """`run` holds the sockets, `home` what the backend writes, `program` its code; `inside` gives paths as the
        editor sees them."""
        self.home, self.run, self.program, self.inside, self.starts = home, run, program, inside, 0
        self.process: subprocess.Popen[bytes] | None = None
        self.requests = run / "start"
        self.answers = run / "answers"
        self.errors, self.code = run / "errors", run / "code"  # of the command, whole when its answers end
        os.mkfifo(self.requests)
        os.mkfifo(self.answers)
        self.stand_in = home / "backend-python"
        pipes = {name: inside(run / name) for name in ("answers", "errors", "code")}
        self.stand_in.write_text(STAND_IN.format(requests=inside(self.requests), **pipes))
        self.stand_in.chmod(0o755)
        self.log = home / "backend.log"
        self._ending = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What the plug-in has to be told."""
        return {
            "INLAY_RUN_DIR": self.inside(self.run),
            "INLAY_BACKEND_PYTHON": self.inside(self.stand_in),
            "INLAY_BACKEND_PATH": self.inside(self.home),
        }

    def _listen(self) -> None:
        while True:
            with self.requests.open() as fifo:
                words = fifo.read().split()
            if self._ending:
                return
            if "models" in words:
                self._run_command([word.replace(self.inside(self.home), str(self.home)) for word in words])
                continue
            self._reap()
            command = [sys.executable, "-m", "backend", "serve", "--run-dir", str(self.run)]
            environment = {**os.environ, "INLAY_DATA_DIR": str(self.home)}
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(command, cwd=self.program, env=environment, stdout=log, stderr=log)
            self.starts += 1

    def _run_command(self, words: list[str]) -> None:
        environment = {**os.environ, "INLAY_DATA_DIR": str(self.home)}
        command = [sys.executable, *words]
        with self.answers.open("wb") as answers, self.errors.open("wb") as errors:
            done = subprocess.run(
                command, cwd=self.program, env=environment, stdout=answers, stderr=errors, check=False
            )
            self.code.write_text(str(done.returncode))

    def _reap(self) -> None:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)

    def until(self, worker: str, wait: float = 30) -> float:
        """Seconds until the backend says that its worker is in this state ("busy", "idle"). Raises TimeoutError."""
        begun, file = time.monotonic(), self.run / CONNECTION_FILE
        while not file.exists() and time.monotonic() - begun < wait:
            time.sleep(0.05)
        with Connection("tests", endpoint=read_endpoint(file)) as connection:
            while time.monotonic() - begun < wait:
                connection.status()
                states = [event.worker for event in connection.events(0.2) if isinstance(event, Status)]
                if states and states[-1] == worker:
                    return time.monotonic() - begun
                time.sleep(0.02)
        raise TimeoutError(f"the worker is not {worker} after {wait:g} s:\n{self.text()[-4000:]}")

    def text(self) -> str:
        """What the backend printed."""
        return self.log.read_text() if self.log.exists() else ""

    def workers(self) -> list[int]:
        """Process ids of the backend's workers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in children.split()]

    def kill(self) -> None:
        """End the backend as an out-of-memory killer would."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self._ending = True
        with self.requests.open("w") as fifo:
            fifo.write("end\n")
        self._thread.join(10)
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
