"""Installs the plug-in into a home of its own and drives the real Krita there from the test process."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import textwrap
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.editors import trees
from tests.editors.display import Display

ROOT = Path(__file__).resolve().parents[3]
ENTRY = "from .plugin.krita.extension import register\nregister()\n"


def install_into(home: Path, vendor: Path | None = None) -> None:
    """What the installer does for Krita, into `home`: the plug-in's folder, its entry, its actions, switched on."""
    share = home / ".local/share/krita"
    folder = share / "pykrita/inlay"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(ENTRY)
    ignored = shutil.ignore_patterns("__pycache__", "*.action", "gimp")
    shutil.copytree(ROOT / "plugin", folder / "plugin", ignore=ignored)
    shutil.copy(ROOT / "plugin/krita/inlay.desktop", share / "pykrita")
    (share / "actions").mkdir()
    shutil.copy(ROOT / "plugin/krita/inlay.action", share / "actions")
    if vendor is not None:
        shutil.copytree(vendor, folder / "vendor")
    _switch_on(home, "inlay")


def install_remote(home: Path) -> None:
    """The tests' own plug-in, through which the test process runs code in Krita."""
    pykrita = home / ".local/share/krita/pykrita"
    (pykrita / "inlay_remote").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("remote.py"), pykrita / "inlay_remote/__init__.py")
    shutil.copy(Path(__file__).with_name("inside.py"), pykrita / "inlay_remote")
    desktop = "[Desktop Entry]\nType=Service\nServiceTypes=Krita/PythonPlugin\nX-KDE-Library=inlay_remote\n"
    (pykrita / "inlay_remote.desktop").write_text(
        desktop + "X-Python-2-Compatible=false\nX-Krita-Manual=Manual.html\nName=Inlay tests\nComment=Inlay tests\n"
    )
    _switch_on(home, "inlay_remote")


def _switch_on(home: Path, name: str) -> None:
    config = home / ".config/kritarc"
    config.parent.mkdir(exist_ok=True)
    text = config.read_text() if config.exists() else "[python]\n"
    config.write_text(text.replace("[python]\n", f"[python]\nenable_{name}=true\n"))


class InKritaError(AssertionError):
    """Code run in Krita raised; the message is its traceback."""


class Krita:
    """A running Krita. `run` executes code on its main thread; `until` waits for something to become true there."""

    def __init__(self, display: Display, home: Path, environment: dict[str, str], *files: Path) -> None:
        self.display, self.home = display, home
        path = home / "remote.socket"
        self.log = home / "krita.log"
        keep = {k: v for k, v in display.environment.items() if not k.startswith(("XDG_", "PYTHON", "VIRTUAL_ENV"))}
        keep |= {"HOME": str(home), "INLAY_TEST_SOCKET": str(path), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        keep["PYTHONFAULTHANDLER"] = "1"  # a crash leaves a trace in the log
        root = trees.krita_root()
        enter = [] if root == Path("/") else trees.inside(root, shared=tempfile.gettempdir())
        command = [*enter, "krita", "--nosplash", *map(str, files)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env={**keep, **environment}, stdout=log, stderr=log, cwd=home)
        self.peer = socket.socket(socket.AF_UNIX)
        self._connect(path)
        self.file = self.peer.makefile("rb")

    def _connect(self, path: Path) -> None:
        end = time.monotonic() + 240
        while time.monotonic() < end and self.process.poll() is None:
            if self.peer.connect_ex(str(path)) == 0:
                return
            time.sleep(0.1)
        self.process.kill()
        raise RuntimeError(f"Krita did not start: {self.log.read_text(errors='replace')[-4000:]}")

    def run(self, code: str, timeout: float = 60, **arguments: Any) -> Any:
        """Execute `code` in Krita with `arguments` as names; what it assigns to `answer` comes back."""
        self.peer.settimeout(timeout)
        request = {"code": textwrap.dedent(code), "arguments": arguments}
        self.peer.sendall(json.dumps(request).encode() + b"\n")
        line = self.file.readline()
        if not line:
            raise RuntimeError(f"Krita has ended: {self.log.read_text(errors='replace')[-4000:]}")
        reply = json.loads(line)
        if "error" in reply:
            raise InKritaError(reply["error"])
        return reply["answer"]

    def get(self, expression: str, **arguments: Any) -> Any:
        """The value of an expression in Krita."""
        return self.run(f"answer = {expression}", **arguments)

    def until(self, expression: str, wait: float = 30, **arguments: Any) -> Any:
        """Wait until an expression in Krita is true, and return its value. Raises TimeoutError."""
        end = time.monotonic() + wait
        while not (value := self.get(expression, **arguments)):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {wait:g} s in Krita: {expression}")
            time.sleep(0.05)
        return value

    def quit(self) -> int:
        """Leave as the user would, without saving. Returns Krita's exit code."""
        time.sleep(1.5)  # see `close_front`
        self.run("[d.setModified(False) for d in K.documents()]; K.action('file_quit').trigger()")
        return self.process.wait(60)

    def __enter__(self) -> Krita:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.process.kill()  # does nothing when it has ended
        self.process.wait()
        self.file.close()
        self.peer.close()
