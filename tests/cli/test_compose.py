"""`inlay compose`, and profiles and shadows in `inlay paste`, on thumbnails in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import Exit
from backend.cli.main import main

from ..io.files import SRGB, SWAPPED


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A painting with an empty right half; a person cut out, in a profile of its own."""
    rng = np.random.default_rng(0)
    painting = rng.integers(0, 255, (120, 200, 3), np.uint8)
    painting[:, 100:] = (90, 110, 100)
    Image.fromarray(painting).save(tmp_path / "painting.png", icc_profile=SRGB)
    person = np.zeros((60, 40, 4), np.uint8)
    person[5:, 8:32] = (40, 200, 40, 255)  # red once converted
    Image.fromarray(person).save(tmp_path / "person.png", icc_profile=SWAPPED)
    return tmp_path


def changed(files: Path, *words: str) -> tuple[np.ndarray, np.ndarray]:
    """The image written, and where it differs from the painting."""
    assert main([*words, "-o", str(files / "out.png"), "--in-process"]) == Exit.DONE
    with Image.open(files / "out.png") as image:
        assert image.info["icc_profile"] == SRGB
        out = np.asarray(image.convert("RGB")).astype(int)
    with Image.open(files / "painting.png") as image:
        return out, (out != np.asarray(image)).any(2)


def test_a_person_goes_where_there_is_nothing_and_stands_on_the_border(files: Path) -> None:
    out, where = changed(files, "compose", str(files / "person.png"), str(files / "painting.png"), "--scale", "0.5",
                         "--style", "colors", "--palette", "0", "--strength", "0")  # fmt: skip
    rows, columns = np.nonzero(where)
    assert columns.min() >= 95
    assert rows.max() == 119
    assert abs(rows.max() + 1 - rows.min() - 60) <= 1
    middle = out[90, (columns.min() + columns.max()) // 2]
    assert middle[0] > 190
    assert middle[1] < 60  # the portrait's profile was heeded


def test_a_person_goes_where_it_is_told_to(files: Path) -> None:
    _, where = changed(files, "compose", str(files / "person.png"), str(files / "painting.png"), "--scale", "0.25",
                       "--at", "150,60", "--strength", "0")  # fmt: skip
    rows, columns = np.nonzero(where)
    assert abs(rows.max() - 59) <= 1
    assert abs((columns.min() + columns.max()) / 2 - 150) <= 1
    words = ["compose", str(files / "person.png"), str(files / "painting.png"), "--at", "900,5", "-o", "x.png"]
    assert main(words) == Exit.USAGE


def test_pasting_heeds_profiles_and_casts_a_shadow(files: Path) -> None:
    words = ["paste", str(files / "painting.png"), str(files / "person.png"), "--at", "120,20", "--edge", "object",
             "--strength", "0", "--method", "poisson"]  # fmt: skip
    out, where = changed(files, *words)
    assert where.sum() == 55 * 24
    assert (out[40, 140] > (190, -1, -1)).all()
    shaded, more = changed(files, *words, "--shadow", "80")
    assert more.sum() > where.sum() + 50
    assert shaded[80, 140].sum() < out[80, 140].sum() - 60
