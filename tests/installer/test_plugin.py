"""Putting the plug-in into profiles and taking it out, on a home of its own; pip is stood in for."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from installer import plugin
from installer.console import Console, InstallError
from installer.editors import Editor
from installer.machine import SOURCE
from installer.venv import Venv


class Pip(Venv):
    """Instead of running pip: notes what it was asked for, and leaves a file named after the Python version."""

    def __init__(self, folder: Path, broken: bool = False) -> None:
        super().__init__(folder, Console(folder / "log"))
        self.asked: list[str] = []
        self.broken = broken

    def pip(self, *arguments: str | Path) -> None:
        if self.broken:
            raise InstallError("no such wheel")
        words = [str(word) for word in arguments]
        version = words[words.index("--python-version") + 1]
        self.asked.append(version)
        target = Path(words[words.index("--target") + 1]) / "zmq"
        target.mkdir(parents=True)
        (target / "__init__.py").touch()
        (target / f"_zmq.cpython-{version.replace('.', '')}.so").touch()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def krita(home: Path, python: str = "3.11") -> Editor:
    return Editor("krita", "Krita", home / "share/krita/pykrita", home / "config/kritarc", python)


def gimp(home: Path, **changes: bool) -> Editor:
    return Editor("gimp", "GIMP 3.0", home / "GIMP/3.0/plug-ins", None, "3.13", **changes)


def put(editor: Editor, pip: Pip) -> None:
    plugin.install([editor], pip, pip.console)


def test_krita_gets_plugin_actions_and_switch(tmp_path: Path) -> None:
    editor = krita(tmp_path)
    put(editor, Pip(tmp_path / "venv"))
    assert (editor.folder / "__init__.py").read_text() == plugin.KRITA_ENTRY
    assert (editor.folder / "plugin/krita/extension.py").exists()
    assert (editor.folder / "Manual.html").exists()
    assert not (editor.folder / "plugin/gimp").exists()
    assert not list(editor.folder.rglob("__pycache__"))
    assert (editor.plugins / "inlay.desktop").exists()
    assert (tmp_path / "share/krita/actions/inlay.action").exists()
    assert editor.config is not None
    assert editor.config.read_text() == "[python]\nenable_inlay=true\n"
    assert plugin.installed(editor)


def test_gimp_gets_an_executable_of_the_folders_name(tmp_path: Path) -> None:
    editor = gimp(tmp_path)
    put(editor, Pip(tmp_path / "venv"))
    entry = editor.folder / "inlay.py"
    assert entry.stat().st_mode & stat.S_IXUSR
    assert entry.read_text() == (SOURCE / "plugin/gimp/entry.py").read_text()
    assert not (editor.folder / "plugin/krita").exists()
    assert (editor.folder / "vendor/zmq/__init__.py").exists()


def test_editors_that_share_a_profile_get_pyzmq_for_each_of_their_pythons(tmp_path: Path) -> None:
    pip = Pip(tmp_path / "venv")
    editors = [krita(tmp_path, "3.11"), krita(tmp_path, "3.13"), krita(tmp_path, "")]
    plugin.install(editors, pip, pip.console)
    assert pip.asked == ["3.11", "3.13"]
    assert files(editors[0].folder / "vendor") == {
        "zmq/__init__.py", "zmq/_zmq.cpython-311.so", "zmq/_zmq.cpython-313.so"
    }  # fmt: skip


def test_where_wheels_do_not_load_none_is_put(tmp_path: Path) -> None:
    pip = Pip(tmp_path / "venv")
    put(gimp(tmp_path, wheels=False), pip)
    assert pip.asked == []
    assert not (gimp(tmp_path).folder / "vendor").exists()


def test_without_a_wheel_the_plugin_is_installed_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    editor = gimp(tmp_path)
    put(editor, Pip(tmp_path / "venv", broken=True))
    assert plugin.installed(editor)
    assert not (editor.folder / "vendor").exists()
    assert "its own client" in capsys.readouterr().out


def test_an_interrupted_update_leaves_the_old_plugin_working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor, pip = krita(tmp_path), Pip(tmp_path / "venv")
    put(editor, pip)
    before = files(editor.folder)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plugin, "vendor_pyzmq", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(editor, pip)
    assert files(editor.folder) == before
    assert [path.name for path in editor.plugins.iterdir() if path.is_dir()] == ["inlay"]


def test_a_power_cut_between_the_two_renames_is_mended(tmp_path: Path) -> None:
    editor, pip = krita(tmp_path), Pip(tmp_path / "venv")
    put(editor, pip)
    editor.folder.rename(editor.plugins / ".inlay.old")
    (editor.plugins / ".inlay.incomplete").mkdir()
    put(editor, pip)
    assert plugin.installed(editor)
    assert [path.name for path in editor.plugins.iterdir() if path.is_dir()] == ["inlay"]


def test_an_update_leaves_no_file_of_the_old_version(tmp_path: Path) -> None:
    editor, pip = krita(tmp_path), Pip(tmp_path / "venv")
    put(editor, pip)
    (editor.folder / "plugin/client/gone.py").touch()
    put(editor, pip)
    assert not (editor.folder / "plugin/client/gone.py").exists()


def test_removal_takes_ours_and_nothing_else(tmp_path: Path) -> None:
    editor, other = krita(tmp_path), gimp(tmp_path)
    assert editor.config is not None
    others = {
        editor.plugins / "tenbrushes/__init__.py": "theirs",
        editor.plugins / "tenbrushes.desktop": "theirs",
        editor.plugins.parent / "actions/tenbrushes.action": "theirs",
        editor.config: "[General]\r\nx=1\r\n\r\n[python]\r\nenable_tenbrushes=true\r\n",
        other.plugins / "other/other.py": "theirs",
    }
    for path, text in others.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    editor.config.chmod(0o600)
    before = files(tmp_path)
    for each in (editor, other):
        put(each, Pip(tmp_path / "venv"))
        assert plugin.uninstall(each)
        assert not plugin.uninstall(each)
    assert files(tmp_path) == before
    for path, text in others.items():
        assert path.read_bytes() == text.encode()
    assert editor.config.stat().st_mode & 0o777 == 0o600


def test_removal_from_an_empty_profile_leaves_it_empty(tmp_path: Path) -> None:
    editor = krita(tmp_path)
    put(editor, Pip(tmp_path / "venv"))
    plugin.uninstall(editor)
    assert files(tmp_path) == set()
    assert not editor.plugins.exists()


@pytest.mark.parametrize("relative", [False, True])
def test_settings_that_are_a_link_stay_one(tmp_path: Path, relative: bool) -> None:
    editor = krita(tmp_path)
    assert editor.config is not None
    kept = tmp_path / "dotfiles/kritarc"
    kept.parent.mkdir()
    kept.write_text("[General]\na=1\n")
    editor.config.parent.mkdir()
    editor.config.symlink_to("../dotfiles/kritarc" if relative else kept)
    put(editor, Pip(tmp_path / "venv"))
    assert editor.config.is_symlink()
    assert "enable_inlay=true" in kept.read_text()
    plugin.uninstall(editor)
    assert editor.config.is_symlink()
    assert kept.read_text() == "[General]\na=1\n"


def test_the_copy_that_a_new_gimp_makes_without_deeper_folders_works(tmp_path: Path) -> None:
    whole = gimp(tmp_path)
    put(whole, Pip(tmp_path / "venv"))
    for name, code in (("__init__", ""), ("procedures", "def main():\n    print(__file__)\n")):
        (whole.folder / f"plugin/gimp/{name}.py").write_text(code)  # without GIMP's modules
    copy = tmp_path / "GIMP/3.2/plug-ins/inlay"
    for path in files(whole.folder):
        if path.count("/") <= 2:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(whole.folder / path, copy / path)
    assert not (copy / "plugin/client/actions").exists()
    done = subprocess.run([sys.executable, str(copy / "inlay.py")], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(whole.folder / "plugin/gimp/procedures.py"), done.stderr
