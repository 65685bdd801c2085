"""The files of a release: the plug-in as the installer lays it out, a wheel with all of it, what it is made of."""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import runpy
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from installer import plugin, release
from installer.console import Console, clean_environment
from installer.machine import SOURCE
from installer.venv import Venv
from models.zoo.cards import find_card, names
from plugin.client.server.launcher import find_installation

IMPORTER = Path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    release.build(folder, Console(folder / "log"))
    return folder


def files(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """The content of each file, and whether it may be run."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mode & 0o100 > 0) for p in paths}


@pytest.mark.krita
def test_krita_imports_the_archive(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "i18n", lambda text: text, raising=False)  # Krita gives it to its scripts
    importer = runpy.run_path(str(IMPORTER))["PluginImporter"]
    imported = importer(str(built / "inlay-krita.zip"), str(tmp_path), lambda plugin: False).import_all()
    assert [found["ui_name"] for found in imported] == ["Inlay"]
    plugin.lay_out("krita", tmp_path / "expected")
    assert {name: data for name, (data, _) in files(tmp_path / "pykrita/inlay").items()} == {
        name: data for name, (data, _) in files(tmp_path / "expected").items()
    }
    assert (tmp_path / "pykrita/inlay.desktop").is_file()
    assert (tmp_path / "actions/inlay.action").read_bytes() == (SOURCE / release.ACTIONS).read_bytes()


def test_the_archive_for_gimp_unpacks_to_a_plug_in(built: Path, tmp_path: Path) -> None:
    plugin.lay_out("gimp", tmp_path / "expected")
    subprocess.run([sys.executable, "-m", "zipfile", "-t", built / "inlay-gimp.zip"], check=True, capture_output=True)
    with zipfile.ZipFile(built / "inlay-gimp.zip") as archive:
        for entry in archive.infolist():
            archive.extract(entry, tmp_path / "plug-ins")
            (tmp_path / "plug-ins" / entry.filename).chmod(entry.external_attr >> 16)
    assert files(tmp_path / "plug-ins/inlay") == files(tmp_path / "expected")
    assert files(tmp_path / "plug-ins/inlay")["inlay.py"][1], "GIMP runs it"


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, as pipx makes one; what it requires is borrowed from this Python."""
    folder = tmp_path_factory.mktemp("wheel") / "venv"
    venv = Venv(folder, Console(built / "log"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    venv.borrow(Path(sysconfig.get_path("purelib")))
    (wheel,) = built.glob("*.whl")
    words = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(venv.python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(words, check=True, capture_output=True)
    return folder


def test_the_wheel_puts_the_plug_in_into_the_editors_and_takes_it_out(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gimp = tmp_path / ".config/GIMP/3.0"
    gimp.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name in ("krita", "gimp-3.0"):
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    variables = {**clean_environment(), "HOME": str(tmp_path), "PATH": path, "INLAY_DATA_DIR": str(tmp_path / "data")}
    variables["INLAY_RUN_DIR"] = str(tmp_path / "run")

    def inlay(*words: str) -> str:
        done = subprocess.run(
            [environment / "bin/inlay", *words],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = [json.loads(line) for line in inlay("editors", "list", "--json").splitlines()]
    assert before
    assert not any(editor["installed"] for editor in before)
    assert "Inlay is installed" in inlay("editors", "install")
    assert all(json.loads(line)["installed"] for line in inlay("editors", "list", "--json").splitlines())
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_BACKEND_PYTHON", raising=False)
    found = find_installation()
    assert found.python == environment / "bin/python"
    assert found.path.is_relative_to(environment)
    assert "removed the plug-in" in inlay("editors", "remove")
    assert not any(json.loads(line)["installed"] for line in inlay("editors", "list", "--json").splitlines())
    assert find_installation() == found, "the backend stays"


@pytest.mark.parametrize("kind", ["krita", "gimp"])
def test_the_same_commit_gives_the_same_archive(kind: str, built: Path, tmp_path: Path) -> None:
    again = release.archive(kind, tmp_path / "again.zip", release._moment())
    assert again.read_bytes() == (built / f"inlay-{kind}.zip").read_bytes()


def test_the_wheel_holds_the_code_the_cards_and_the_networks(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    for name in release._sources():
        if Path(name).parts[0] in ("plugin", "backend", "models", "installer") and not name.endswith(".md"):
            assert name in held, name


def test_all_is_listed_with_its_sum(built: Path) -> None:
    sums = dict(reversed(line.split("  ")) for line in (built / "SHA256SUMS").read_text().splitlines())
    assert {"inlay-krita.zip", "inlay-gimp.zip", "inlay.cdx.json", "CHANGELOG.md"} < set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest
    assert len(sums) == 5


def test_the_bill_of_materials_has_each_requirement_and_each_network(built: Path) -> None:
    bill = json.loads((built / "inlay.cdx.json").read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "inlay")
    parts = {part["name"]: part for part in bill["components"]}
    assert {"torch", "pyzmq", "pillow", "onnxruntime"} < set(parts)
    assert parts["torch"]["version"].startswith(">=")
    for card in (find_card(name) for name in names()):
        if card.bundled:
            assert parts[card.name]["hashes"] == [{"alg": "SHA-256", "content": card.sha256}]
            assert parts[card.name]["licenses"][0]["license"]["name"]
        else:
            assert card.name not in parts, "it is fetched, not bundled"


def test_the_changelog_names_the_last_change(built: Path) -> None:
    last = subprocess.run(
        ["git", "log", "-1", "--no-merges", "--format=%s"], cwd=SOURCE, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert f"- {last}" in (built / "CHANGELOG.md").read_text()
