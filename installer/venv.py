"""The private virtual environment and what pip puts into it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .console import Console, InstallError, clean_environment
from .machine import SOURCE
from .progress import Downloads

MINIMUM = (3, 10)
PACKAGES = ("plugin", "backend", "models", "installer")
PROBE = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_path('purelib'), sep='\\n')"
RAW = "import pip, sys; sys.exit([int(n) for n in pip.__version__.split('.')[:2]] < [24, 1])"
"""Fails where pip has no `--progress-bar raw`."""

MIXED = "import torch, torchvision; torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)"
"""Fails when torch and torchvision are of different builds."""


class Venv:
    """A virtual environment in a folder."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder, self.console = folder, console
        self._raw_progress: bool | None = None  # whether its pip tells how far it is

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def inlay(self) -> Path:
        """The command line in it."""
        return self.python.with_name("inlay.exe" if os.name == "nt" else "inlay")

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        return Path(_probe(self.python)[2])

    def make(self, base: Path) -> None:
        """Make it anew with the interpreter `base`. Raises InstallError."""
        check_python(base)
        shutil.rmtree(self.folder, ignore_errors=True)
        environment = clean_environment()
        if _succeeds([str(base), "-c", "import ensurepip, venv"]):
            self.console.run([base, "-m", "venv", self.folder], environment)
        elif _succeeds([str(base), "-m", "virtualenv", "--version"]):
            self.console.run([base, "-m", "virtualenv", self.folder], environment)
        elif _succeeds([str(base), "-m", "pip", "--version"]):
            self.console.run([base, "-m", "venv", "--without-pip", self.folder], environment)
            self.console.run([base, "-m", "pip", "--python", self.python, "install", "pip"], environment)
        else:
            raise InstallError(
                f"{base} cannot make virtual environments: it has neither ensurepip nor pip. "
                "On Debian and Ubuntu: apt install python3-venv. Or name another Python with --python."
            )

    def borrow(self, folder: Path) -> None:
        """Let it see the packages in another environment's `folder`, too: tests need not fetch torch twice."""
        (self.site_packages / "borrowed.pth").write_text(f"{folder}\n")

    def pip(self, *arguments: str | Path) -> None:
        """`pip install` with the arguments and those in INLAY_PIP_ARGS."""
        if self._raw_progress is None:
            self._raw_progress = _succeeds([str(self.python), "-c", RAW])
        command: list[str | Path] = [
            self.python,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            *pip_arguments(),
        ]
        if self._raw_progress:
            command += ["--progress-bar", "raw"]
        self.console.run([*command, *arguments], clean_environment(), watch=Downloads(self.console.say).line)

    def pip_config(self) -> str:
        """What `pip config list` prints."""
        command = [str(self.python), "-m", "pip", "config", "list"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment(), timeout=60)
        return done.stdout

    @property
    def tag(self) -> str:
        """Its Python as wheels name it: "cp311"."""
        return "cp" + "".join(_probe(self.python)[:2])

    def remove(self, *names: str) -> None:
        """`pip uninstall`."""
        self.console.run([self.python, "-m", "pip", "uninstall", "-y", *names], clean_environment())

    def install_torch(self, index: Sequence[str], exact: Sequence[str] = ()) -> None:
        """torch and torchvision, both from one index, or of the `exact` versions.

        Raises InstallError when they do not go together.
        """
        torch = [name for name in requirements("dependencies") if re.match(r"torch(vision)?\b", name)]
        self.pip(*index, *(exact or torch))
        if not _succeeds([str(self.python), "-c", MIXED]):
            raise InstallError(
                "torch and torchvision do not load together: they are of different builds, or a library of the system "
                f"is missing. Try {self.python} -c 'import torch, torchvision'; --torch cpu takes the plainest build."
            )

    def install_requirements(self, names: Sequence[str]) -> None:
        """Everything but torch, which is there already."""
        self.pip(*names)

    def install_inlay(self, staging: Path) -> None:
        """Inlay itself, from a copy of the sources in `staging`, so that the sources' folder stays as it is."""
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        for package in PACKAGES:
            shutil.copytree(SOURCE / package, staging / package, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(SOURCE / name, staging)
        try:
            self.pip("--no-deps", "--force-reinstall", staging)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def pip_arguments() -> list[str]:
    """The arguments for pip in INLAY_PIP_ARGS."""
    return os.environ.get("INLAY_PIP_ARGS", "").split()


def least_torch() -> tuple[int, int]:
    """The oldest PyTorch that serves, as pyproject.toml says."""
    match = re.search(r"torch>=(\d+)\.(\d+)", "\n".join(requirements("dependencies")))
    assert match is not None
    return int(match[1]), int(match[2])


def requirements(group: str) -> list[str]:
    """A list of requirements from pyproject.toml: "dependencies", or the name of an extra.

    tomllib is there from Python 3.11 on only; our file keeps to one plain shape of list.

    Raises InstallError when there is no such list.
    """
    text = (SOURCE / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(rf'^{group} = \[((?:[^"\]]|"[^"]*")*)\]', text, re.MULTILINE)  # "]" may be inside of a string
    if match is None:
        raise InstallError(f"pyproject.toml has no list '{group}'")
    return re.findall(r'"([^"]+)"', match[1])


def check_python(python: Path) -> None:
    """Raise InstallError when this interpreter is missing or too old."""
    try:
        version = (int(_probe(python)[0]), int(_probe(python)[1]))
    except (OSError, subprocess.SubprocessError):
        raise InstallError(f"{python} is no Python that runs.") from None
    if version < MINIMUM:
        raise InstallError(f"{python} is Python {version[0]}.{version[1]}; Inlay needs 3.10 or later (--python PATH).")


def own_python() -> Path:
    """The interpreter that runs this, not that of a virtual environment it may be in."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable)


def _probe(python: Path) -> list[str]:
    command = [str(python), "-c", PROBE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment(), timeout=60)
    return done.stdout.split("\n")


def _succeeds(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, env=clean_environment(), check=False, timeout=300)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
