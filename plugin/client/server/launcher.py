"""Finding and starting the backend: a process of its own, in the venv that the installer made."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from ..messages import ErrorCode, Failure
from . import sandbox

if TYPE_CHECKING:
    import subprocess

INSTALL_RECORD = "install.json"
LOG_NAME = "backend.log"
LOG_BYTES = 5 << 20
"""A log longer than this becomes `backend.log.1`."""

_EDITOR_VARIABLES = ("PYTHON", "QT_", "QML", "GIMP", "GEGL_", "BABL_", "GTK_", "GDK_", "GI_", "DYLD_", "KRITA")
_EDITOR_NAMES = {"LD_LIBRARY_PATH", "LD_PRELOAD", "APPDIR", "APPIMAGE", "VIRTUAL_ENV"}


class LaunchError(Exception):
    """The backend cannot be started; `failure` says why and what to do."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Installation:
    """Where a backend is installed: its Python, and the folder that holds the package `backend`."""

    python: Path
    path: Path


def data_directory() -> Path:
    """Where the installation, its record and the log live: INLAY_DATA_DIR, else the system's usual place.

    Raises LaunchError when the home folder is not known.
    """
    if named := os.environ.get("INLAY_DATA_DIR"):
        return Path(named)
    if (confined := sandbox.current()) is not None:
        return confined.data
    return usual_data_directory(sys.platform, _home(), os.environ)


def usual_data_directory(system: str, home: Path, environment: Mapping[str, str]) -> Path:
    """Where `data_directory` is, outside of a sandbox, on a system ("linux", "darwin", "win32") for a user's home."""
    if named := environment.get("INLAY_DATA_DIR"):
        return Path(named)
    if system == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Inlay"
    if system == "darwin":
        return home / "Library" / "Application Support" / "Inlay"
    return home / ".local" / "share" / "inlay"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # in a container, for example
        failure = Failure(
            ErrorCode.UNREACHABLE,
            "Your home folder is not known: HOME is not set, and the system has no entry for this user.",
            "Set HOME, or set INLAY_DATA_DIR to the folder of Inlay's data.",
        )
        raise LaunchError(failure) from None


def log_path() -> Path:
    """The backend's log. Raises LaunchError when the home folder is not known."""
    return data_directory() / LOG_NAME


def log_name() -> str:
    """The path of the log for a message; empty when it is not known."""
    try:
        return str(log_path())
    except LaunchError:
        return ""


def log_end(size: int = 1 << 16) -> str:
    """The last `size` bytes of the log, or a sentence where there is none."""
    path = Path(log_name())
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return "There is no log yet: the first action starts the backend."


def find_installation() -> Installation:
    """The backend to start: that of INLAY_BACKEND_PYTHON and INLAY_BACKEND_PATH, else the one the installer recorded.

    Raises LaunchError when there is none.
    """
    python, path = os.environ.get("INLAY_BACKEND_PYTHON"), os.environ.get("INLAY_BACKEND_PATH")
    if python and path:
        return Installation(Path(python), Path(path))
    record = data_directory() / INSTALL_RECORD
    try:
        entry = json.loads(record.read_text(encoding="utf-8"))
        found = Installation(Path(entry["python"]), Path(entry["path"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise LaunchError(_not_installed(f"{record} is missing or cannot be read")) from None
    if not found.python.exists() or not (found.path / "backend").is_dir():
        raise LaunchError(_not_installed(f"{found.python} or {found.path / 'backend'} is gone"))
    return found


def _not_installed(why: str) -> Failure:
    return Failure(
        ErrorCode.UNREACHABLE,
        f"Inlay's backend is not installed ({why}).",
        "In the folder of Inlay's source, run python3 -m installer",
    )


def _not_prepared(confined: sandbox.Sandbox, why: str) -> Failure:
    return Failure(
        ErrorCode.UNREACHABLE,
        f"This editor runs in a sandbox, and the backend did not start outside of it ({why}).",
        f"Look with systemctl --user status {confined.unit}; in the folder of Inlay's source, python3 -m installer "
        "sets it up.",
        str(log_path()),
    )


def backend_environment() -> dict[str, str]:
    """This process's environment without what an editor sets for itself and a stranger's Python would stumble over.

    On Linux the backend's allocator gets huge pages: receiving a large image then takes half the time.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_EDITOR_VARIABLES) and name not in _EDITOR_NAMES
    }
    if sys.platform == "linux":
        kept.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    return kept


class Launch:
    """One start of the backend, by whoever takes the lock of the run directory first.

    Two editors that start at once make two Launches and one backend. Keep it until the backend answers, then `close`.
    """

    def __init__(self, run_dir: Path, installation: Installation | None = None, options: Sequence[str] = ()) -> None:
        """`options` are further ones of `inlay serve`.

        Raises LaunchError when there is no backend to start or it cannot be run.
        """
        self.options = options
        self.run_dir, self.sandbox = run_dir, None if installation else sandbox.current()
        self.installation = installation if installation or self.sandbox else find_installation()
        self.started = False
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    def lock(self) -> bool:
        """Whether it is for this process to start the backend: false while another one is at it.

        Raises LaunchError when the folder cannot be written to.
        """
        try:
            self._lock = self._lock or take_lock(self.run_dir / "start.lock")
        except OSError as error:
            failure = Failure(
                ErrorCode.UNREACHABLE,
                f"The folder {self.run_dir} cannot be written to: {error.strerror}.",
                f"Make it yours and writable: chmod 700 {self.run_dir}",
            )
            raise LaunchError(failure) from None
        return self._lock is not None

    def start(self) -> None:
        """Start the backend. Only with the lock, and after a look that none has come up meanwhile.

        Raises LaunchError when it cannot be started.
        """
        import subprocess  # not above: it is slow to load, and most often a backend runs already

        self.started = True
        if self.sandbox is not None:
            try:
                self.sandbox.request_start()
            except OSError as error:
                raise LaunchError(_not_prepared(self.sandbox, f"{error.filename}: {error.strerror}")) from None
            return
        assert self.installation is not None  # else the constructor has raised
        python, path = self.installation.python, self.installation.path
        command = [str(python), "-m", "backend", "serve", "--run-dir", str(self.run_dir), *self.options]
        try:
            with _open_log() as log:
                self.process = subprocess.Popen(
                    command, cwd=path, env=backend_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=os.name == "posix",
                    creationflags=getattr(subprocess, "DETACHED_PROCESS", 0)
                    | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )  # fmt: skip
        except OSError as error:
            raise LaunchError(_not_installed(f"{python} cannot be run: {error.strerror}")) from None
        # Reaped whenever it ends, so that it leaves no zombie in an editor that lives on.
        threading.Thread(target=self.process.wait, name="inlay-reaper", daemon=True).start()

    def ended(self) -> Failure | None:
        """Why the backend that was started will not answer, once it has ended."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        return Failure(
            ErrorCode.UNREACHABLE,
            f"The backend ended while it was starting (exit status {status}).",
            "The log says why; python3 -m installer repairs an installation.",
            log_name(),
        )

    def absent(self) -> Failure | None:
        """Why a backend that the service manager was asked for has not come; None where this process started it."""
        return _not_prepared(self.sandbox, "its service does not answer") if self.sandbox is not None else None

    def close(self) -> None:
        """Let others start a backend again."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def take_lock(path: Path) -> IO[bytes] | None:
    """The open, locked file, or None while another process holds it. A process that dies lets go of it."""
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock now. A file that is not there is held by nobody, and is not made."""
    if not path.is_file():
        return False
    lock = take_lock(path)
    if lock is None:
        return True
    lock.close()
    return False


def _open_log() -> IO[bytes]:
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # the first start, or a log that another process holds open
            if path.stat().st_size > LOG_BYTES:
                path.replace(path.with_name(LOG_NAME + ".1"))
        return path.open("ab")
    except OSError as error:
        failure = Failure(
            ErrorCode.UNREACHABLE,
            f"The backend's log {path} cannot be written: {error.strerror}.",
            f"Make {path.parent} yours and writable, or set INLAY_DATA_DIR to another folder.",
        )
        raise LaunchError(failure) from None
