"""Sides from 1 to 64 pixels through every command: a result of the right size, or one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.cli import Exit

from .commands import COMMANDS, OTHER, run, words, write_files

sides = st.tuples(st.integers(1, 64), st.integers(1, 64))


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "style gatys"])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(size=(1, 1), mode="RGB")
@example(size=(1, 60), mode="RGBA")
@example(size=(60, 1), mode="L")
@given(size=sides, mode=st.sampled_from(["RGB", "RGBA", "L", "LA"]))
def test_every_size_goes_through(
    command: str, size: tuple[int, int], mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    out.unlink(missing_ok=True)
    code = run(*words(command, write_files(tmp_path, size, mode)), "-o", out)
    printed = capsys.readouterr().err
    assert code in (Exit.DONE, Exit.BAD_INPUT), printed
    assert "Traceback" not in printed
    if code == Exit.DONE:
        with Image.open(out) as result:
            assert result.size == (OTHER if command in ("paste", "compose onto") else size)
    else:
        assert not out.exists()
        assert printed.rstrip().count("\n") == 0
