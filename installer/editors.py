"""The editors on a machine: every Krita and every GIMP 3, however it was installed."""

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

    @property
    def folder(self) -> Path:
        """What is ours alone in the editor's profile."""
        return self.plugins / "inlay"


def find(machine: Machine) -> list[Editor]:
    """All Kritas and GIMPs, without repetitions, Krita first."""
    finders = {
        "linux": (_linux_krita, _linux_gimp),
        "darwin": (_mac_krita, _mac_gimp),
        "win32": (_win_krita, _win_gimp),
    }
    found = [editor for finder in finders[machine.system] for editor in finder(machine)]
    return list(dict.fromkeys(found))


# Linux


def _linux_krita(machine: Machine) -> Iterator[Editor]:
    plugins, config = machine.data_home / "krita/pykrita", machine.config_home / "kritarc"
    if (machine.root / "usr/bin/krita").exists():
        module = _first(machine.root / "usr", *(f"{lib}/kritaplugins/kritapykrita.so" for lib in ("lib*", "lib*/*")))
        yield Editor("krita", "Krita", plugins, config, _linked_python(module) or _system_python(machine))
    for app in _flatpaks(machine, "org.kde.krita"):
        home = machine.home / ".var/app/org.kde.krita"
        python = _flatpak_python(app)
        yield Editor("krita", "Krita (Flatpak)", home / "data/krita/pykrita", home / "config/kritarc", python)
    snap = machine.root / "snap/krita/current"
    if snap.exists():
        home = machine.home / "snap/krita/current"
        python = _contained_python(snap / "usr/lib", "*/")
        yield Editor("krita", "Krita (Snap)", home / ".local/share/krita/pykrita", home / ".config/kritarc", python)
    for file, version in _appimages(machine, "krita"):
        python = "" if not version else "3.10" if version < (5, 3) else "3.13"
        yield Editor("krita", f"Krita ({file.name})", plugins, config, python)


def _linux_gimp(machine: Machine) -> Iterator[Editor]:
    for version in _gimp_versions(machine.root / "usr"):
        plugins = machine.config_home / "GIMP" / version / "plug-ins"
        yield Editor("gimp", f"GIMP {version}", plugins, python=_system_python(machine))
    for app in _flatpaks(machine, "org.gimp.GIMP"):
        for version in _gimp_versions(app / "files"):
            own = machine.home / ".var/app/org.gimp.GIMP/config/GIMP" / version
            shared = machine.config_home / "GIMP" / version  # used by builds that may write there
            profile = shared if shared.exists() and not own.exists() else own
            yield Editor("gimp", f"GIMP {version} (Flatpak)", profile / "plug-ins", python=_flatpak_python(app))
    snap = machine.root / "snap/gimp/current"
    for version in _gimp_versions(snap / "usr") or _gimp_versions(snap):
        plugins = machine.home / "snap/gimp/current/.config/GIMP" / version / "plug-ins"
        yield Editor("gimp", f"GIMP {version} (Snap)", plugins, python=_contained_python(snap / "usr/lib", "*/"))
    for file, number in _appimages(machine, "gimp"):
        if number >= (3, 0):
            plugins = machine.config_home / "GIMP" / f"3.{number[1] - number[1] % 2}" / "plug-ins"
            yield Editor("gimp", f"GIMP ({file.name})", plugins)


def _flatpaks(machine: Machine, name: str) -> Iterator[Path]:
    for base in (machine.data_home / "flatpak", machine.root / "var/lib/flatpak"):
        app = base / "app" / name / "current/active"
        if app.exists():
            yield app


def _flatpak_python(app: Path) -> str:
    """Python of a Flatpak: its own, else that of the runtime it names."""
    if own := _contained_python(app / "files/lib", "", "*/"):
        return own
    try:
        runtime = re.search(r"^runtime=(\S+)", (app / "metadata").read_text(), re.MULTILINE)
    except OSError:
        return ""
    base = next((p.parent for p in app.parents if p.name == "app"), None)
    if runtime is None or base is None:
        return ""
    return _contained_python(base / "runtime" / runtime[1] / "active/files/lib", "", "*/")


def _appimages(machine: Machine, name: str) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """AppImages of a program with the version in their names, newest first; (0, 0) when there is none."""
    found = []
    for folder in machine.appimage_folders:
        for file in folder.glob("*.[aA]pp[iI]mage") if folder.is_dir() else ():
            if file.name.lower().startswith(name):
                digits = re.search(r"(\d+)\.(\d+)", file.name)
                found.append((file, tuple(int(d) for d in digits.groups()) if digits else (0, 0)))
    return iter(sorted(found, key=lambda item: item[1], reverse=True))


def _gimp_versions(prefix: Path) -> list[str]:
    """Versions of GIMP 3 below a prefix, as its folders name them: "3.0"."""
    patterns = ("lib/gimp/3.*", "lib/*/gimp/3.*", "lib64/gimp/3.*")
    return sorted({path.name for pattern in patterns for path in prefix.glob(pattern) if path.is_dir()})


def _system_python(machine: Machine) -> str:
    python = machine.root / "usr/bin/python3"
    match = re.fullmatch(r"python(3\.\d+)", python.resolve().name)
    return match[1] if match else ""


def _linked_python(module: Path | None) -> str:
    """The libpython that a shared library asks for."""
    match = re.search(rb"libpython3\.(\d+)", module.read_bytes()) if module else None
    return f"3.{match[1].decode()}" if match else ""


# macOS


def _mac_apps(machine: Machine, pattern: str) -> Iterator[Path]:
    for folder in (machine.root / "Applications", machine.home / "Applications"):
        yield from sorted(folder.glob(pattern))


def _mac_krita(machine: Machine) -> Iterator[Editor]:
    library = machine.home / "Library"
    for app in _mac_apps(machine, "[kK]rita*.app"):
        framework = _first(app, "Contents/Frameworks/Python.framework/Versions/3.*")
        yield Editor(
            "krita",
            f"Krita ({app})",
            library / "Application Support/krita/pykrita",
            library / "Preferences/kritarc",
            framework.name if framework else "",
        )


def _mac_gimp(machine: Machine) -> Iterator[Editor]:
    for app in _mac_apps(machine, "GIMP*.app"):
        python = _first(app, "Contents/Resources/lib/python3.*", "Contents/Frameworks/Python.framework/Versions/3.*")
        for version in _gimp_versions(app / "Contents/Resources"):
            plugins = machine.home / "Library/Application Support/GIMP" / version / "plug-ins"
            yield Editor(
                "gimp", f"GIMP {version} ({app})", plugins, python=python.name.removeprefix("python") if python else ""
            )


# Windows


def _win_krita(machine: Machine) -> Iterator[Editor]:
    for place in _win_places(machine, "Krita*", rf"{UNINSTALL}\Krita_x64"):
        if (place / "bin/krita.exe").exists():
            plugins = machine.appdata / "krita/pykrita"
            python = _contained_python(place, "bin/", "python/", "")
            yield Editor("krita", f"Krita ({place})", plugins, machine.local_appdata / "kritarc", python)
    for package in sorted((machine.local_appdata / "Packages").glob("*Krita_*")):
        cache = package / "LocalCache"
        yield Editor("krita", "Krita (Microsoft Store)", cache / "Roaming/krita/pykrita", cache / "Local/kritarc")


def _win_gimp(machine: Machine) -> Iterator[Editor]:
    # GIMP's Python on Windows is built with MSYS2: ordinary wheels do not load in it.
    for place in _win_places(machine, "GIMP*", rf"{UNINSTALL}\GIMP-3_is1"):
        for version in _gimp_versions(place):
            plugins = machine.appdata / "GIMP" / version / "plug-ins"
            python = _contained_python(place, "bin/")
            yield Editor("gimp", f"GIMP {version} ({place})", plugins, python=python, wheels=False)
    for package in sorted((machine.local_appdata / "Packages").glob("*GIMP*_*")):
        plugins = package / "LocalCache/Roaming/GIMP/3.0/plug-ins"
        yield Editor("gimp", "GIMP (Microsoft Store)", plugins, wheels=False)


def _win_places(machine: Machine, pattern: str, key: str) -> list[Path]:
    places = [path for folder in machine.program_folders for path in sorted(folder.glob(pattern))]
    if registered := machine.registry(key, "InstallLocation"):
        places.append(Path(registered))
    return list(dict.fromkeys(places))


# Everywhere


def _first(folder: Path, *patterns: str) -> Path | None:
    return next((path for pattern in patterns for path in sorted(folder.glob(pattern))), None)


def _contained_python(folder: Path, *below: str) -> str:
    """Version of the Python library in one of the sub-folders `below` of `folder`; empty when there is none."""
    for part in below:
        for path in sorted(folder.glob(f"{part}*python3*")):
            if match := _LIBPYTHON.match(path.name):
                return f"3.{match[1]}"
    return ""
