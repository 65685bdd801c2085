"""`inlay style` with an image, by optimization, and with a style of one's own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from backend.cli import Exit
from backend.cli.main import main
from backend.operations import Context, networks
from backend.operations.networks import STYLES, Network, cache_key
from backend.operations.style import gatys
from models.zoo import custom_styles, store
from tests.operations.style.networks import small_network
from tests.operations.style.test_arbitrary import context


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A thumbnail, a painting beside it, and networks with random weights."""
    loaded, really_load = context().cache, networks._load

    def load(name: str, context: Context) -> Network:
        return loaded.get(cache_key(name)) or really_load(name, context)

    loaded[cache_key(STYLES)] = Network(small_network(), None)
    monkeypatch.setattr("backend.operations.networks._load", load)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 56, 3), np.uint8)).save(tmp_path / "photo.png")
    Image.fromarray(rng.integers(0, 90, (30, 30, 3), np.uint8)).save(tmp_path / "painting.png")
    return tmp_path / "photo.png"


def run(*words: str | Path) -> int:
    return main(["style", *map(str, words), "--in-process"])


def test_any_image_is_a_style(photo: Path) -> None:
    painting = photo.with_name("painting.png")
    assert run(photo, "--style-image", painting) == Exit.DONE
    at_once = photo.with_name("photo-painting.png")
    assert run(photo, "--style-image", painting, "--gatys", "--steps", "3", "-o", photo.with_name("g.png")) == Exit.DONE
    found = [np.asarray(Image.open(path)) for path in (photo, at_once, photo.with_name("g.png"))]
    assert len({image.tobytes() for image in found}) == 3
    assert {image.shape for image in found} == {(40, 56, 3)}


def test_so_is_one_that_was_trained(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(photo.parent / "inlay"))
    monkeypatch.setattr(store, "find_card", lambda name: SimpleNamespace(sha256="a" * 64, bundled=True))
    assert run(photo, "--custom", "mine") == Exit.BAD_INPUT
    custom_styles.write(custom_styles.CustomStyle("mine", "mine.jpg", small_network().codes[2:3]))
    assert run(photo, "--custom", "mine") == Exit.DONE
    assert photo.with_name("photo-mine.png").exists()


def test_what_does_not_go_together_is_said(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    painting = photo.with_name("painting.png")
    assert run(photo, "--gatys") == Exit.USAGE
    assert "--style-image" in capsys.readouterr().err
    assert run(photo, "--style-image", painting, "--style", "wave") == Exit.USAGE
    assert run(photo, "--style-image", painting, "--steps", "3") == Exit.USAGE
    assert run(photo, "--style-image", photo.with_name("none.png")) == Exit.BAD_INPUT


def interrupt_at(call: int, monkeypatch: pytest.MonkeyPatch, target: object, name: str) -> None:
    """Ctrl-C is pressed when this function is called for the `call`th time."""
    calls: list[int] = []
    function = getattr(target, name)

    def pressing(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return function(*given, **named)

    monkeypatch.setattr(target, name, pressing)


def test_ctrl_c_ends_a_painting_with_the_best_so_far(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    painting, out = photo.with_name("painting.png"), photo.with_name("stopped.png")
    interrupt_at(30, monkeypatch, gatys, "_preview")
    words = ("--gatys", "--steps", "1000", "--strength", "1000", "-o", out)
    assert run(photo, "--style-image", painting, *words) == Exit.DONE
    assert "the best so far" in capsys.readouterr().err
    before, stopped, style = (np.asarray(Image.open(path)).mean() for path in (photo, out, painting))
    assert abs(stopped - style) < abs(before - style) - 5


def test_ctrl_c_before_there_is_anything_leaves_nothing(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.papers.gatys.paint", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    out = photo.with_name("out.png")
    assert run(photo, "--style-image", photo.with_name("painting.png"), "--gatys", "-o", out) == Exit.INTERRUPTED
    assert not out.exists()
