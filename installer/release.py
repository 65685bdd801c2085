"""`python -m installer.release`: what a release is made of, the same files from the same commit.

inlay-krita.zip   for Krita's Tools > Scripts > Import Python Plugin from File
inlay-gimp.zip    to be unpacked in GIMP's folder of plug-ins
inlay-*.whl       the backend, its networks and the installer
inlay.cdx.json    what it is made of and needs: a software bill of materials (CycloneDX 1.5)
CHANGELOG.md      from the history, since the release before
SHA256SUMS        of all of these
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import gmtime
from typing import Any

import tomllib

from . import plugin
from .console import Console, InstallError
from .machine import SOURCE

DESKTOP, ACTIONS = "plugin/krita/inlay.desktop", "plugin/krita/inlay.action"
CARDS = "models/zoo/cards"
LIBRARY = {"type": "library"}
NAME = re.compile(r"[A-Za-z0-9._-]+")


def main() -> int:
    """Build all of it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m installer.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=SOURCE / "dist", help="folder (default: dist)")
    arguments = parser.parse_args()
    try:
        build(arguments.output, Console(arguments.output / "release.log"))
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(folder: Path, console: Console) -> list[Path]:
    """Put the files of a release into a folder; their paths. Raises InstallError when one cannot be made."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = _moment()
    made = [archive(kind, folder / f"inlay-{kind}.zip", moment) for kind in ("krita", "gimp")]
    made.append(wheel(folder, moment, console))
    made.append(_written(folder / "inlay.cdx.json", json.dumps(bill_of_materials(), indent=1) + "\n"))
    made.append(_written(folder / "CHANGELOG.md", changelog()))
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    made.append(_written(folder / "SHA256SUMS", sums))
    for path in made:
        console.say(f"{path}  {path.stat().st_size:,} bytes")
    return made


def archive(kind: str, path: Path, moment: int) -> Path:
    """The plug-in for an editor ("krita" or "gimp") as a zip file, its entries dated at a moment in Unix time."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        plugin.lay_out(kind, root / "inlay")
        if kind == "krita":
            shutil.copy(SOURCE / DESKTOP, root)
            (root / "actions").mkdir()
            shutil.copy(SOURCE / ACTIONS, root / "actions")
        partial = path.with_name(f".{path.name}.part")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as out:
            for member in sorted(root.rglob("*")):  # folders, too: Krita looks for them
                name = member.relative_to(root).as_posix() + "/" * member.is_dir()
                entry = zipfile.ZipInfo(name, gmtime(moment)[:6])
                entry.create_system = 3  # POSIX: with permissions
                entry.external_attr = member.stat().st_mode << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(entry, b"" if member.is_dir() else member.read_bytes())
        partial.replace(path)
    return path


def wheel(folder: Path, moment: int, console: Console) -> Path:
    """The wheel. Raises InstallError when pip cannot build it."""
    with tempfile.TemporaryDirectory() as temporary:
        source, out = Path(temporary, "source"), Path(temporary, "out")
        for name in _sources():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, source / name)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", out, source]
        console.run(command, {**os.environ, "SOURCE_DATE_EPOCH": str(moment)})
        (made,) = out.glob("*.whl")
        target = folder / made.name
        shutil.move(made, target)
    return target


def bill_of_materials() -> dict[str, Any]:
    """What Inlay is made of, as CycloneDX: its requirements, and each network with its hash and license."""
    project = _project()
    requirements = [(name, rest, "required") for name, rest in _split(project["dependencies"])]
    for extra in ("heif", "onnx", "cluster"):
        requirements += [(name, rest, "optional") for name, rest in _split(project["optional-dependencies"][extra])]
    libraries = [
        {**LIBRARY, "name": name, "version": rest or "any", "scope": scope, "purl": f"pkg:pypi/{name.lower()}"}
        for name, rest, scope in requirements
    ]
    networks = []
    for path in sorted((SOURCE / CARDS).glob("*.toml")):
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        if (SOURCE / "models/zoo/weights" / card.get("file", "-")).is_file():
            networks.append(
                {
                    "type": "machine-learning-model",
                    "name": path.stem,
                    "version": project["version"],
                    "hashes": [{"alg": "SHA-256", "content": card["sha256"]}],
                    "licenses": [{"license": {"name": card["license"]}}],
                    "description": " ".join(card.get("data", "").split()),
                }
            )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]["text"]}}],
            }
        },
        "components": [*libraries, *networks],
    }


def changelog() -> str:
    """What changed since the release before, newest first, a line for each commit."""
    project = _project()
    before = _git("describe", "--tags", "--abbrev=0", "HEAD^").strip()
    subjects = _git("log", "--no-merges", "--format=%s", f"{before}..HEAD" if before else "HEAD").splitlines()
    since = f"Since {before}:" if before else "First release."
    return "\n".join([f"# Inlay {project['version']}", "", since, "", *(f"- {subject}" for subject in subjects), ""])


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _split(requirements: list[str]) -> Iterator[tuple[str, str]]:
    """Name and the rest of each requirement."""
    for text in requirements:
        found = NAME.match(text)
        assert found is not None
        yield found.group(), text[found.end() :]


def _sources() -> list[str]:
    """What belongs to the project: the files that git knows, or all that are here where there is no git."""
    names = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")[:-1]
    if not names:
        names = [str(p.relative_to(SOURCE)) for p in SOURCE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    parts = ("plugin", "backend", "models", "installer", "pyproject.toml", "README.md", "LICENSE")
    return [name for name in names if Path(name).parts[0] in parts and (SOURCE / name).is_file()]


def _moment() -> int:
    """The commit's date, in seconds of Unix time: of SOURCE_DATE_EPOCH where it is set."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct").strip() or 1_700_000_000)


def _git(*words: str) -> str:
    """What git prints; nothing where there is none."""
    if shutil.which("git") is None:
        return ""
    return subprocess.run(["git", *words], cwd=SOURCE, capture_output=True, text=True, check=False).stdout


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
