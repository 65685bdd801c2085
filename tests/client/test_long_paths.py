"""Long paths on Windows: in the form that it takes, and what opens a user's file asks for it by that."""

from __future__ import annotations

import ntpath
from pathlib import Path

import numpy as np
import pytest

from backend.io import safe_write, sources
from backend.io.image_files import load
from models.training.core import images
from plugin.client.long_paths import LONGEST, extended, system_path, without_prefix
from tests.jobs import DEMO

DEEP = "\\".join(["a folder with a name of forty characters"] * 7)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\photos\\cat.png", "C:\\photos\\cat.png"),
        (f"C:\\{DEEP}\\cat.png", f"\\\\?\\C:\\{DEEP}\\cat.png"),
        (f"C:/{DEEP}/../cat.png".replace("\\", "/"), f"\\\\?\\{ntpath.normpath(f'C:/{DEEP}/../cat.png')}"),
        (f"\\\\server\\share\\{DEEP}\\cat.png", f"\\\\?\\UNC\\server\\share\\{DEEP}\\cat.png"),
        (f"\\\\?\\C:\\{DEEP}\\cat.png", f"\\\\?\\C:\\{DEEP}\\cat.png"),
        ("..\\cat.png", "..\\cat.png"),
    ],
    ids=["short", "long", "forward slashes", "share", "extended already", "relative"],
)
def test_a_long_path_has_the_form_without_a_limit(path: str, expected: str) -> None:
    assert extended(path) == expected
    assert without_prefix(extended(path)) == without_prefix(expected)
    assert not without_prefix(expected).startswith("\\\\?\\")


def test_the_file_that_is_written_first_fits_beside_the_longest_path_that_is_left_as_it_is() -> None:
    path = "C:\\" + "x" * (LONGEST - 3)
    assert extended(path) == path
    assert len(f"{path}\\.inlay-12345678.part") < 260


def test_elsewhere_a_path_is_the_path() -> None:
    assert system_path(Path("/tmp") / ("x" * 250)) == Path("/tmp") / ("x" * 250)


def test_files_of_the_user_are_opened_by_the_systems_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, the path that the user has written cannot be opened itself."""
    written, real = tmp_path / "long" / "coffee.png", tmp_path / "real" / "coffee.png"
    for module in (sources, safe_write, images):
        monkeypatch.setattr(module, "system_path", lambda path: Path(str(path).replace("/long/", "/real/")))
    content = (DEMO / "coffee.png").read_bytes()
    safe_write.write_bytes(written, content, overwrite=False)
    assert real.read_bytes() == content
    assert not written.parent.exists()
    assert sources.head_of(written) == content[: len(sources.head_of(written))] != b""
    assert sources.same_file(written, written)
    assert not safe_write.is_own(written)
    assert load(written).raster.width == images.read_rgb(written).shape[1] > 0
    with pytest.raises(Exception, match="exists and is kept"):
        safe_write.check_target(written, (), overwrite=False)
    assert np.array_equal(images.read_rgb(written), images.read_rgb(real))
