"""A folder whose files would have longer paths than Windows takes is refused before anything is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.console import InstallError
from installer.install import LONG_PATHS, check_path_length
from installer.machine import Machine

SHORT, LONG = "C:\\Users\\me\\AppData\\Local", "C:\\" + "x" * 100


def windows(local: str, long_paths: str = "0", system: str = "win32") -> Machine:
    def registry(key: str, value: str) -> str:
        return long_paths if (key, value) == LONG_PATHS else ""

    return Machine(system, Path("C:\\"), {"LOCALAPPDATA": local}, Path("C:\\"), "amd64", registry)


def test_the_usual_folder_is_short_enough() -> None:
    check_path_length(windows(SHORT))


def test_a_long_folder_is_refused_with_what_to_do() -> None:
    with pytest.raises(InstallError, match=r"is \d+ characters too long.*INLAY_DATA_DIR.*LongPathsEnabled"):
        check_path_length(windows(LONG))


def test_a_long_folder_is_taken_where_the_system_takes_it() -> None:
    check_path_length(windows(LONG, long_paths="1"))
    check_path_length(windows(LONG, system="linux"))
