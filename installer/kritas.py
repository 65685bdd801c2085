"""Every Krita on a machine, however it was installed."""

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


def find(machine: Machine) -> Iterator[Editor]:
    """The Kritas, perhaps with repetitions."""
    yield from {"linux": _linux_krita, "darwin": _mac_krita, "win32": _win_krita}[machine.system](machine)


def _linux_krita(machine: Machine) -> Iterator[Editor]:
    plugins, config = machine.data_home / "krita/pykrita", machine.config_home / "kritarc"
    if (machine.root / "usr/bin/krita").exists():
        module = first(machine.root / "usr", *(f"{lib}/kritaplugins/kritapykrita.so" for lib in ("lib*", "lib*/*")))
        yield Editor("krita", "Krita", plugins, config, _linked_python(module) or system_python(machine))
    for app in flatpaks(machine, "org.kde.krita"):
        home = machine.home / ".var/app/org.kde.krita"
        python = flatpak_python(app)
        yield Editor(
            "krita", "Krita (Flatpak)", home / "data/krita/pykrita", home / "config/kritarc", python, sandbox="flatpak"
        )
    snap = machine.root / "snap/krita/current"
    if snap.exists():
        home = machine.home / "snap/krita/current"
        python = contained_python(snap / "usr/lib", "*/")
        place, config_there = home / ".local/share/krita/pykrita", home / ".config/kritarc"
        yield Editor("krita", "Krita (Snap)", place, config_there, python, sandbox="snap")
    for file, version in appimages(machine, "krita"):
        python = "" if not version else "3.10" if version < (5, 3) else "3.13"
        yield Editor("krita", f"Krita ({file.name})", plugins, config, python)


def _mac_krita(machine: Machine) -> Iterator[Editor]:
    library = machine.home / "Library"
    for app in mac_apps(machine, "[kK]rita*.app"):
        framework = first(app, "Contents/Frameworks/Python.framework/Versions/3.*")
        yield Editor(
            "krita",
            f"Krita ({app})",
            library / "Application Support/krita/pykrita",
            library / "Preferences/kritarc",
            framework.name if framework else "",
        )


def _win_krita(machine: Machine) -> Iterator[Editor]:
    for place in win_places(machine, "Krita*", rf"{UNINSTALL}\Krita_x64"):
        if (place / "bin/krita.exe").exists():
            plugins = machine.appdata / "krita/pykrita"
            python = contained_python(place, "bin/", "python/", "")
            yield Editor("krita", f"Krita ({place})", plugins, machine.local_appdata / "kritarc", python)
    for package in sorted((machine.local_appdata / "Packages").glob("*Krita_*")):
        cache = package / "LocalCache"
        yield Editor("krita", "Krita (Microsoft Store)", cache / "Roaming/krita/pykrita", cache / "Local/kritarc")


def _linked_python(module: Path | None) -> str:
    """The libpython that a shared library asks for."""
    match = re.search(rb"libpython3\.(\d+)", module.read_bytes()) if module else None
    return f"3.{match[1].decode()}" if match else ""
