"""Steps that can be interrupted: each is marked incomplete while it runs and remembered with what it was done for."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Steps:
    """Which steps of an installation are done, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "steps.json"

    def done(self, name: str, fingerprint: str) -> bool:
        """Whether the step was finished, for the same fingerprint, and nothing has interrupted it since."""
        return self._read().get(name) == fingerprint and not self._marker(name).exists()

    def interrupted(self, name: str) -> bool:
        """Whether the step was begun and did not end."""
        return self._marker(name).exists()

    def known(self, name: str) -> bool:
        """Whether the step was finished once, for whatever fingerprint."""
        return name in self._read()

    def forget(self, *names: str) -> None:
        """What these steps did is gone."""
        write_whole(self.record, json.dumps({k: v for k, v in self._read().items() if k not in names}, indent=1))

    @contextmanager
    def running(self, name: str, fingerprint: str) -> Iterator[None]:
        """Do a step: leaves the marker behind when it fails."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._marker(name).touch()
        yield
        write_whole(self.record, json.dumps({**self._read(), name: fingerprint}, indent=1))
        self._marker(name).unlink()

    def _marker(self, name: str) -> Path:
        return self.folder / f"{name}.incomplete"

    def _read(self) -> dict[str, str]:
        try:
            entry = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return entry if isinstance(entry, dict) else {}


def fingerprint(texts: Iterable[str]) -> str:
    """A short digest of what a step depends on."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def tree_fingerprint(folders: Iterable[Path]) -> str:
    """A digest of the files in folders, by name and content; caches are left out."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(str(path.relative_to(folder.parent)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or as it was before; its mode is kept, and a link to it stays one."""
    if path.is_symlink():
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` to fill; it takes `folder`'s place when all went well, else it disappears."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    fresh, old = _beside(folder)
    fresh.mkdir()
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Undo what an interrupted `replaced_folder` left: half-filled copies go, the old folder comes back if need be."""
    fresh, old = _beside(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)
    for leftover in (fresh, old):
        if leftover.exists():
            shutil.rmtree(leftover)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(f".{folder.name}.incomplete"), folder.with_name(f".{folder.name}.old")
