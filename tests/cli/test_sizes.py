"""Sides from 1 to 64 pixels through every command: a result of the right size, or one clear line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.cli import Exit, background, compose, cutout, fill, paste, select, style
from backend.cli.main import main
from backend.cli.runner import InProcess
from tests.io.files import photograph
from tests.operations.style.networks import small_network

COMMANDS = {
    "select subject": ["select", "{image}"],
    "select colors": ["select", "{image}", "--target", "colors"],
    "select object": ["select", "{image}", "--target", "object", "--point", "0,0"],
    "select class": ["select", "{image}", "--target", "class"],
    "select background": ["select", "{image}", "--target", "background"],
    "select objects": ["select", "{image}", "--target", "objects"],
    "select other people": ["select", "{image}", "--target", "other-people"],
    "select points": ["select", "{image}", "--point", "0,0", "--not-point", "0,0"],
    "cutout": ["cutout", "{image}"],
    "fill": ["fill", "{image}", "--mask", "{mask}"],
    "fill subject": ["fill", "{image}", "--target", "subject"],
    "style": ["style", "{image}", "--style", "wave"],
    "style region": ["style", "{image}", "--style", "wave", "--mask", "{mask}"],
    "blur": ["background", "blur", "{image}", "--mask", "{mask}"],
    "gray": ["background", "gray", "{image}"],
    "paste": ["paste", "{other}", "{image}", "--mask", "{mask}", "--at", "3,2"],
    "paste onto": ["paste", "{image}", "{other}", "--at", "0,0"],
    "compose": ["compose", "{other}", "{image}"],
}
OTHER = (20, 30)  # the size of a second image, where there is one

sides = st.tuples(st.integers(1, 64), st.integers(1, 64))


@pytest.fixture(scope="module")
def running() -> Iterator[None]:
    """One process's runner for all, so that networks are loaded once; a small network in place of the styles'."""
    shared = InProcess()

    @contextlib.contextmanager
    def runner(in_process: bool) -> Iterator[InProcess]:
        yield shared

    with pytest.MonkeyPatch.context() as patch:
        for module in (background, compose, cutout, fill, paste, select, style):
            patch.setattr(module, "runner", runner)
        network = small_network()
        patch.setattr("backend.operations.style.network.network", lambda context: network)
        patch.setattr("backend.operations.style.stylize.network", lambda context: network)
        yield


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(size=(1, 1), mode="RGB")
@example(size=(1, 60), mode="RGBA")
@example(size=(60, 1), mode="L")
@given(size=sides, mode=st.sampled_from(["RGB", "RGBA", "L", "LA"]))
def test_every_size_goes_through(
    command: str, size: tuple[int, int], mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, mask, other, out = (tmp_path / f"{name}.png" for name in ("image", "mask", "other", "out"))
    out.unlink(missing_ok=True)
    Image.fromarray((photograph(*size) * 255).astype(np.uint8)).convert(mode).save(image)
    marked = np.zeros(size[::-1], np.uint8)
    marked[: (size[1] + 1) // 2, : (size[0] + 1) // 2] = 255
    Image.fromarray(marked).save(mask)
    cut = np.zeros((OTHER[1], OTHER[0], 4), np.uint8)
    cut[5:, 6:14] = (200, 60, 40, 255)
    Image.fromarray(cut).save(other)
    names = {"image": str(image), "mask": str(mask), "other": str(other)}
    words = [word.format(**names) for word in COMMANDS[command]]
    code = main([*words, "-o", str(out)])
    said = capsys.readouterr().err
    assert code in (Exit.DONE, Exit.BAD_INPUT), said
    assert "Traceback" not in said
    if code == Exit.DONE:
        with Image.open(out) as result:
            assert result.size == (OTHER if command == "paste" else size)
    else:
        assert not out.exists()
        assert said.rstrip().count("\n") == 0
