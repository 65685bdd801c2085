"""The real GIMP 3 in its Debian tree: installs the plug-in into a profile of its own and drives GIMP from outside.

GIMP runs in a chroot, the backend on the host. They meet in a folder of the tree that holds the backend's sockets.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from plugin.client.codec import Status
from plugin.client.net.connection import Connection
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint

ROOT = Path(__file__).resolve().parents[3]
LANGUAGE = "C.UTF-8"
GIMPRC = f"""(config-version "3.0.4")
(prev-language "{LANGUAGE}")
(show-welcome-dialog no)
(check-updates no)
(save-session-info no)
"""
BACKEND_STAND_IN = """#!/bin/sh
# The backend's Python lies outside of this tree: ask the host to start it.
echo start > {requests}
exec sleep 20
"""


class Tree:
    """A Debian tree with GIMP in it, and the folders of one test run inside: `home`, and `run` for the sockets."""

    def __init__(self) -> None:
        default = Path.home() / ".cache/inlay-tests/gimp-tree"
        self.root = Path(os.environ.get("INLAY_GIMP_TREE") or default).resolve()
        if not (self.root / "usr/bin/gimp-console-3.0").exists():
            raise RuntimeError(
                f"There is no GIMP in {self.root}. Run python3 -m installer test, which makes it, or name a Debian 13 "
                "tree with gimp and python3-zmq in INLAY_GIMP_TREE."
            )
        if os.geteuid() != 0:
            raise RuntimeError("The GIMP tests enter the tree with chroot, which needs root.")
        self.home = Path(tempfile.mkdtemp(prefix="inlay-", dir=self.root / "tmp"))
        self.run = Path(tempfile.mkdtemp(prefix="inlay-", dir=self.root / "run"))
        self.known_plug_ins = self.home / "pluginrc"  # else each GIMP asks all of its own plug-ins what they are

    def inside(self, path: Path) -> str:
        """The path as the programs in the tree see it."""
        return f"/{path.relative_to(self.root)}"

    def remove(self) -> None:
        for folder in (self.home, self.run):
            shutil.rmtree(folder, ignore_errors=True)


def install_into(profile: Path) -> None:
    """What the installer does for GIMP, into a GIMP profile: the entry file, executable, beside the plug-in."""
    folder = profile / "plug-ins/inlay"
    folder.mkdir(parents=True)
    entry = folder / "inlay.py"
    shutil.copy(ROOT / "plugin/gimp/entry.py", entry)
    entry.chmod(0o755)
    ignored = shutil.ignore_patterns("__pycache__", "krita", "entry.py")
    shutil.copytree(ROOT / "plugin", folder / "plugin", ignore=ignored)
    (profile / "gimprc").write_text(GIMPRC)


class Backend:
    """Starts the backend on the host whenever the plug-in's launcher, inside the tree, asks for it."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.starts = tree, 0
        self.process: subprocess.Popen[bytes] | None = None
        self.requests = tree.run / "start"
        os.mkfifo(self.requests)
        self.stand_in = tree.home / "backend-python"
        self.stand_in.write_text(BACKEND_STAND_IN.format(requests=tree.inside(self.requests)))
        self.stand_in.chmod(0o755)
        self.log = tree.home / "backend.log"
        self._ending = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What the plug-in has to be told."""
        return {
            "INLAY_RUN_DIR": self.tree.inside(self.tree.run),
            "INLAY_BACKEND_PYTHON": self.tree.inside(self.stand_in),
            "INLAY_BACKEND_PATH": self.tree.inside(self.tree.home),
        }

    def _listen(self) -> None:
        while True:
            with self.requests.open() as fifo:
                fifo.read()
            if self._ending:
                return
            self._reap()
            command = [sys.executable, "-m", "backend", "serve", "--run-dir", str(self.tree.run)]
            environment = {**os.environ, "INLAY_DATA_DIR": str(self.tree.home)}
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            self.starts += 1

    def _reap(self) -> None:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)

    def until(self, worker: str, wait: float = 30) -> float:
        """Seconds until the backend says that its worker is in this state ("busy", "idle"). Raises TimeoutError."""
        begun, file = time.monotonic(), self.tree.run / CONNECTION_FILE
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


def received(text: str, height: int) -> Any:
    """Samples that `sent` of remote.py made text of, as rows of uint8: H x W, or H x (W times channels)."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, -1)


def plug_in_calls() -> list[int]:
    """Process ids of the calls of the plug-in that are going on."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended in the meantime
            if entry.name.isdigit() and b"plug-ins/inlay/inlay.py" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


class InGimpError(AssertionError):
    """Code run in GIMP raised; the message is its traceback."""


class Gimp:
    """A running GIMP. `run` executes code in it (see remote.py)."""

    def __init__(self, tree: Tree, program: str, environment: dict[str, str], *files: str) -> None:
        home = Path(tempfile.mkdtemp(prefix="profile-", dir=tree.home))
        install_into(home / "gimp")
        if tree.known_plug_ins.exists():
            shutil.copy(tree.known_plug_ins, home / "gimp/pluginrc")
        shutil.copy(Path(__file__).with_name("remote.py"), home / "remote.py")
        path = home / "socket"
        inside = {
            "HOME": tree.inside(home),
            "GIMP3_DIRECTORY": tree.inside(home / "gimp"),
            "INLAY_TEST_SOCKET": tree.inside(path),
            "PATH": "/usr/bin:/bin",
            "LC_ALL": LANGUAGE,
            **environment,
        }
        self.log = home / "gimp.log"
        script = f"exec(open({tree.inside(home / 'remote.py')!r}).read())"
        options = ["-i"] if "console" in program else ["--no-splash"]
        command = ["chroot", str(tree.root), "env", "-i", *(f"{name}={value}" for name, value in inside.items()),
                   program, *files, *options, "--quit", "--batch-interpreter=python-fu-eval", "-b", script]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.peer = socket.socket(socket.AF_UNIX)
        self._connect(path)
        shutil.copy(home / "gimp/pluginrc", tree.known_plug_ins)
        self.answers = self.peer.makefile("rb")

    def _connect(self, path: Path) -> None:
        end = time.monotonic() + 240
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                self.peer.connect(str(path))
                return
            time.sleep(0.1)
        raise RuntimeError(f"GIMP did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def send(self, code: str) -> None:
        """Have the code run, without waiting for it."""
        self.peer.sendall(json.dumps(textwrap.dedent(code)).encode() + b"\n")

    def answer(self, wait: float = 60) -> Any:
        """What the code that was sent assigned to `answer`."""
        self.peer.settimeout(wait)
        line = self.answers.readline()
        if not line:
            raise RuntimeError(f"GIMP ended:\n{self.log.read_text(errors='replace')[-4000:]}")
        reply = json.loads(line)
        if "error" in reply:
            raise InGimpError(reply["error"])
        return reply["answer"]

    def run(self, code: str, wait: float = 60) -> Any:
        """Have the code run, and wait for its answer."""
        self.send(code)
        return self.answer(wait)

    def close(self) -> str:
        """End GIMP in good order; what it printed. Raises RuntimeError when it ended badly."""
        self.answers.close()
        self.peer.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = -9
        text = self.log.read_text(errors="replace")
        if status:
            raise RuntimeError(f"GIMP ended with status {status}:\n{text[-4000:]}")
        return text
