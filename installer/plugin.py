"""Putting the plug-in into an editor's profile, and taking it out."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from . import kritarc
from .console import Console, InstallError, clean_environment
from .editors import Editor
from .machine import SOURCE
from .steps import recover, replaced_folder, write_whole
from .venv import Venv

KRITA_ENTRY = "from .plugin.krita.extension import register\nregister()\n"
UNUSED = {"krita": "gimp", "gimp": "krita"}
"""The half of the plug-in that an editor does not need."""


def has_profile(editor: Editor) -> bool:
    """Whether the plug-in can be put there. Krita takes what lies there before its first start, GIMP 3.2 does not."""
    return editor.kind != "gimp" or editor.plugins.parent.exists()


def make_profile(editors: list[Editor], console: Console) -> bool:
    """Start a GIMP that never ran once, so that it makes the profile that `editors` share; whether it is there."""
    for command in (editor.first_start for editor in editors if editor.first_start):
        if not has_profile(editors[0]):
            console.say(f"  start {editors[0].name} once, so that it makes its profile")
            with contextlib.suppress(InstallError, OSError):
                console.run(command, clean_environment())
    return has_profile(editors[0])


def install(editors: list[Editor], venv: Venv, console: Console) -> None:
    """Put the plug-in into the profile that `editors` share: they differ at most in their Python.

    What is there stays until the new folder is complete.
    """
    editor = editors[0]
    with replaced_folder(editor.folder) as folder:
        lay_out(editor.kind, folder)
        for version in sorted({e.python for e in editors if e.wheels and e.python}):
            vendor_pyzmq(folder / "vendor", version, venv, console)
    if editor.kind == "krita":
        for source, place in _krita_files(editor):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, source.read_text(encoding="utf-8"))
        _edit_settings(editor, kritarc.switched_on)


def lay_out(kind: str, folder: Path) -> None:
    """Put into a new folder what an editor ("krita" or "gimp") loads from there."""
    # Krita looks for action files below this folder, too, and complains when it meets the same one twice
    leave_out = shutil.ignore_patterns("__pycache__", "*.action", UNUSED[kind])
    shutil.copytree(SOURCE / "plugin", folder / "plugin", ignore=leave_out)
    if kind == "krita":
        (folder / "__init__.py").write_text(KRITA_ENTRY, encoding="utf-8")
        shutil.move(folder / "plugin/krita/Manual.html", folder)  # where inlay.desktop says it is
    else:
        entry = folder / "inlay.py"
        shutil.move(folder / "plugin/gimp/entry.py", entry)
        entry.chmod(0o755)


def uninstall(editor: Editor) -> bool:
    """Take the plug-in out; whether there was any. Folders that this leaves empty go, others stay."""
    recover(editor.folder)
    places = [editor.folder]
    if editor.kind == "krita":
        places += [place for _, place in _krita_files(editor)]
        _edit_settings(editor, kritarc.switched_off)
    found = [place for place in places if place.exists()]
    for place in found:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()
        _remove_empty(place.parent, 3)
    return bool(found)


def installed(editor: Editor) -> bool:
    """Whether the plug-in is in the editor's profile."""
    return (editor.folder / "plugin/client/actions").exists()


def vendor_pyzmq(folder: Path, version: str, venv: Venv, console: Console) -> None:
    """pyzmq for a Python of this version, beside those for others. The plug-in does without where there is none."""
    fresh = folder.with_name("vendor.fresh")
    wheel = ("--only-binary=:all:", "--no-deps", "--python-version", version, "pyzmq")
    try:
        venv.pip("--target", fresh, *wheel)
    except InstallError:
        console.say(f"  there is no pyzmq for Python {version}: the plug-in will use its own client, which is as good")
    else:
        shutil.copytree(fresh, folder, dirs_exist_ok=True)
    shutil.rmtree(fresh, ignore_errors=True)


def _krita_files(editor: Editor) -> list[tuple[Path, Path]]:
    """Files beside the plug-in's folder: (ours, where it goes)."""
    ours = SOURCE / "plugin/krita"
    return [
        (ours / "inlay.desktop", editor.plugins / "inlay.desktop"),
        (ours / "inlay.action", editor.plugins.parent / "actions/inlay.action"),
    ]


def _edit_settings(editor: Editor, change: Callable[[str], str]) -> None:
    if editor.config is None:
        return
    before = ""
    if editor.config.exists():
        before = editor.config.read_bytes().decode("utf-8", "surrogateescape")
    after = change(before)
    if after == before:
        return
    if after or editor.config.is_symlink():
        write_whole(editor.config, after)
    else:
        editor.config.unlink()
        _remove_empty(editor.config.parent, 1)


def _remove_empty(folder: Path, levels: int) -> None:
    with contextlib.suppress(OSError):  # the first that is not empty ends it
        for level in [folder, *folder.parents][:levels]:
            level.rmdir()
