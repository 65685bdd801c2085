"""`inlay select` with several points, with lists of objects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from backend.cli import Exit
from backend.cli.main import main
from tests.jobs import DEMO

CAT = DEMO / "chelsea.png"
BOTH = np.hstack([data.astronaut()[:300, 80:400], data.chelsea()])
FACE, FUR = (145, 120), (460, 170)


def run(*words: str | Path) -> int:
    return main([*map(str, words), "--in-process"])


def mask(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A person and a cat side by side."""
    path = tmp_path / "both.png"
    Image.fromarray(BOTH).save(path)
    return path


def test_points_on_it_and_beside_it_select_one_of_two(both: Path, tmp_path: Path) -> None:
    for inside, outside in ((FACE, FUR), (FUR, FACE)):
        out = tmp_path / f"{inside[0]}.png"
        words = ["--point", "{},{}".format(*inside), "--not-point", "{},{}".format(*outside)]
        assert run("select", both, *words, "-o", out) == Exit.DONE
        found = mask(out)
        assert found[inside[1], inside[0]] > 200 and found[outside[1], outside[0]] < 50


def test_points_correct_what_a_box_has_found(tmp_path: Path) -> None:
    box = ["--target", "object", "--box", "10,5,350,290"]
    plain, corrected = tmp_path / "plain.png", tmp_path / "corrected.png"
    assert run("select", CAT, *box, "-o", plain) == Exit.DONE
    assert mask(plain)[250, 330] < 128 or mask(plain)[150, 200] > 200
    y, x = 150, 200  # its face
    assert run("select", CAT, *box, "--not-point", f"{x},{y}", "-o", corrected) == Exit.DONE
    assert mask(corrected)[y, x] == 0 < mask(plain)[y, x]


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--not-point", "10,10"], "what is meant"),
        (["--target", "subject", "--not-point", "10,10"], "--not-point"),
        (["--target", "subject", "--list"], "--target objects"),
        (["--point", "10,10", "--point", "9999,10"], "outside"),
    ],
)
def test_what_does_not_go_together_is_said(
    words: list[str], printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("select", CAT, *words, "-o", tmp_path / "x.png") == Exit.USAGE
    assert printed in capsys.readouterr().err


def test_the_objects_found_are_listed_and_each_can_be_selected(
    both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("select", both, "--target", "objects", "--list", "--json") == Exit.DONE
    listed = json.loads(capsys.readouterr().out)
    assert listed["input"] == str(both)
    objects = {each["class"]: each for each in listed["objects"]}
    assert {"person", "cat"} <= set(objects)
    shares = [each["share"] for each in listed["objects"]]
    assert shares == sorted(shares, reverse=True)
    for name, (x, y), other in (("person", FACE, FUR), ("cat", FUR, FACE)):
        each = objects[name]
        left, top, width, height = each["box"]
        assert left <= x < left + width and top <= y < top + height
        out = tmp_path / f"{name}.png"
        assert run("select", both, "--target", "objects", "--found", str(each["number"]), "-o", out) == Exit.DONE
        found = mask(out)
        assert found[y, x] > 200 and found[other[1], other[0]] < 50
        assert abs((found > 127).mean() - each["share"]) < 0.05
    assert run("select", both, "--target", "objects", "--list") == Exit.DONE
    assert "person" in capsys.readouterr().out


def test_a_number_that_is_not_there_is_refused_with_how_many_there_are(
    both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("select", both, "--target", "objects", "--found", "12", "-o", tmp_path / "x.png") == Exit.BAD_INPUT
    assert "from 1 to" in capsys.readouterr().err
