"""What a well-behaved client gets from the broker, over real processes and sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time

import pytest

from plugin.client.actions import ACTIONS
from plugin.client.codec import Cancel, Failed, Fetch, Hello, Ping, Release, Shutdown, Status, Submit, Welcome
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job, JobState, Progress, Result
from tests.backends import PATIENCE, ROOT, Backend, Talker, alive, ended, identity, wait_for

MASK = Raster(PixelFormat("Y", "u8"), 2, 2, b"\0\0\0\0")


def test_ping_is_answered_before_there_is_a_worker(backend: Backend, talk) -> None:
    status = talk(backend, greet=False).status()
    assert status.pid == backend.process.pid
    assert status.worker == "stopped"
    assert backend.workers() == []


def test_broker_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, backend.server.broker; print([m for m in ('torch', 'numpy', 'cv2') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_hello_is_welcomed_with_the_table_of_actions(backend: Backend, talker: Talker) -> None:
    talker.say(Hello(talker.client))
    welcome = talker.receive()
    assert isinstance(welcome, Welcome)
    assert welcome.actions == [action.name for action in ACTIONS]


def _ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--listen", "tcp://127.0.0.1:0"),
        pytest.param(("--listen", "tcp://[::1]:0"), marks=pytest.mark.skipif(not _ipv6(), reason="no IPv6 here")),
    ],
    ids=["ipc", "curve", "ipv6"],
)
def test_image_comes_back_as_it_went(start_backend, options: tuple[str, ...], talk) -> None:
    talker = talk(start_backend(*options))
    job = identity(300, 200)
    talker.say(Submit(talker.client, job))
    result = talker.receive_end(job)
    assert isinstance(result, Result)
    (output,) = result.outputs
    assert bytes(output.raster.data) == job.inputs["image"].data
    assert output.raster.box == job.inputs["image"].box
    assert output.raster.profile == b"a profile"


def test_first_word_of_a_job_does_not_wait_for_its_worker(talker: Talker) -> None:
    job = identity()
    talker.say(Submit(talker.client, job))
    assert talker.receive() == Progress(job.id, JobState.QUEUED, 0.0, "Starting the worker")
    assert isinstance(talker.receive_end(job), Result)


def test_progress_is_steady_but_no_flood(talker: Talker) -> None:
    """At most one word in 50 ms from the worker; the broker repeats the last one where that is silent."""
    job, received = identity(seconds=1.5), []
    begun = time.monotonic()
    talker.say(Submit(talker.client, job))
    talker.receive_until(lambda message: received.append(message) or isinstance(message, Result))
    fractions = [message.fraction for message in received if isinstance(message, Progress)]
    assert fractions == sorted(fractions)
    assert len({fraction for fraction in fractions if 0 < fraction < 1}) >= 3
    assert len(fractions) <= 5 + (time.monotonic() - begun) / 0.05


def test_submitting_twice_runs_once_and_answers_twice(talker: Talker) -> None:
    job = identity()
    for _ in range(2):
        talker.say(Submit(talker.client, job))
    first = talker.receive_end(job)
    talker.say(Submit(talker.client, job))
    talker.say(Fetch(talker.client, job.id))
    again = [talker.receive_until(lambda message: isinstance(message, Result)) for _ in range(2)]
    assert again == [first, first]
    assert talker.ask(Cancel(talker.client, job.id)).state is JobState.DONE


def test_result_is_kept_until_it_is_released(talker: Talker) -> None:
    job = identity()
    talker.say(Submit(talker.client, job))
    talker.receive_end(job)
    talker.say(Release(talker.client, job.id))
    talker.say(Fetch(talker.client, job.id))
    failed = talker.receive()
    assert isinstance(failed, Failed)
    assert (failed.job, failed.failure.code) == (job.id, ErrorCode.BAD_REQUEST)


def test_result_survives_a_reconnect(backend: Backend, talker: Talker, talk) -> None:
    job = identity(seconds=0.3)
    talker.say(Submit(talker.client, job))
    talker.receive()
    talker.close()
    again = talk(backend, talker.client)
    again.say(Fetch(again.client, job.id))
    assert isinstance(again.receive_end(job), Result)
    again.close()


def test_jobs_run_in_the_order_they_came(talker: Talker) -> None:
    jobs = [identity(seconds=0.1) for _ in range(3)]
    for job in jobs:
        talker.say(Submit(talker.client, job))
    ends = [talker.receive_until(lambda message: isinstance(message, Result)) for _ in jobs]
    assert [end.job for end in ends] == [job.id for job in jobs]


def test_cancel_of_a_running_job_frees_its_worker(backend: Backend, talker: Talker) -> None:
    job = identity(seconds=600)
    talker.say(Submit(talker.client, job))
    talker.receive_running(job)
    workers = backend.workers()
    assert talker.ask(Cancel(talker.client, job.id)).state is JobState.CANCELLED
    assert talker.receive_end(job).state is JobState.CANCELLED
    wait_for(lambda: talker.status().worker == "idle", "the worker to come back")
    assert backend.workers() == workers


def test_cancel_of_a_waiting_job_leaves_the_running_one(talker: Talker) -> None:
    running, waiting = identity(seconds=0.5), identity()
    talker.say(Submit(talker.client, running))
    talker.say(Submit(talker.client, waiting))
    talker.receive_running(running)
    assert talker.ask(Cancel(talker.client, waiting.id)).state is JobState.CANCELLED
    assert talker.receive_end(waiting).state is JobState.CANCELLED
    assert isinstance(talker.receive_end(running), Result)


def test_cancel_that_overtakes_its_job_still_counts(talker: Talker) -> None:
    job = identity()
    assert talker.ask(Cancel(talker.client, job.id)).state is JobState.CANCELLED
    talker.say(Submit(talker.client, job))
    assert talker.receive_end(job).state is JobState.CANCELLED
    assert talker.status().worker == "stopped"


def test_clients_cannot_touch_each_others_jobs(backend: Backend, talker: Talker, talk) -> None:
    other = talk(backend, "other")
    job = identity(seconds=0.5)
    talker.say(Submit(talker.client, job))
    talker.receive_running(job)
    other.ask(Cancel(other.client, job.id))
    other.say(Fetch(other.client, job.id))
    assert not isinstance(other.receive(), Result)
    assert other.status().jobs == []
    assert [entry.job for entry in talker.status().jobs] == [job.id]
    assert isinstance(talker.receive_end(job), Result)


@pytest.mark.parametrize(
    ("job", "code", "word"),
    [
        (Job("diagnose.nothing", {}, {}), ErrorCode.UNKNOWN_ACTION, "diagnose.nothing"),
        (Job("diagnose.identity", {"seconds": -1.0}, {"image": MASK}), ErrorCode.BAD_PARAMETER, "between 0 and 600"),
        (Job("diagnose.identity", {"speed": 1.0}, {"image": MASK}), ErrorCode.BAD_PARAMETER, "speed"),
        (Job("diagnose.identity", {}, {}), ErrorCode.BAD_INPUT, "Layer"),
        (Job("diagnose.identity", {}, {"image": MASK, "sky": MASK}), ErrorCode.BAD_INPUT, "sky"),
    ],
)  # fmt: skip
def test_job_that_is_not_in_order_is_refused_before_any_worker(
    talker: Talker, job: Job, code: ErrorCode, word: str
) -> None:
    talker.say(Submit(talker.client, job))
    failed = talker.receive_end(job)
    assert isinstance(failed, Failed)
    assert failed.failure.code is code
    assert word in failed.failure.message
    assert talker.status().worker == "stopped"


def test_job_that_needs_more_memory_than_there_is_is_refused(start_backend, talk) -> None:
    talker = talk(start_backend("--memory", "0.01"))
    job = identity(500, 500)
    talker.say(Submit(talker.client, job))
    failed = talker.receive_end(job)
    assert failed.failure.code is ErrorCode.TOO_LARGE
    assert "allows a job 0.01 GiB" in failed.failure.message
    assert "--memory" in failed.failure.remedy


def test_status_tells_what_is_so(backend: Backend, talker: Talker) -> None:
    job = identity(seconds=0.5)
    talker.say(Submit(talker.client, job))
    talker.receive_running(job)
    busy = talker.status()
    assert busy.worker == "busy"
    assert busy.memory > 10 << 20
    assert [(entry.job, entry.action, entry.state) for entry in busy.jobs] == [
        (job.id, "diagnose.identity", JobState.RUNNING)
    ]
    talker.receive_end(job)
    assert talker.status().worker == "idle"


def test_idle_worker_ends_and_the_next_job_starts_another(start_backend, talk) -> None:
    backend = start_backend("--worker-idle", "0.3", "--release-after", "0.1")
    talker = talk(backend)
    for _ in range(2):
        job = identity(seconds=2)
        talker.say(Submit(talker.client, job))
        talker.receive_running(job)
        (worker,) = backend.workers()
        assert isinstance(talker.receive_end(job), Result)
        wait_for(lambda worker=worker: not alive(worker), "the worker to end")
        assert talker.status().memory == 0


def test_backend_without_clients_ends_and_cleans_up(start_backend) -> None:
    backend = start_backend("--lease", "0.2", "--idle", "0.3")
    assert backend.process.wait(PATIENCE) == 0
    assert {path.name for path in backend.run_dir.iterdir()} == {"backend.lock", "log"}


def test_signal_that_meets_a_destructor_still_ends_the_backend() -> None:
    """Python swallows what is raised in a destructor, which the handling of frames is full of."""
    code = """
import os, signal, sys, backend.server.broker
from backend.cli.main import main

class Falling:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

backend.server.broker.Broker.tick = lambda self, now: Falling() and None
sys.exit(main(["serve", "--cold", "--run-dir", sys.argv[1]]))
"""
    with tempfile.TemporaryDirectory(prefix="inlay-test-") as folder:
        ended = subprocess.run(
            [sys.executable, "-c", code, folder], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
        )
    assert ended.returncode == 0
    assert "told to stop by SIGTERM" in ended.stderr
    assert "ignored" not in ended.stderr


def test_shutdown_ends_the_backend_and_tells_who_waits(backend: Backend, talker: Talker) -> None:
    job = identity(seconds=60)
    talker.say(Submit(talker.client, job))
    talker.receive_running(job)
    (worker,) = backend.workers()
    assert isinstance(talker.ask(Shutdown(talker.client)), Status)
    while not ended(failed := talker.receive()):  # it may have ended by now: nothing more is asked of it
        pass
    assert failed.failure.code is ErrorCode.UNREACHABLE
    assert backend.process.wait(PATIENCE) == 0
    wait_for(lambda: not alive(worker), "the worker to end")


def test_second_serve_leaves_the_first_alone(backend: Backend, talker: Talker) -> None:
    command = [sys.executable, "-m", "backend", "serve", "--run-dir", str(backend.run_dir)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert second.returncode == 0
    assert f"running already in {backend.run_dir} (process {backend.process.pid})" in second.stdout
    assert talker.ask(Ping(talker.client)).pid == backend.process.pid
