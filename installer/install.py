"""The installation, step by step. Each step is skipped when it is done already and resumed when it was interrupted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from . import editors, plugin, removal, sandbox, torch_build
from .console import Console, InstallError, clean_environment
from .editors import Editor
from .machine import SOURCE, Machine
from .removal import RECORD
from .steps import Steps, fingerprint, tree_fingerprint, write_whole
from .venv import PACKAGES, Venv, own_python, requirements

WINDOWS_LONGEST = 259  # characters of a path
LONGEST_IN_PACKAGES = 130  # characters of a path within the packages; in PyTorch 2.11 it is 119
LONG_PATHS = ("SYSTEM\\CurrentControlSet\\Control\\FileSystem", "LongPathsEnabled")

BORROW = "INLAY_BORROW_PACKAGES"
"""Environment variable: a site-packages folder whose packages the venv may use instead of fetching its own."""


@dataclass(frozen=True)
class Choices:
    """What the user asked for."""

    torch: str = "auto"
    python: Path | None = None
    demo: Path = Path("inlay-demo")


def check_path_length(machine: Machine) -> None:
    """Raises InstallError where files of the packages would have paths that this Windows does not take."""
    longest = len(str(machine.data)) + len("/venv/Lib/site-packages/") + LONGEST_IN_PACKAGES
    if machine.system != "win32" or longest <= WINDOWS_LONGEST or machine.registry(*LONG_PATHS) == "1":
        return
    raise InstallError(
        f"{machine.data} is {longest - WINDOWS_LONGEST} characters too long: files below it would have longer paths "
        f"than the {WINDOWS_LONGEST} characters that Windows takes. Name a shorter folder with INLAY_DATA_DIR, "
        "C:\\Inlay for example, or switch on long paths (LongPathsEnabled in the registry)."
    )


class Installation:
    """Inlay on one machine."""

    def __init__(self, machine: Machine, console: Console, choices: Choices) -> None:
        self.machine, self.console, self.choices = machine, console, choices
        self.data = machine.data
        self.steps = Steps(self.data)
        self.venv = Venv(self.data / "venv", console)

    def run(self) -> None:
        """Do all of it. Raises InstallError."""
        check_path_length(self.machine)
        found = editors.find(self.machine)
        self.console.say(f"Inlay goes to {self.data}")
        if not self.console.dry:
            self._begin(found)
        self._make_venv()
        self._install_torch()
        self._install_backend()
        self._install_plugins(found)
        if self.console.dry:
            return
        self._write_record(found)
        removal.stop_backend(self.console)  # it runs what was there before
        self._check(found)

    def _begin(self, found: list[Editor]) -> None:
        """Before anything is changed: end what would run on with half of it, and note where things will be put."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InstallError(
                f"{self.data} cannot be written to ({error.strerror}). Name another folder with INLAY_DATA_DIR."
            ) from None
        if removal.is_ours(self.data) and not self._up_to_date():
            removal.end_trainings(self.data, self.console)
            removal.stop_backend(self.console)
        earlier = removal.read_record(self.machine)
        known = {(e.get("plugins"), e.get("name")) for e in earlier.get("editors", ())}
        new = [entry for editor in found if ((entry := _entry(editor))["plugins"], entry["name"]) not in known]
        self._write({**earlier, "editors": [*earlier.get("editors", ()), *new]})

    def _up_to_date(self) -> bool:
        return self.steps.done("backend", tree_fingerprint(SOURCE / package for package in PACKAGES))

    def _make_venv(self) -> None:
        base, borrowed = self.choices.python or own_python(), os.environ.get(BORROW, "")
        done_for = fingerprint([str(base), borrowed])
        if self.steps.done("venv", done_for) and self.venv.python.exists():
            self.console.say("Python environment: already there")
            return
        self.console.step(f"make a Python environment with {base}")
        if not self.console.dry:
            with self.steps.running("venv", done_for):
                self.venv.make(base)
                if borrowed:
                    self.venv.borrow(Path(borrowed))
                self.steps.forget("torch", "backend")

    def _install_torch(self) -> None:
        try:
            build = torch_build.choose(self.machine, self.choices.torch)
        except ValueError as error:
            raise InstallError(str(error)) from None
        done_for = fingerprint([build.kind, *build.indexes, *requirements("dependencies")])
        if self.steps.done("torch", done_for):
            self.console.say(f"PyTorch ({build.kind}): already there")
            return
        self.console.step(f"install PyTorch for {build.kind} ({build.reason}); this may fetch some gigabytes")
        if not self.console.dry:
            with self.steps.running("torch", done_for):
                if self.steps.known("torch"):  # another build: pip would be content with the one that is there
                    self.venv.remove("torch", "torchvision")
                index, exact, place = torch_build.source(self.machine, build, self.venv)
                self.console.say(f"  from {place}")
                self.venv.install_torch(index, exact)
                self.venv.install_requirements(requirements("dependencies"))

    def _install_backend(self) -> None:
        done_for = tree_fingerprint(SOURCE / package for package in PACKAGES)
        if self.steps.done("backend", done_for):
            self.console.say("Backend: already there")
            return
        self.console.step("install the backend")
        if not self.console.dry:
            with self.steps.running("backend", done_for):
                self.venv.install_inlay(self.data / "staging")

    def _install_plugins(self, found: list[Editor]) -> None:
        if not found:
            self.console.say("No Krita and no GIMP 3 was found. Install one and run this again.")
        shared = sorted(found, key=lambda editor: (editor.kind, str(editor.plugins)))
        for place, group in groupby(shared, key=lambda editor: editor.folder):
            members = list(group)
            names = " and ".join(editor.name for editor in members)
            self.console.step(f"install the plug-in for {names} into {place}")
            if self.console.dry:
                continue
            if not plugin.make_profile(members, self.console):
                self.console.say(f"  {names} has not been started yet. Start it once, then run this again.")
                continue
            plugin.install(members, self.venv, self.console)
            for editor in (member for member in members if member.sandbox):
                sandbox.install(self.machine, editor, self.venv.python, self.venv.site_packages, self.console)

    def _write_record(self, found: list[Editor]) -> None:
        """What the plug-in reads to find the backend, and what the removal needs to know."""
        record = {
            "python": str(self.venv.python),
            "path": str(self.venv.site_packages),
            "command": self._link(),
            "editors": [_entry(editor) for editor in found],
        }
        self._write(record)

    def _write(self, record: Mapping[str, object]) -> None:
        write_whole(self.data / RECORD, json.dumps(record, indent=1))

    def _link(self) -> str:
        """`inlay` on the user's PATH, where there is a folder of their own for that; else the path in the venv."""
        folder = self.machine.home / ".local/bin"
        on_path = str(folder) in self.machine.environ.get("PATH", "").split(os.pathsep)
        link = folder / "inlay"
        if self.machine.system == "win32" or not on_path or (link.exists() and not link.is_symlink()):
            return str(self.venv.inlay)
        folder.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(self.venv.inlay)
        return str(link)

    def _check(self, found: list[Editor]) -> None:
        """Run the demo as the user would, and say what to click."""
        self.console.step("try it: the demo")
        demo = self.choices.demo.absolute()
        environment = {**clean_environment(), "INLAY_DATA_DIR": str(self.data)}
        self.console.run([self.venv.inlay, "demo", "-o", demo], environment, quiet=False)
        ready = [editor for editor in found if plugin.has_profile(editor)]
        if missing := [editor.name for editor in ready if not plugin.installed(editor)]:
            raise InstallError(f"The plug-in did not arrive in {', '.join(missing)}.")
        self.console.say(what_to_click(found, Path(self._link())))


class InThisEnvironment(Installation):
    """The plug-in alone, for an environment that has Inlay already: where pipx, uv or pip installed the wheel."""

    def __init__(self, machine: Machine, console: Console) -> None:
        super().__init__(machine, console, Choices())
        self.venv = Venv(Path(sys.prefix), console)

    def run(self) -> None:
        """Put the plug-in into every editor and note where the backend is. Raises InstallError."""
        found = editors.find(self.machine)
        self._begin(found)
        self._install_plugins(found)
        self._write_record(found)
        removal.stop_backend(self.console)
        self.console.say(what_to_click(found, self.venv.inlay))

    def _up_to_date(self) -> bool:
        return False

    def _link(self) -> str:
        return str(self.venv.inlay)


def what_to_click(found: list[Editor], command: Path) -> str:
    """The closing words."""
    lines = ["", "Inlay is installed."]
    if any(editor.kind == "krita" for editor in found):
        lines.append("  Krita: restart it, open a photograph, then Tools > Inlay.")
        lines.append("         Settings > Dockers > Inlay shows what it is doing.")
    if any(editor.kind == "gimp" for editor in found):
        lines.append("  GIMP: restart it, open a photograph, then Filters > Inlay.")
    lines.append(f"  Command line: {command} --help")
    return "\n".join(lines)


def _entry(editor: Editor) -> dict[str, str]:
    """An editor as the record has it."""
    kept = {key: value for key, value in asdict(editor).items() if key != "first_start"}
    return {key: str(value) if value else "" for key, value in kept.items()}
