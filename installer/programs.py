"""An editor as the installer knows it, and what finding Krita and finding GIMP have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .machine import Machine

UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
_LIBPYTHON = re.compile(r"(?:lib)?python3\.?(\d{1,2})(?:\.so|\.dll|\.dylib|$)")


@dataclass(frozen=True)
class Editor:
    """One installed editor. `plugins` is the user's folder that gets `inlay/`."""

    kind: str  # "krita" or "gimp"
    name: str  # for people: "Krita (Flatpak)"
    plugins: Path
    config: Path | None = None  # Krita: kritarc
    python: str = ""  # "3.11": its embedded Python, empty when that cannot be told
    wheels: bool = True  # whether ordinary wheels load in that Python
    sandbox: str = ""  # "flatpak" or "snap": it cannot start programs of the machine
    first_start: tuple[str, ...] = ()  # GIMP: makes it make the profile, which must not be made by anybody else

    @property
    def folder(self) -> Path:
        """What is ours alone in the editor's profile."""
        return self.plugins / "inlay"


def flatpaks(machine: Machine, name: str) -> Iterator[Path]:
    """Folders of a Flatpak: the user's, the system's."""
    for base in (machine.data_home / "flatpak", machine.root / "var/lib/flatpak"):
        app = base / "app" / name / "current/active"
        if app.exists():
            yield app


def flatpak_python(app: Path) -> str:
    """Python of a Flatpak: its own, else that of the runtime it names."""
    if own := contained_python(app / "files/lib", "", "*/"):
        return own
    try:
        runtime = re.search(r"^runtime=(\S+)", (app / "metadata").read_text(), re.MULTILINE)
    except OSError:
        return ""
    base = next((p.parent for p in app.parents if p.name == "app"), None)
    if runtime is None or base is None:
        return ""
    return contained_python(base / "runtime" / runtime[1] / "active/files/lib", "", "*/")


def appimages(machine: Machine, name: str) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """AppImages of a program with the version in their names, newest first; (0, 0) when there is none."""
    found = []
    for folder in machine.appimage_folders:
        for file in folder.glob("*.[aA]pp[iI]mage") if folder.is_dir() else ():
            if file.name.lower().startswith(name):
                digits = re.search(r"(\d+)\.(\d+)", file.name)
                found.append((file, tuple(int(d) for d in digits.groups()) if digits else (0, 0)))
    return iter(sorted(found, key=lambda item: item[1], reverse=True))


def system_python(machine: Machine) -> str:
    """Version of /usr/bin/python3; empty when there is none."""
    python = machine.root / "usr/bin/python3"
    match = re.fullmatch(r"python(3\.\d+)", python.resolve().name)
    return match[1] if match else ""


def mac_apps(machine: Machine, pattern: str) -> Iterator[Path]:
    """Applications whose names match."""
    for folder in (machine.root / "Applications", machine.home / "Applications"):
        yield from sorted(folder.glob(pattern))


def win_places(machine: Machine, pattern: str, key: str) -> list[Path]:
    """Folders of an installed program: in the program folders, and where the registry says."""
    places = [path for folder in machine.program_folders for path in sorted(folder.glob(pattern))]
    if registered := machine.registry(key, "InstallLocation"):
        places.append(Path(registered))
    return list(dict.fromkeys(places))


def first(folder: Path, *patterns: str) -> Path | None:
    """The first path below `folder` that matches one of the patterns; None when none does."""
    return next((path for pattern in patterns for path in sorted(folder.glob(pattern))), None)


def contained_python(folder: Path, *below: str) -> str:
    """Version of the Python library in one of the sub-folders `below` of `folder`; empty when there is none."""
    for part in below:
        for path in sorted(folder.glob(f"{part}*python3*")):
            if match := _LIBPYTHON.match(path.name):
                return f"3.{match[1]}"
    return ""
