"""An editor in a sandbox: it sees its own folder alone, can start no program of the machine, and has a backend.

The sandbox is a real one (bubblewrap, which Flatpak is built on); the user's systemd is stood in for by a loop that
starts what the unit says when the file that the unit watches is written to.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer import sandbox
from installer.console import Console
from installer.editors import Editor
from installer.machine import SOURCE, Machine


def _has_bwrap() -> bool:
    try:
        trial = ["bwrap", "--unshare-pid", "--ro-bind", "/", "/", "true"]
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


needs_bwrap = pytest.mark.skipif(not _has_bwrap(), reason="bubblewrap is not installed, or may not make sandboxes here")

JOB = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.environ["INLAY_TRANSPORT"] = "pure"
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job
from plugin.client.net.connection import Connection, JobFailed
data = bytes(range(64))
try:
    with Connection("sandboxed") as connection:
        result = connection.run(Job("diagnose.identity", {}, {"image": Raster(PixelFormat("RGBA", "u8"), 4, 4, data)}))
    print("same" if bytes(result.outputs[0].raster.data) == data else "other")
except JobFailed as error:
    print(error)
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(sandbox, "_systemctl", lambda *words: True)
    with tempfile.TemporaryDirectory(prefix="ib-") as home:  # short, as homes are: a socket's path takes 107 bytes
        yield Machine("linux", Path(home))


def prepared(machine: Machine, kind: str = "gimp", wall: str = "flatpak") -> Editor:
    """An editor with the plug-in, as the installer leaves it."""
    editor = Editor(kind, "GIMP 3.2 (Flatpak)", machine.home / ".var/app/org.gimp.GIMP/config/x", sandbox=wall)
    shutil.copytree(SOURCE / "plugin", editor.folder / "plugin", ignore=shutil.ignore_patterns("__pycache__"))
    machine.data.mkdir(parents=True)
    sandbox.install(machine, editor, Path(sys.executable), SOURCE, Console(machine.home / "log"))
    return editor


class Unit:
    """One of the files that were written for systemd."""

    def __init__(self, machine: Machine, suffix: str) -> None:
        path = next(sandbox.units_folder(machine).glob(f"*{suffix}"))
        parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its docs say
        parser.read(path)
        self.sections = parser

    def __getitem__(self, name: tuple[str, str]) -> str:
        return self.sections[name[0]][name[1]]


@pytest.fixture
def service_manager(machine: Machine) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Starts the service when the watched file is written to, as systemd would; the processes it has started."""
    started: list[subprocess.Popen[bytes]] = []
    ending = threading.Event()

    def watch() -> None:
        seen = None
        while not ending.wait(0.05):
            if not list(sandbox.units_folder(machine).glob("*.path")):
                continue
            watched = Path(Unit(machine, ".path")["Path", "PathModified"])
            now = watched.stat().st_mtime_ns
            if seen is not None and now != seen and not any(process.poll() is None for process in started):
                service = Unit(machine, ".service")
                command = shlex.split(service["Service", "ExecStart"])
                started.append(subprocess.Popen([*command, "--cold"], cwd=service["Service", "WorkingDirectory"]))
            seen = now

    thread = threading.Thread(target=watch)
    thread.start()
    yield started
    ending.set()
    thread.join()
    for process in started:
        process.terminate()
        process.wait(20)


def run_inside(machine: Machine, editor: Editor, wall: str) -> str:
    """Run JOB as the sandbox would run a plug-in: it sees the app's own folder, no other part of the home."""
    app = machine.home / (".var/app/org.gimp.GIMP" if wall == "flatpak" else "snap/gimp")
    marker = editor.folder / "marker"
    marker.touch()
    base = sys.base_prefix
    script = editor.folder / "job.py"
    script.write_text(JOB)
    words = ["bwrap", "--unshare-pid", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for folder in ("/usr", "/lib", "/lib64", "/bin", base, sysconfig.get_path("stdlib")):
        if Path(folder).exists():
            words += ["--ro-bind", folder, folder]
    words += ["--bind", str(app), str(app), "--bind", str(editor.folder), str(editor.folder), "--clearenv"]
    if wall == "flatpak":
        words += ["--ro-bind", str(marker), "/.flatpak-info"]
    else:
        words += ["--setenv", "SNAP", "/snap/gimp/1"]
    words += ["--setenv", "HOME", str(machine.home), "--setenv", "XDG_RUNTIME_DIR", "/tmp"]
    python = os.path.realpath(sys.executable)
    done = subprocess.run(
        [*words, python, "-I", str(script), str(editor.folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


@needs_bwrap
@pytest.mark.parametrize("wall", ["flatpak", "snap"])
def test_a_job_goes_out_of_the_sandbox_and_back(
    machine: Machine, service_manager: list[subprocess.Popen[bytes]], wall: str
) -> None:
    editor = prepared(machine, wall=wall)
    time.sleep(0.2)  # the watcher has seen the file as it was
    assert run_inside(machine, editor, wall).strip() == "same"
    assert len(service_manager) == 1
    assert run_inside(machine, editor, wall).strip() == "same", "the same backend serves again"
    assert len(service_manager) == 1


@needs_bwrap
def test_without_the_service_the_message_names_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = prepared(machine)
    locate = editor.folder / "plugin/client/server/locate.py"
    locate.write_text(re.sub(r"^(\w+_SECONDS) = [\d.]+", r"\1 = 0.5", locate.read_text(), flags=re.MULTILINE))
    printed = run_inside(machine, editor, "flatpak")
    assert "systemctl --user status inlay-org.gimp.GIMP.path" in printed


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_systemctl", lambda *words: True)
    home = tmp_path / "a 100% home"
    home.mkdir()
    machine = Machine("linux", home)
    prepared(machine)
    units = sorted(str(path) for path in sandbox.units_folder(machine).iterdir())
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", *units],
        capture_output=True, text=True, check=False, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "inlay-" in line]
    assert complaints == []


def test_what_was_prepared_is_removed(machine: Machine) -> None:
    prepared(machine)
    assert (machine.home / ".var/app/org.gimp.GIMP/data/inlay").is_dir()
    sandbox.remove(machine, Console(machine.home / "log"))
    assert list(sandbox.units_folder(machine).iterdir()) == []
    assert not (machine.home / ".var/app/org.gimp.GIMP/data/inlay").exists()
