"""Every GIMP 3 on a machine, and the profiles it has.

GIMP 3.2 keeps its libraries in `gimp/3.0` and its profile in `GIMP/3.2`. Its first start makes that profile and copies
the one of 3.0, plug-ins included but for their deeper folders, and only while there is none of its own yet. So the
plug-in goes into every profile that is there; a profile that is not is left for GIMP to make.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .machine import Machine
from .programs import (
    UNINSTALL,
    Editor,
    appimages,
    contained_python,
    first,
    flatpak_python,
    flatpaks,
    mac_apps,
    system_python,
    win_places,
)

_PROGRAM = re.compile(r"gimp(?:-console)?-(3\.\d+)(?:\.exe)?")
_RELEASE = re.compile(r"<release\b[^>]*\bversion=\"(3\.\d+)")
_PROFILE = re.compile(r"3\.\d+")
_START = ("-i", "--quit")


def find(machine: Machine) -> Iterator[Editor]:
    """The profiles of all GIMPs, perhaps with repetitions."""
    yield from {"linux": _linux, "darwin": _mac, "win32": _windows}[machine.system](machine)


def version(prefix: Path, programs: str = "bin") -> str:
    """The version of the GIMP 3 below a prefix, as its profile is named ("3.2"); empty when there is none.

    From the names of the programs, else what its description says, else the folder of its libraries.
    """
    named = [match[1] for path in prefix.glob(f"{programs}/gimp*") if (match := _PROGRAM.fullmatch(path.name))]
    if named:
        return str(max(named, key=_number))
    libraries = [
        path.name
        for pattern in ("lib/gimp/3.*", "lib/*/gimp/3.*", "lib64/gimp/3.*")
        for path in prefix.glob(pattern)
        if path.is_dir() and _PROFILE.fullmatch(path.name)
    ]
    if not libraries:
        return ""
    for description in sorted(prefix.glob("share/metainfo/*[gG][iI][mM][pP]*.xml")):
        releases = _RELEASE.findall(description.read_text(encoding="utf-8", errors="replace"))
        if releases:
            return str(max(releases, key=_number))
    return str(max(libraries, key=_number))


def profiles(*folders: Path) -> list[Path]:
    """The profiles of GIMP 3 that are there, in folders that hold one a version."""
    found = (path for folder in folders for path in folder.glob("3.*"))
    return sorted(path for path in found if path.is_dir() and _PROFILE.fullmatch(path.name))


def _editors(
    name: str, folders: tuple[Path, ...], own: str, python: str, wheels: bool = True, sandbox: str = "",
    first_start: tuple[str, ...] = (),
) -> Iterator[Editor]:  # fmt: skip
    """One for each profile in `folders`, and one for the profile that GIMP `own` will make in the first of them."""
    there = profiles(*folders)
    for profile in there:
        yield Editor("gimp", f"GIMP {profile.name}{name}", profile / "plug-ins", None, python, wheels, sandbox)
    if own and own not in {profile.name for profile in there}:
        plugins = folders[0] / own / "plug-ins"
        yield Editor("gimp", f"GIMP {own}{name}", plugins, None, python, wheels, sandbox, first_start)


def _linux(machine: Machine) -> Iterator[Editor]:
    home = machine.config_home / "GIMP"
    if own := version(machine.root / "usr"):
        program = str(machine.root / "usr/bin" / f"gimp-console-{own}")
        yield from _editors("", (home,), own, system_python(machine), first_start=(program, *_START))
    for app in flatpaks(machine, "org.gimp.GIMP"):
        if own := version(app / "files"):
            folders = (machine.home / ".var/app/org.gimp.GIMP/config/GIMP", home)  # some builds may write to the second
            start = ("flatpak", "run", f"--command=gimp-console-{own}", "org.gimp.GIMP", *_START)
            yield from _editors(" (Flatpak)", folders, own, flatpak_python(app), sandbox="flatpak", first_start=start)
    snap = machine.root / "snap/gimp/current"
    if own := version(snap / "usr") or version(snap):
        folder = machine.home / "snap/gimp/current/.config/GIMP"
        python = contained_python(snap / "usr/lib", "*/")
        yield from _editors(" (Snap)", (folder,), own, python, sandbox="snap")
    for file, number in appimages(machine, "gimp"):
        if number >= (3, 0):
            yield from _editors(f" ({file.name})", (home,), f"3.{number[1]}", "")


def _mac(machine: Machine) -> Iterator[Editor]:
    home = machine.home / "Library/Application Support/GIMP"
    for app in mac_apps(machine, "GIMP*.app"):
        python = first(app, "Contents/Resources/lib/python3.*", "Contents/Frameworks/Python.framework/Versions/3.*")
        if own := version(app / "Contents/Resources") or version(app / "Contents", "MacOS"):
            start = (str(app / "Contents/MacOS/gimp-console"), *_START)
            number = python.name.removeprefix("python") if python else ""
            yield from _editors(f" ({app})", (home,), own, number, first_start=start)


def _windows(machine: Machine) -> Iterator[Editor]:
    # GIMP's Python on Windows is built with MSYS2: ordinary wheels do not load in it.
    home = machine.appdata / "GIMP"
    for place in win_places(machine, "GIMP*", rf"{UNINSTALL}\GIMP-3_is1"):
        if own := version(place):
            start = (str(place / "bin" / f"gimp-console-{own}.exe"), *_START)
            python = contained_python(place, "bin/")
            yield from _editors(f" ({place})", (home,), own, python, wheels=False, first_start=start)
    for package in sorted((machine.local_appdata / "Packages").glob("*GIMP*_*")):
        folder = package / "LocalCache/Roaming/GIMP"
        yield from _editors(" (Microsoft Store)", (folder,), "" if profiles(folder) else "3", "", wheels=False)


def _number(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]
