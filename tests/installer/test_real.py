"""A real installation into a fresh home, with the real pip and whatever editors this machine has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from installer.editors import find
from installer.install import BORROW
from installer.machine import SOURCE, Machine


class Home:
    """A fresh home and the installer in it. PyTorch is borrowed from the environment that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "INLAY_"))}
        (folder / "run").mkdir(mode=0o700)
        own = {"HOME": str(folder), "INLAY_RUN_DIR": str(folder / "run"), BORROW: sysconfig.get_path("purelib")}
        own["RUSTUP_HOME"] = str(folder / "run")  # pip asks rustc for its version, and rustup then writes a file
        self.environment = {**keep, **own, "PATH": f"{folder}/.local/bin:{os.environ['PATH']}"}
        self.machine = Machine("linux", folder)

    def run(self, *words: str) -> str:
        command = [sys.executable, "-m", "installer", *words]
        done = subprocess.run(command, cwd=SOURCE, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> set[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file() or path.is_symlink())
        return {str(path.relative_to(self.folder)) for path in found}


@pytest.mark.timeout(600)
def test_install_again_and_remove(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/kritarc").write_text("[General]\nlanguage=de\n")
    (tmp_path / "mine.txt").write_text("mine")
    before = home.files()

    assert "would: install PyTorch" in home.run("--dry-run")
    assert home.files() == before

    printed = home.run("--torch", "cpu", "--demo", str(tmp_path / "demo"))
    assert "Inlay is installed" in printed
    assert len(list((tmp_path / "demo").glob("*.png"))) >= 4
    record = json.loads((home.machine.data / "install.json").read_text())
    imported = subprocess.run(
        [record["python"], "-c", "import backend, plugin; print(backend.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(imported.stdout.strip()).is_relative_to(record["path"])
    assert not (home.machine.data / "staging").exists()
    for editor in find(home.machine):
        assert (editor.folder / "plugin/client/actions").exists()
        assert f"install the plug-in for {editor.name}" in printed
    doctor = subprocess.run(["inlay", "doctor"], env=home.environment, capture_output=True, text=True, check=False)
    assert doctor.returncode == 0, doctor.stderr
    assert "plug-in missing" not in doctor.stdout

    again = home.run("--torch", "cpu", "--demo", str(tmp_path / "demo"))
    assert again.count("already there") == 3

    home.run("--uninstall")
    left = {name for name in home.files() - before if not name.startswith(("demo/", "run/"))}
    assert left == set()
    assert (tmp_path / ".config/kritarc").read_text() == "[General]\nlanguage=de\n"
