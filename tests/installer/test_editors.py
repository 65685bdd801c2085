"""Finding editors on fake machines of all three systems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from installer import plugin
from installer.console import Console
from installer.editors import Editor, find
from installer.machine import Machine
from plugin.client.server import launcher


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def linux(tmp_path: Path, **environ: str) -> Machine:
    home, root = tmp_path / "home", tmp_path / "root"
    home.mkdir(parents=True)
    root.mkdir()
    return Machine("linux", home, environ, root)


def only(editors: list[Editor]) -> Editor:
    assert len(editors) == 1
    return editors[0]


def test_nothing_is_found_on_a_bare_machine(tmp_path: Path) -> None:
    for system in ("linux", "darwin", "win32"):
        assert find(Machine(system, tmp_path / "home", {}, tmp_path)) == []


def test_krita_and_gimp_from_packages(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    touch(machine.root / "usr/bin/python3.12")
    (machine.root / "usr/bin/python3").symlink_to("python3.12")
    touch(machine.root / "usr/bin/krita")
    touch(machine.root / "usr/lib/x86_64-linux-gnu/kritaplugins/kritapykrita.so", b"\0libpython3.11.so.1.0\0")
    (machine.root / "usr/lib/x86_64-linux-gnu/gimp/3.0").mkdir(parents=True)
    (machine.root / "usr/lib/x86_64-linux-gnu/gimp/2.0").mkdir()
    touch(machine.root / "usr/bin/gimp-console-3.0")
    krita, gimp = find(machine)
    assert krita.folder == machine.home / ".local/share/krita/pykrita/inlay"
    assert krita.config == machine.home / ".config/kritarc"
    assert krita.python == "3.11"  # what Krita links, not what the system runs
    assert gimp.folder == machine.home / ".config/GIMP/3.0/plug-ins/inlay"
    assert gimp.python == "3.12"


def test_xdg_folders_are_followed(tmp_path: Path) -> None:
    machine = linux(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"), XDG_CONFIG_HOME=str(tmp_path / "config"))
    touch(machine.root / "usr/bin/krita")
    touch(machine.root / "usr/bin/gimp-3.2")
    (machine.root / "usr/lib/gimp/3.0").mkdir(parents=True)
    krita, gimp = find(machine)
    assert krita.plugins == tmp_path / "data/krita/pykrita"
    assert krita.config == tmp_path / "config/kritarc"
    assert gimp.plugins == tmp_path / "config/GIMP/3.2/plug-ins"


def test_flatpaks_of_the_user_and_of_the_system(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    krita = machine.home / ".local/share/flatpak/app/org.kde.krita/current/active"
    touch(krita / "files/lib/libpython3.13.so.1.0")
    gimp = machine.root / "var/lib/flatpak/app/org.gimp.GIMP/current/active"
    (gimp / "files/lib/gimp/3.0").mkdir(parents=True)
    touch(gimp / "metadata", b"[Application]\nname=org.gimp.GIMP\nruntime=org.gnome.Platform/x86_64/48\n")
    runtime = machine.root / "var/lib/flatpak/runtime/org.gnome.Platform/x86_64/48/active/files/lib"
    touch(runtime / "x86_64-linux-gnu/libpython3.12.so.1.0")
    first, second = find(machine)
    assert first.folder == machine.home / ".var/app/org.kde.krita/data/krita/pykrita/inlay"
    assert first.config == machine.home / ".var/app/org.kde.krita/config/kritarc"
    assert first.python == "3.13"
    assert second.folder == machine.home / ".var/app/org.gimp.GIMP/config/GIMP/3.0/plug-ins/inlay"
    assert second.python == "3.12"


def test_snaps(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    touch(machine.root / "snap/krita/current/usr/lib/x86_64-linux-gnu/libpython3.10.so.1.0")
    (machine.root / "snap/gimp/current/usr/lib/gimp/3.0").mkdir(parents=True)
    krita, gimp = find(machine)
    assert krita.plugins == machine.home / "snap/krita/current/.local/share/krita/pykrita"
    assert krita.python == "3.10"
    assert gimp.plugins == machine.home / "snap/gimp/current/.config/GIMP/3.0/plug-ins"


def test_appimages_share_the_profile_of_the_package(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    touch(machine.home / "Applications/krita-5.2.9-x86_64.AppImage")
    touch(machine.home / "Downloads/krita-5.3.0-x86_64.appimage")
    touch(machine.home / "Downloads/GIMP-3.0.4-x86_64.AppImage")
    touch(machine.home / "Downloads/GIMP-2.10.38-x86_64.AppImage")
    touch(machine.home / "Downloads/Blender-4.AppImage")
    newer, older, gimp = find(machine)
    assert [newer.python, older.python] == ["3.13", "3.10"]
    assert newer.folder == older.folder == machine.home / ".local/share/krita/pykrita/inlay"
    assert gimp.plugins == machine.home / ".config/GIMP/3.0/plug-ins"


def test_mac_applications(tmp_path: Path) -> None:
    machine = Machine("darwin", tmp_path / "home", {}, tmp_path, "arm64")
    framework = "Contents/Frameworks/Python.framework/Versions/3.10"
    (tmp_path / "Applications/krita.app" / framework).mkdir(parents=True)
    (tmp_path / "home/Applications/GIMP.app/Contents/Resources/lib/gimp/3.0").mkdir(parents=True)
    (tmp_path / "home/Applications/GIMP.app/Contents/Resources/lib/python3.11").mkdir()
    krita, gimp = find(machine)
    support = tmp_path / "home/Library/Application Support"
    assert (krita.folder, krita.python) == (support / "krita/pykrita/inlay", "3.10")
    assert krita.config == tmp_path / "home/Library/Preferences/kritarc"
    assert (gimp.folder, gimp.python) == (support / "GIMP/3.0/plug-ins/inlay", "3.11")


def windows(tmp_path: Path, registry: dict[str, str] | None = None) -> Machine:
    def look_up(key: str, value: str) -> str:
        return (registry or {}).get(key.rpartition("\\")[2], "") if value == "InstallLocation" else ""

    home = tmp_path / "Users/me"
    return Machine("win32", home, {"ProgramFiles": str(tmp_path / "Program Files")}, tmp_path, "amd64", look_up)


def test_windows_program_folders(tmp_path: Path) -> None:
    machine = windows(tmp_path)
    touch(tmp_path / "Program Files/Krita (x64)/bin/krita.exe")
    touch(tmp_path / "Program Files/Krita (x64)/bin/python310.dll")
    touch(tmp_path / "Users/me/AppData/Local/Programs/GIMP 3/bin/libpython3.12.dll")
    (tmp_path / "Users/me/AppData/Local/Programs/GIMP 3/lib/gimp/3.0").mkdir(parents=True)
    krita, gimp = find(machine)
    assert (krita.folder, krita.python) == (machine.appdata / "krita/pykrita/inlay", "3.10")
    assert krita.config == machine.local_appdata / "kritarc"
    assert (gimp.folder, gimp.python) == (machine.appdata / "GIMP/3.0/plug-ins/inlay", "3.12")
    assert krita.wheels
    assert not gimp.wheels  # built with MSYS2


def test_windows_registry_and_store(tmp_path: Path) -> None:
    elsewhere = tmp_path / "D/Art/Krita"
    touch(elsewhere / "bin/krita.exe")
    machine = windows(tmp_path, {"Krita_x64": str(elsewhere)})
    (machine.local_appdata / "Packages/49800Krita_RT_abc").mkdir(parents=True)
    registered, store = find(machine)
    assert str(elsewhere) in registered.name
    assert store.folder == machine.local_appdata / "Packages/49800Krita_RT_abc/LocalCache/Roaming/krita/pykrita/inlay"


def test_a_place_that_is_registered_and_in_program_files_counts_once(tmp_path: Path) -> None:
    place = tmp_path / "Program Files/Krita (x64)"
    touch(place / "bin/krita.exe")
    only(find(windows(tmp_path, {"Krita_x64": str(place)})))


MAC_GIMP, STORE_GIMP = "Applications/GIMP.app/Contents", "Packages/GIMP.43237F745622_abc/LocalCache/Roaming/GIMP"
LIBRARIES = "lib/gimp/3.0"  # of 3.0 and of 3.2
METAINFO = b'<releases><release date="2026-10-01" version="3.2.6"/><release version="3.0.4" /></releases>'


def gimp_machine(kind: str, tmp_path: Path) -> tuple[Machine, Path]:
    """A machine with GIMP 3.2, as it is installed there, and the folder that its profiles are in."""
    if kind == "mac":
        touch(tmp_path / MAC_GIMP / "MacOS/gimp-console-3.2")
        touch(tmp_path / MAC_GIMP / "Resources/share/metainfo/org.gimp.GIMP.appdata.xml", METAINFO)
        (tmp_path / MAC_GIMP / "Resources" / LIBRARIES).mkdir(parents=True)
        machine = Machine("darwin", tmp_path / "home", {}, tmp_path, "arm64")
        return machine, machine.home / "Library/Application Support/GIMP"
    if kind in ("windows", "store"):
        machine = windows(tmp_path)
        if kind == "store":
            (machine.local_appdata / STORE_GIMP).mkdir(parents=True)
            return machine, machine.local_appdata / STORE_GIMP
        touch(tmp_path / "Program Files/GIMP 3/bin/gimp-console-3.2.exe")
        touch(tmp_path / "Program Files/GIMP 3/bin/gimp-3.exe")
        (tmp_path / "Program Files/GIMP 3" / LIBRARIES).mkdir(parents=True)
        return machine, machine.appdata / "GIMP"
    machine = linux(tmp_path)
    if kind == "flatpak":
        app = machine.root / "var/lib/flatpak/app/org.gimp.GIMP/current/active/files"
        touch(app / "bin/gimp-3.2")
        (app / LIBRARIES).mkdir(parents=True)
        return machine, machine.home / ".var/app/org.gimp.GIMP/config/GIMP"
    if kind == "snap":
        touch(machine.root / "snap/gimp/current/usr/bin/gimp-console-3.2")
        return machine, machine.home / "snap/gimp/current/.config/GIMP"
    touch(machine.root / "usr/bin/gimp-3.2")
    (machine.root / "usr/lib/x86_64-linux-gnu/gimp/3.0").mkdir(parents=True)
    return machine, machine.home / ".config/GIMP"


KINDS = ["package", "flatpak", "snap", "mac", "windows", "store"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_profile_of_gimp_3_is_found_whatever_its_libraries_are_called(tmp_path: Path, kind: str) -> None:
    machine, folder = gimp_machine(kind, tmp_path)
    for name in ("2.10", "3.0", "3.2", "3.2.backup"):
        touch(folder / name / "gimprc")
    assert [editor.plugins for editor in find(machine)] == [folder / "3.0/plug-ins", folder / "3.2/plug-ins"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_that_is_not_there_is_left_for_gimp_to_make(tmp_path: Path, kind: str) -> None:
    machine, folder = gimp_machine(kind, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    waiting = only(find(machine))
    console = Console(tmp_path / "log")
    assert not plugin.make_profile([replace(waiting, first_start=("false",))], console)
    assert sorted(path for path in tmp_path.rglob("*") if path.name != "log") == before
    assert plugin.make_profile([replace(waiting, first_start=("mkdir", "-p", str(waiting.plugins)))], console)
    assert bool(waiting.first_start) == (kind not in ("snap", "store"))
    if kind != "store":
        assert waiting.plugins == folder / "3.2/plug-ins"


def test_sandboxes_are_told_apart(tmp_path: Path) -> None:
    assert [only(find(gimp_machine(kind, tmp_path / kind)[0])).sandbox for kind in ("flatpak", "snap")] == [
        "flatpak", "snap"
    ]  # fmt: skip


def test_data_goes_where_the_plugin_looks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INLAY_DATA_DIR", raising=False)
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        monkeypatch.delenv("LOCALAPPDATA", raising=False)
        assert Machine(system, tmp_path).data == launcher.data_directory()
    assert Machine("linux", tmp_path, {"INLAY_DATA_DIR": "/elsewhere"}).data == Path("/elsewhere")
