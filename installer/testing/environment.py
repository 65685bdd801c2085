"""Getting what the suite needs: Krita and the X tools, a GIMP 3 tree, a Python environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .. import torch_build
from ..console import Console, InstallError
from ..machine import Machine
from ..steps import Steps, fingerprint
from ..venv import Venv, own_python, requirements
from .places import Places

PACKAGES = (
    *("krita", "python3-pyqt5", "python3-pyqt5.sip"),
    *("xvfb", "xauth", "xdotool", "openbox", "libgl1"),
    *("mmdebstrap", "python3-venv", "python3-pip", "ca-certificates"),
)
GIMP = "gimp-console-3.0"
TREE_PACKAGES = "gimp,python3-zmq"
ATTEMPTS = 3


def prepare_editors(places: Places, console: Console) -> list[str]:
    """Install what is missing of the editors; what could not be had, each with how to get it."""
    absent = [name for name in PACKAGES if not _has_package(name)] if _is_debian() else []
    if _is_debian() and os.geteuid() == 0:
        if absent:
            console.step(f"install from Debian: {' '.join(absent)}")
            _apt(console, "update")
            _apt(console, "install", "-y", "--no-install-recommends", *absent)
        if not _has_gimp(places.gimp_tree):
            console.step(f"make a Debian 13 tree with GIMP 3 in {places.gimp_tree}")
            _make_gimp_tree(places.gimp_tree, console)
        return []
    missing = []
    programs = {"krita": "Krita", "Xvfb": "xvfb", "xdotool": "xdotool", "openbox": "openbox"}
    if gone := [name for program, name in programs.items() if shutil.which(program) is None]:
        missing.append(f"{', '.join(gone)}: on Debian, as root, this command installs them")
    if not _has_gimp(places.gimp_tree):
        missing.append(
            f"GIMP 3 in a Debian 13 tree at {places.gimp_tree} (INLAY_GIMP_TREE): as root, mmdebstrap --variant=apt "
            f"--include={TREE_PACKAGES} trixie {places.gimp_tree}"
        )
    if os.name != "posix" or os.geteuid() != 0:
        missing.append("root: the GIMP tests enter their tree with chroot")
    return missing


def prepare_venv(places: Places, console: Console) -> Venv:
    """The Python environment with what Inlay and its tests need; made once."""
    venv, steps = Venv(places.venv, console), Steps(places.venv.parent)
    name = places.venv.name
    wanted = [*requirements("dependencies"), *requirements("test")]
    done_for = fingerprint(wanted)
    if steps.done(name, done_for) and venv.python.exists():
        return venv
    if places.venv.exists() and not steps.interrupted(name):
        raise InstallError(f"{places.venv} was not made by this command; move it away or name another INLAY_TEST_VENV.")
    with steps.running(name, done_for):
        if not venv.python.exists():
            console.step(f"make a Python environment for the tests in {places.venv}")
            venv.make(own_python())
        build = torch_build.choose(Machine.this())
        console.step(f"install PyTorch for {build.kind} ({build.reason}) and what the tests need")
        venv.install_torch(torch_build.index_arguments(build))
        venv.install_requirements(wanted)
    return venv


def _is_debian() -> bool:
    return shutil.which("apt-get") is not None and shutil.which("dpkg-query") is not None


def _has_package(name: str) -> bool:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f=${Status}", name], capture_output=True, text=True, check=False, env=_plain()
    )
    return done.stdout == "install ok installed"


def _apt(console: Console, *arguments: str) -> None:
    """apt-get without questions; a mirror's hiccup is given two more chances."""
    command = ["apt-get", "-q", "-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=300", *arguments]
    _persistently(console, command)


def _make_gimp_tree(tree: Path, console: Console) -> None:
    fresh = tree.with_name(f"{tree.name}.incomplete")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *("mmdebstrap", "--mode=root", "--variant=apt", f"--include={TREE_PACKAGES}"),
        *('--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Retries "5"', "--skip=check/qemu"),
        *("trixie", str(fresh), mirror()),
    ]
    _persistently(console, command, fresh)
    fresh.rename(tree)


def _persistently(console: Console, command: list[str], target: Path | None = None) -> None:
    for attempt in range(ATTEMPTS):
        if target is not None:
            shutil.rmtree(target, ignore_errors=True)
        try:
            console.run(command, _plain())
        except InstallError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(5 * (attempt + 1))
        else:
            return


def mirror(apt: Path = Path("/etc/apt")) -> str:
    """The Debian mirror that this machine uses."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("debian*"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    match = re.search(r"^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    return match[1] if match else "http://deb.debian.org/debian"


def _has_gimp(tree: Path) -> bool:
    return (tree / "usr/bin" / GIMP).exists()


def _plain() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
