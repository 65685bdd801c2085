"""Getting what the suite needs: Krita and the X tools, trees with other editors, a Python environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .. import torch_build
from ..console import Console, InstallError
from ..machine import Machine
from ..steps import Steps, fingerprint
from ..venv import Venv, own_python, requirements
from . import trees
from .places import Places

PACKAGES = (
    *("krita", "python3-pyqt5", "python3-pyqt5.sip"),
    *("xvfb", "xauth", "xdotool", "openbox", "libgl1"),
    *("mmdebstrap", "bubblewrap", "python3-venv", "python3-pip", "ca-certificates"),
)


def prepare_editors(places: Places, console: Console) -> list[str]:
    """Install what is missing of the editors; what could not be had, each with how to get it."""
    absent = [name for name in PACKAGES if not _has_package(name)] if _is_debian() else []
    if _is_debian() and os.geteuid() == 0:
        if absent:
            console.step(f"install from Debian: {' '.join(absent)}")
            _apt(console, "update")
            _apt(console, "install", "-y", "--no-install-recommends", *absent)
        trees.make(trees.OLDEST, places.gimp_tree, console)
        return []
    missing = []
    programs = {"krita": "Krita", "Xvfb": "xvfb", "xdotool": "xdotool", "openbox": "openbox"}
    if gone := [name for program, name in programs.items() if shutil.which(program) is None]:
        missing.append(f"{', '.join(gone)}: on Debian, as root, this command installs them")
    if not trees.OLDEST.is_made(places.gimp_tree):
        words = trees.command(trees.OLDEST, places.gimp_tree, "")
        missing.append(f"{trees.OLDEST.title} at {places.gimp_tree} (INLAY_GIMP_TREE): as root, {' '.join(words)}")
    if os.name != "posix" or os.geteuid() != 0:
        missing.append("root: the GIMP tests enter their tree with chroot")
    return missing


class NewerEditors:
    """The trees of newer editors, made while the suite already runs in the oldest ones."""

    def __init__(self, places: Places) -> None:
        self._making = ThreadPoolExecutor(2, "trees")
        wanted = {places.newest_tree: trees.NEWEST, places.krita6_tree: trees.KRITA6}
        self._trees = {
            tree: self._making.submit(trees.make, recipe, tree, Console(places.cache / f"{tree.name}.log"))
            for tree, recipe in wanted.items()
        }

    def wait(self) -> None:
        """Until they are there. Raises InstallError."""
        try:
            for tree in self._trees.values():
                tree.result()
        finally:
            self._making.shutdown(cancel_futures=True)


def prepare_venv(places: Places, console: Console) -> Venv:
    """The Python environment with what Inlay and its tests need; made once, completed when more is needed.

    Raises InstallError when it cannot be made.
    """
    venv, steps = Venv(places.venv, console), Steps(places.venv.parent)
    name = places.venv.name
    wanted = [*requirements("dependencies"), *requirements("test")]
    done_for = fingerprint(wanted)
    if steps.done(name, done_for) and venv.python.exists():
        return venv
    ours = steps.known(name) or steps.interrupted(name)  # an earlier list of requirements, or half of one
    if places.venv.exists() and not ours:
        raise InstallError(f"{places.venv} was not made by this command; move it away or name another INLAY_TEST_VENV.")
    with steps.running(name, done_for):
        if not venv.python.exists():
            console.step(f"make a Python environment for the tests in {places.venv}")
            venv.make(own_python())
        machine = Machine.this()
        build = torch_build.choose(machine)
        console.step(f"install PyTorch for {build.kind} ({build.reason}) and what the tests need")
        index, exact, place = torch_build.source(machine, build, venv)
        console.say(f"  from {place}")
        venv.install_torch(index, exact)
        venv.install_requirements(wanted)
    return venv


def _is_debian() -> bool:
    return shutil.which("apt-get") is not None and shutil.which("dpkg-query") is not None


def _has_package(name: str) -> bool:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f=${Status}", name], capture_output=True, text=True, check=False, env=trees.plain()
    )
    return done.stdout == "install ok installed"


def _apt(console: Console, *arguments: str) -> None:
    """apt-get without questions; a mirror's hiccup is given two more chances."""
    command = ["apt-get", "-q", "-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=300", *arguments]
    trees.persistently(console, command)
