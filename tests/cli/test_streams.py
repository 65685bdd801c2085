"""An image from standard input, the result to standard output; pipes of the shell."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.io import image_files
from tests.io.files import encoded, pixels

ROOT = Path(image_files.__file__).parents[2]


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    marked = np.zeros((44, 60), np.uint8)
    marked[10:20, 15:28] = 255
    Image.fromarray(marked).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def inlay(*words: str | Path, content: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "backend", *map(str, words), "--in-process"]
    return subprocess.run(command, cwd=ROOT, input=content, capture_output=True, timeout=200, check=False)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_an_image_goes_through_pipes(name: str, mask: Path) -> None:
    before = pixels(3, "u8")
    done = inlay(
        "fill", name, "--mask", mask, "--grow", "0", "-o", "-", content=encoded(Image.fromarray(before), "PNG")
    )
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:
        after = np.asarray(image)
    changed = (after != before).any(2)
    assert changed.any()
    assert not changed[:10].any()


def test_what_is_no_image_in_a_pipe_is_one_line_and_nothing_comes_out(mask: Path) -> None:
    done = inlay("fill", "-", "--mask", mask, "-o", "-", content=b"%!PS\n")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"PostScript" in done.stderr
    assert done.stderr.count(b"\n") == 1
