"""Finding editors on fake machines of all three systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.editors import Editor, find
from installer.machine import Machine
from plugin.client.server import launcher


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def linux(tmp_path: Path, **environ: str) -> Machine:
    home, root = tmp_path / "home", tmp_path / "root"
    home.mkdir()
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
    krita, gimp = find(machine)
    assert krita.folder == machine.home / ".local/share/krita/pykrita/inlay"
    assert krita.config == machine.home / ".config/kritarc"
    assert krita.python == "3.11"  # what Krita links, not what the system runs
    assert gimp.folder == machine.home / ".config/GIMP/3.0/plug-ins/inlay"
    assert gimp.python == "3.12"


def test_xdg_folders_are_followed(tmp_path: Path) -> None:
    machine = linux(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"), XDG_CONFIG_HOME=str(tmp_path / "config"))
    touch(machine.root / "usr/bin/krita")
    (machine.root / "usr/lib/gimp/3.2").mkdir(parents=True)
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


def test_data_goes_where_the_plugin_looks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INLAY_DATA_DIR", raising=False)
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        monkeypatch.delenv("LOCALAPPDATA", raising=False)
        assert Machine(system, tmp_path).data == launcher.data_directory()
    assert Machine("linux", tmp_path, {"INLAY_DATA_DIR": "/elsewhere"}).data == Path("/elsewhere")
