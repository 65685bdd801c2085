"""`inlay style` and `inlay background`: names, regions, batches, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import Exit
from backend.cli.main import main
from models.zoo.style_presets import PRESETS
from tests.operations.style.networks import small_network


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A thumbnail; and a network with random weights in place of the bundled one."""
    monkeypatch.setattr("backend.operations.style.network.network", lambda context: small_network())
    monkeypatch.setattr("backend.operations.style.stylize.network", lambda context: small_network())
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)).save(path)
    return path


def run(*words: str | Path) -> int:
    return main([*map(str, words), "--in-process"])


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_the_list_is_one_line_a_style(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["style", "--list"])
    assert ended.value.code == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines == [[name, preset.file] for name, preset in PRESETS.items()]
    assert len(lines) >= 12


def test_an_image_without_more_is_written_beside_itself(photo: Path) -> None:
    assert run("style", photo, "--style", "scream") == Exit.DONE
    assert pixels(photo.with_name("photo-scream.jpg")).shape == (40, 56, 3)


def test_a_folder_goes_to_a_folder(photo: Path, tmp_path: Path) -> None:
    assert run("style", tmp_path, "--style", "wave", "-o", tmp_path / "out") == Exit.DONE
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo-wave.jpg"]
    assert run("style", tmp_path, "--style", "wave") == Exit.USAGE


def test_a_mask_says_where(photo: Path, tmp_path: Path) -> None:
    mask = np.zeros((40, 56), np.uint8)
    mask[:, :20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "out.png"
    assert run("style", photo, "--mask", tmp_path / "mask.png", "-o", out) == Exit.DONE
    changed = (pixels(out) != pixels(photo)).any(2)
    assert changed[:, :20].mean() > 0.9
    assert not changed[:, 20:].any()
    assert run("style", photo, "--region", "selection", "-o", out) == Exit.USAGE
    assert run("style", photo, "--mask", photo.with_name("missing.png"), "-o", out) == Exit.BAD_INPUT


def test_settings_reach_the_operation(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert run("style", photo, "--strength", "0", "-o", out) == Exit.DONE
    assert np.array_equal(pixels(out), pixels(photo))
    assert run("style", photo, "--strength", "101", "-o", out) == Exit.USAGE


def test_a_background_loses_its_color(photo: Path, tmp_path: Path) -> None:
    mask = np.zeros((40, 56), np.uint8)
    mask[:, :20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "out.png"
    assert run("background", "gray", photo, "--mask", tmp_path / "mask.png", "-o", out) == Exit.DONE
    assert np.ptp(pixels(out)[:, 21:], axis=2).max() <= 1
    assert np.array_equal(pixels(out)[:, :20], pixels(photo)[:, :20])
    assert run("background", "blur", photo, "--mask", tmp_path / "mask.png", "-o", out) == Exit.DONE
    assert run("background", "gray", photo, "--strength", "50", "-o", out) == Exit.USAGE
