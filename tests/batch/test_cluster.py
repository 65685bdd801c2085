"""A batch on a Dask cluster: every result is right, none is lost and none is made twice, though a worker dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import backend
from backend.batch.manifest import NAME
from backend.cli import Exit

from .files import report, run, write_images, write_recipe

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own

ROOT = Path(backend.__file__).parent.parent
COUNT = 200
PATIENCE = 120.0
WORKERS = 2


def start(*words: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address, and its two worker processes; without a nanny, so that one that dies stays dead."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    scheduler = start(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show",
        "--scheduler-file", str(file),
    )  # fmt: skip
    workers = [
        start(
            "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny",
            "--no-dashboard", "--local-directory", str(folder / str(number)), "--memory-limit", "0",
        )
        for number in range(WORKERS)
    ]  # fmt: skip
    from distributed import Client

    try:
        end = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.05)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=PATIENCE)
            address = client.scheduler.address
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_a_worker_that_dies_costs_no_result(cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    address, workers = cluster
    write_images(tmp_path / "in", COUNT, (96, 64))
    recipe, out = write_recipe(tmp_path), tmp_path / "out"
    half: list[int] = []

    def kill_one() -> None:
        end = time.monotonic() + PATIENCE
        path = out / NAME
        while time.monotonic() < end:
            done = path.read_bytes().count(b"\n") - 1 if path.exists() else 0
            if done >= COUNT // 4:
                half.append(done)
                workers[0].send_signal(signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one)
    killer.start()
    assert run(recipe, tmp_path / "in", "-o", out, "--scheduler", address) == Exit.DONE
    killer.join()
    assert half
    assert half[0] < COUNT
    assert report(out)["counts"] == {"done": COUNT, "unchanged": 0, "failed": 0, "waiting": 0}
    assert (out / NAME).read_bytes().count(b"\n") == COUNT + 1  # each once
    assert run(recipe, tmp_path / "in", "-o", tmp_path / "here", "--in-process") == Exit.DONE
    names = sorted(path.name for path in (tmp_path / "here").glob("*.png"))
    assert len(names) == COUNT
    assert names == sorted(path.name for path in out.glob("*.png"))
    for name in names:
        with Image.open(out / name) as one, Image.open(tmp_path / "here" / name) as other:
            assert np.array_equal(np.asarray(one), np.asarray(other)), name


def test_a_failure_on_a_worker_is_the_jobs_own(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    write_images(tmp_path / "in", 1)
    recipe = write_recipe(tmp_path, '[[steps]]\naction = "style.custom"\nparameters = { name = "missing" }\n')
    assert run(recipe, tmp_path / "in", "-o", tmp_path / "out", "--scheduler", cluster[0]) != Exit.DONE
    (file,) = report(tmp_path / "out")["files"]
    assert file["message"].startswith("step 1 (style.custom): ")
    assert "missing" in file["message"]


def test_no_scheduler_is_out_of_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.batch.cluster.TIMEOUT", 0.5)
    write_images(tmp_path / "in", 1)
    words = [write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out", "--scheduler"]
    assert run(*words, "tcp://127.0.0.1:9") == Exit.UNREACHABLE
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    assert run(*words, "tcp://127.0.0.1:9", "--in-process") == Exit.USAGE
