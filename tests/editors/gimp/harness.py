"""The real GIMP 3 in its Debian tree: installs the plug-in into a profile of its own and drives GIMP from outside.

GIMP runs in a chroot, the backend on the host. They meet in a folder of the tree that holds the backend's sockets.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tests.editors import trees

ROOT = Path(__file__).resolve().parents[3]
LANGUAGE = "C.UTF-8"
GIMPRC = f"""(config-version "{{version}}")
(prev-language "{LANGUAGE}")
(show-welcome-dialog no)
(check-updates no)
(save-session-info no)
"""


class Tree:
    """A Debian tree with GIMP in it, and the folders of one test run inside: `home`, and `run` for the sockets."""

    def __init__(self) -> None:
        self.root = trees.gimp_root()
        if not (self.root / "usr/bin/gimp-console-3").exists():
            raise RuntimeError(
                f"There is no GIMP in {self.root}. Run python3 -m installer test, which makes it, or name a Debian "
                f"tree with gimp and python3-zmq in {trees.GIMP_TREE}."
            )
        trees.check_can_enter(self.root)
        self.version = trees.version(self.root, "gimp-console-3", "--version")
        self.home = Path(tempfile.mkdtemp(prefix="inlay-", dir=self.root / "tmp"))
        self.run = Path(tempfile.mkdtemp(prefix="inlay-", dir=self.root / "run"))
        self.vendor: Path | None = None
        if not (self.root / "usr/lib/python3/dist-packages/zmq").exists():
            self.vendor = trees.vendored_pyzmq(self.home / "vendor", self.root)
        self.known_plug_ins = self.home / "pluginrc"  # else each GIMP asks all of its own plug-ins what they are

    def enter(self, console: bool) -> list[str]:
        """What goes before a command. GIMP 3.2's window loads icons in a sandbox of its own, which refuses a chroot."""
        if console or self.version.startswith("3.0"):
            return ["chroot", str(self.root)]
        return trees.inside(self.root)

    def inside(self, path: Path) -> str:
        """The path as the programs in the tree see it."""
        return f"/{path.relative_to(self.root)}"

    def remove(self) -> None:
        for folder in (self.home, self.run):
            shutil.rmtree(folder, ignore_errors=True)


def install_into(profile: Path, version: str, vendor: Path | None = None) -> None:
    """What the installer does for GIMP, into a GIMP profile: the entry file, executable, beside the plug-in."""
    folder = profile / "plug-ins/inlay"
    folder.mkdir(parents=True)
    entry = folder / "inlay.py"
    shutil.copy(ROOT / "plugin/gimp/entry.py", entry)
    entry.chmod(0o755)
    ignored = shutil.ignore_patterns("__pycache__", "krita", "entry.py")
    shutil.copytree(ROOT / "plugin", folder / "plugin", ignore=ignored)
    if vendor is not None:
        shutil.copytree(vendor, folder / "vendor")
    (profile / "gimprc").write_text(GIMPRC.format(version=version))


def received(text: str, height: int) -> Any:
    """Samples that `sent` of remote.py made text of, as rows of uint8: H x W, or H x (W times channels)."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, -1)


class InGimpError(AssertionError):
    """Code run in GIMP raised; the message is its traceback."""


class Gimp:
    """A running GIMP. `run` executes code in it (see remote.py)."""

    def __init__(
        self,
        tree: Tree,
        program: str,
        environment: dict[str, str],
        *files: str,
        shortcuts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Start it, with a profile of its own.

        Args:
            tree: where it is installed.
            program: its file's name.
            environment: variables that it gets beside those of every test.
            files: images that it opens.
            shortcuts: keys of the user's own, by the names of GIMP's actions.
        """
        home = Path(tempfile.mkdtemp(prefix="profile-", dir=tree.home))
        install_into(home / "gimp", tree.version, tree.vendor)
        lines = [f'(action "{action}" "{key}")' for action, key in shortcuts.items()]
        (home / "gimp/shortcutsrc").write_text("\n".join(["(file-version 1)", *lines, ""]))
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
        self.plug_in = f"{inside['GIMP3_DIRECTORY']}/plug-ins/inlay/inlay.py"
        script = f"exec(open({tree.inside(home / 'remote.py')!r}).read())"
        console = "console" in program
        options = ["-i"] if console else ["--no-splash"]
        command = [*tree.enter(console), "env", "-i", *(f"{name}={value}" for name, value in inside.items()),
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

    def plug_in_calls(self) -> list[int]:
        """Process ids of the calls of this GIMP's plug-in that are going on."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):  # it has ended in the meantime
                if entry.name.isdigit() and self.plug_in.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found

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
