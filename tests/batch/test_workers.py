"""A batch through the broker: a runner for each worker, results as without it, and a stop that cancels the jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.cli import CommandError, Exit
from backend.cli.runner import runners
from plugin.client.server.endpoint import CONNECTION_FILE
from tests.backends import Backend, identity

from .files import report, run, write_images, write_recipe


@pytest.fixture
def two_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    backend = Backend("--device", "cpu", "--device", "cpu")
    backend.start()
    monkeypatch.setenv("INLAY_CONNECTION", str(backend.run_dir / CONNECTION_FILE))
    yield backend
    backend.stop()


def test_there_is_a_runner_for_each_worker_and_a_stop_ends_their_jobs(two_workers: Backend) -> None:
    stop = threading.Event()
    codes = []

    with runners(False, stop.is_set) as found:
        assert len(found) == 2

        def work(number: int) -> None:
            with pytest.raises(CommandError) as raised:
                found[number].run("diagnose.identity", {"seconds": 500.0}, identity().inputs, started)
            codes.append(raised.value.code)

        running = threading.Barrier(3)
        begun: set[int] = set()

        def started(fraction: float, message: str) -> None:
            if fraction > 0 and threading.get_ident() not in begun:
                begun.add(threading.get_ident())
                running.wait(60)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        running.wait(60)  # both at once
        stop.set()
        for thread in threads:
            thread.join(60)
    assert codes == [Exit.JOB_FAILED] * 2


def test_a_batch_through_the_broker_is_the_one_without(two_workers: Backend, tmp_path: Path) -> None:
    write_images(tmp_path / "in", 4)
    for out, more in (("out", []), ("here", ["--in-process"])):
        assert run(write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / out, *more) == Exit.DONE
        assert report(tmp_path / out)["counts"]["done"] == 4
    for path in (tmp_path / "here").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
