"""A worker that dies, hangs or runs out of memory costs one job a clear error, and nothing else."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from plugin.client.codec import Cancel, Failed, Submit
from plugin.client.messages import ErrorCode, JobState, Result
from tests.backends import Backend, Talker, alive, identity, wait_for
from tests.jobs import example


def test_killed_worker_costs_its_job_and_not_those_that_wait(backend: Backend, talker: Talker) -> None:
    struck, waiting = identity(seconds=60), identity()
    talker.say(Submit(talker.client, struck))
    talker.say(Submit(talker.client, waiting))
    talker.receive_running(struck)
    (worker,) = backend.workers()
    os.kill(worker, signal.SIGKILL)
    failed = talker.receive_end(struck)
    assert isinstance(failed, Failed)
    assert failed.failure.code is ErrorCode.WORKER_DIED
    assert "SIGKILL" in failed.failure.message
    assert "again" in failed.failure.remedy
    assert isinstance(talker.receive_end(waiting), Result)
    assert backend.workers() != [worker]


def test_crash_inside_an_operation_is_told_and_survived(talker: Talker) -> None:
    crash, following = identity(fault="crash"), identity()
    talker.say(Submit(talker.client, crash))
    talker.say(Submit(talker.client, following))
    failed = talker.receive_end(crash)
    assert failed.failure.code is ErrorCode.WORKER_DIED
    assert "exit status 3" in failed.failure.message
    assert isinstance(talker.receive_end(following), Result)


def test_hang_past_the_deadline_is_ended(start_backend, talk) -> None:
    backend = start_backend("--deadline", "0.5")
    talker = talk(backend)
    hang, following = identity(fault="hang"), identity()
    talker.say(Submit(talker.client, hang))
    talker.say(Submit(talker.client, following))
    wait_for(backend.workers, "the worker")
    (worker,) = backend.workers()
    failed = talker.receive_end(hang)
    assert failed.failure.code is ErrorCode.DEADLINE
    assert "0.5 seconds" in failed.failure.message
    wait_for(lambda: not alive(worker), "the worker to end")
    assert isinstance(talker.receive_end(following), Result)


def test_progress_keeps_a_long_job_alive_past_the_deadline(start_backend, talk) -> None:
    talker = talk(start_backend("--deadline", "0.5"))
    job = identity(seconds=1.2)
    talker.say(Submit(talker.client, job))
    assert isinstance(talker.receive_end(job), Result)


def test_cancelled_job_that_hangs_is_ended_after_its_grace(start_backend, talk) -> None:
    backend = start_backend("--grace", "3")
    talker = talk(backend)
    hang, following = identity(seconds=0.1, fault="hang"), identity()
    talker.say(Submit(talker.client, hang))
    talker.receive_running(hang)
    (worker,) = backend.workers()
    time.sleep(0.2)
    talker.ask(Cancel(talker.client, hang.id))
    assert talker.receive_end(hang).state is JobState.CANCELLED
    assert alive(worker)  # the client does not wait for the grace
    talker.say(Submit(talker.client, following))
    assert isinstance(talker.receive_end(following), Result)
    wait_for(lambda: not alive(worker), "the worker to end")


def test_control_answers_while_a_worker_hangs(talker: Talker) -> None:
    hang = identity(fault="hang")
    talker.say(Submit(talker.client, hang))
    wait_for(lambda: talker.status().worker == "busy", "the worker")
    for _ in range(5):
        assert talker.status().worker == "busy"


def test_out_of_memory_for_good_says_what_to_do(backend: Backend, talker: Talker) -> None:
    job, following = identity(fault="memory"), identity()
    talker.say(Submit(talker.client, job))
    talker.say(Submit(talker.client, following))
    failed = talker.receive_end(job)
    assert failed.failure.code is ErrorCode.OUT_OF_MEMORY
    assert "smaller" in failed.failure.remedy
    assert isinstance(talker.receive_end(following), Result)
    assert len(backend.workers()) == 1


def test_out_of_memory_at_first_steps_down_and_says_so(talker: Talker) -> None:
    job = identity(fault="tight")
    talker.say(Submit(talker.client, job))
    result = talker.receive_end(job)
    assert isinstance(result, Result)
    assert result.notes == ("Memory was short: the work was done in smaller pieces.",)


def test_error_in_an_operation_is_told_and_the_worker_goes_on(backend: Backend, talker: Talker) -> None:
    job, following = identity(fault="error"), identity()
    talker.say(Submit(talker.client, job))
    failed = talker.receive_end(job)
    assert failed.failure.code is ErrorCode.INTERNAL
    assert "RuntimeError: the fault that was asked for" in failed.failure.message
    workers = backend.workers()
    talker.say(Submit(talker.client, following))
    assert isinstance(talker.receive_end(following), Result)
    assert backend.workers() == workers
    assert "Traceback" in backend.log.read_text()


def test_worker_that_cannot_start_fails_the_jobs_that_wait(
    start_backend, talk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'backend.worker.main' in sys.orig_argv: os._exit(7)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    talker = talk(start_backend())
    jobs = [identity(), identity()]
    for job in jobs:
        talker.say(Submit(talker.client, job))
    for job in jobs:
        failed = talker.receive_end(job)
        assert failed.failure.code is ErrorCode.WORKER_DIED
        assert "does not start: The worker died (exit status 7)" in failed.failure.message
    assert talker.status().worker == "stopped"


def test_job_that_a_dying_worker_had_not_begun_is_done_by_the_next_one(backend: Backend, talker: Talker) -> None:
    """The worker stands still, so that it is given the job and dies with it unread, as one that died idle does."""
    first, job = identity(), identity()
    talker.say(Submit(talker.client, first))
    talker.receive_end(first)
    (worker,) = backend.workers()
    os.kill(worker, signal.SIGSTOP)
    talker.say(Submit(talker.client, job))
    wait_for(lambda: talker.status().worker == "busy", "the job to be handed over")
    os.kill(worker, signal.SIGKILL)
    result = talker.receive_end(job)
    assert isinstance(result, Result)
    assert bytes(result.outputs[0].raster.data) == job.inputs["image"].data


def test_cancelled_job_that_does_not_look_frees_its_worker(backend: Backend, talker: Talker) -> None:
    busy, following = identity(seconds=0.1, fault="busy"), identity()
    talker.say(Submit(talker.client, busy))
    talker.receive_running(busy)
    workers = backend.workers()
    talker.ask(Cancel(talker.client, busy.id))
    talker.say(Submit(talker.client, following))
    assert isinstance(talker.receive_end(following), Result)
    assert backend.workers() == workers


def test_worker_keeps_few_compiled_convolutions(backend: Backend, talker: Talker) -> None:
    """One is kept for each size of image; with the library's default of 1024 that adds up to hundreds of megabytes."""
    talker.say(Submit(talker.client, job := identity()))
    talker.receive_end(job)
    (worker,) = backend.workers()
    environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
    assert b"ONEDNN_PRIMITIVE_CACHE_CAPACITY=256" in environment
    assert b"PYTORCH_ENABLE_MPS_FALLBACK=1" in environment


def test_a_job_that_is_cancelled_while_torch_is_loaded_frees_its_worker(
    start_backend, talk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker that had to be killed would load it anew."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    backend = start_backend("--grace", "1")
    talker = talk(backend)
    job, following = example("select.colors"), identity()
    talker.say(Submit(talker.client, job))
    talker.receive_until(lambda message: getattr(message, "message", "") == "Loading the numerical library")
    workers = backend.workers()
    talker.ask(Cancel(talker.client, job.id))
    talker.say(Submit(talker.client, following))
    assert isinstance(talker.receive_end(following), Result)
    assert backend.workers() == workers
