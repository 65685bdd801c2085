"""A batch that is killed, or stopped with Ctrl-C, leaves whole files and goes on; real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import backend
from backend.batch.manifest import NAME
from backend.cli import Exit

from .files import report, run, write_images, write_recipe

ROOT = Path(backend.__file__).parent.parent
COUNT = 60
PATIENCE = 120.0


def lines(folder: Path) -> int:
    """Files that the manifest tells of."""
    path = folder / NAME
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: np.asarray(Image.open(path)).tobytes() for path in folder.glob("*.png")}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_a_batch_that_was_broken_off_goes_on(how: signal.Signals, tmp_path: Path) -> None:
    write_images(tmp_path / "in", COUNT, (160, 120))
    words = [write_recipe(tmp_path), tmp_path / "in", "--in-process", "-o"]
    out = tmp_path / "out"
    command = [sys.executable, "-m", "backend", "batch", *map(str, words), str(out)]
    interruptible = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background commands ignore Ctrl-C
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE, preexec_fn=interruptible
    )
    end = time.monotonic() + PATIENCE
    while lines(out) < 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(how)
    _, errors = process.communicate(timeout=PATIENCE)
    done = lines(out)
    assert 3 <= done < COUNT, errors.decode()
    whole = results(out)  # every file that has its name can be read
    assert done <= len(whole) <= done + 1
    if how == signal.SIGINT:
        assert process.returncode == Exit.INTERRUPTED
        assert b"Traceback" not in errors
        assert len(whole) == done
        assert report(out)["counts"] == {"done": done, "unchanged": 0, "failed": 0, "waiting": COUNT - done}
        assert not list(out.glob(".inlay-*"))
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert run(*words, out) == Exit.DONE
    assert report(out)["counts"] == {"done": COUNT - done, "unchanged": done, "failed": 0, "waiting": 0}
    again = {path.name for path in out.glob("*.png") if path.stat().st_mtime_ns != times.get(path.name)}
    assert len(again) == COUNT - done
    assert run(*words, tmp_path / "at once") == Exit.DONE
    found = results(out)
    assert found == results(tmp_path / "at once")
    assert len(found) == COUNT
    assert lines(out) == COUNT
