"""`inlay fill`: masks, batches, removing by what it is, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from backend.cli import Exit
from backend.cli.main import main


def run(*words: str | Path) -> int:
    return main(["fill", *map(str, words), "--in-process"])


@pytest.fixture
def stripes(tmp_path: Path) -> tuple[Path, Path]:
    """A striped image with a blot, and a mask over the blot."""
    pixels = np.zeros((60, 96, 3), np.uint8)
    pixels[:, np.arange(96) // 8 % 2 == 0] = [200, 150, 90]
    pixels[25:35, 40:55] = [0, 255, 0]
    mask = np.zeros((60, 96), np.uint8)
    mask[24:36, 39:56] = 255
    image, hole = tmp_path / "stripes.png", tmp_path / "mask.png"
    Image.fromarray(pixels).save(image)
    Image.fromarray(mask).save(hole)
    return image, hole


def test_a_masked_blot_is_gone_and_the_rest_is_as_it_was(stripes: tuple[Path, Path], tmp_path: Path) -> None:
    image, mask = stripes
    out = tmp_path / "out.png"
    assert run(image, "--mask", mask, "-o", out, "--method", "patches", "--grow", "2", "--seed", "3") == Exit.DONE
    before, after = (np.asarray(Image.open(path)).astype(int) for path in (image, out))
    assert np.abs(after - before[5]).max() < 20
    untouched = np.ones((60, 96), bool)
    untouched[22:38, 37:58] = False
    assert (after[untouched] == before[untouched]).all()


def test_several_images_share_a_mask_and_go_to_a_folder(stripes: tuple[Path, Path], tmp_path: Path) -> None:
    image, mask = stripes
    second = tmp_path / "second.png"
    second.write_bytes(image.read_bytes())
    assert run(image, second, "--mask", mask, "-o", tmp_path / "out") == Exit.DONE
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["second-filled.png", "stripes-filled.png"]


def test_a_sampling_area_may_be_given(stripes: tuple[Path, Path], tmp_path: Path) -> None:
    image, mask = stripes
    area = np.zeros((60, 96), np.uint8)
    out = tmp_path / "out.png"
    Image.fromarray(area).save(tmp_path / "area.png")
    words = [image, "--mask", mask, "-o", out, "--source", tmp_path / "area.png"]
    assert run(*words) == Exit.BAD_INPUT
    area[:, :30] = 255
    Image.fromarray(area).save(tmp_path / "area.png")
    assert run(*words) == Exit.DONE


def test_an_object_is_removed_where_the_point_is(tmp_path: Path) -> None:
    image, out = tmp_path / "rocket.png", tmp_path / "out.png"
    Image.fromarray(data.rocket()).save(image)
    assert run(image, "--target", "object", "--point", "320,230", "-o", out) == Exit.DONE
    before, after = (np.asarray(Image.open(path)).astype(int) for path in (image, out))
    assert before[226, 320, 0] > 120
    assert after[226, 320, 0] < 80
    assert (after[:100] == before[:100]).all()


def test_what_cannot_be_is_said(stripes: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, _ = stripes
    out = tmp_path / "out.png"
    assert run(image, "--target", "object", "-o", out) == Exit.USAGE
    assert "--point" in capsys.readouterr().err
    small = tmp_path / "small.png"
    Image.fromarray(np.full((20, 20), 255, np.uint8)).save(small)
    assert run(image, "--mask", small, "-o", out) == Exit.BAD_INPUT
    assert "20 x 20" in capsys.readouterr().err
    full = tmp_path / "full.png"
    Image.fromarray(np.full((60, 96), 255, np.uint8)).save(full)
    assert run(image, "--mask", full, "-o", out) == Exit.BAD_INPUT
    assert "Nothing is left" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        run(image, "-o", out)
    assert ended.value.code == Exit.USAGE
    assert not out.exists()
