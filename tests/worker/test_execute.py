"""Running a job in this process, and what is tried when memory runs out."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable

import pytest

from backend.operations import Context, OperationError
from backend.worker import devices
from backend.worker.devices import Attempt, attempts, out_of_memory
from backend.worker.execute import execute
from plugin.client.actions import ResultKind
from plugin.client.messages import ErrorCode, Job, Output, Result
from tests.backends import identity

GIB = 1 << 30


def run(job: Job, device: str = "cpu", cache: dict[object, object] | None = None) -> Result:
    return execute(job, device, lambda *_: None, lambda: False, {} if cache is None else cache)


@pytest.fixture
def plenty_and_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU with 4 GiB free beside 8 GiB of memory."""
    monkeypatch.setattr(devices, "free_memory", lambda device: 4 * GIB)
    monkeypatch.setattr(devices, "available", lambda: 8 * GIB)


@pytest.mark.usefixtures("plenty_and_little")
def test_gpu_steps_down_to_smaller_tiles_then_half_precision_then_the_cpu() -> None:
    steps = list(attempts("cuda:0"))
    assert [(step.device, step.half, step.budget) for step in steps] == [
        ("cuda:0", False, 0),
        ("cuda:0", False, GIB),
        ("cuda:0", True, GIB),
        ("cpu", False, 2 * GIB),
    ]
    assert [bool(step.note) for step in steps] == [False, True, True, True]


@pytest.mark.usefixtures("plenty_and_little")
def test_cpu_steps_down_to_smaller_tiles_only() -> None:
    assert [(step.half, step.budget) for step in attempts("cpu")] == [(False, 0), (False, 2 * GIB)]


def operation_that_fits(
    fits: Callable[[Context], bool], tried: list[Attempt]
) -> Callable[[Job, Context], list[Output]]:
    def operation(job: Job, context: Context) -> list[Output]:
        tried.append(Attempt(context.device, context.half, context.budget))
        context.cache["features"] = "large"
        if not fits(context):
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        context.notes.append("done")
        return [Output(ResultKind.LAYER, "made", job.inputs["image"])]

    return operation


@pytest.mark.usefixtures("plenty_and_little")
@pytest.mark.parametrize(
    ("fits", "tries", "word"),
    [
        (lambda context: True, 1, ""),
        (lambda context: context.budget > 0, 2, "smaller pieces"),
        (lambda context: context.half, 3, "half precision"),
        (lambda context: context.device == "cpu", 4, "on the CPU"),
    ],
)
def test_operation_is_tried_until_it_fits_and_the_user_is_told(
    monkeypatch: pytest.MonkeyPatch, fits: Callable[[Context], bool], tries: int, word: str
) -> None:
    tried: list[Attempt] = []
    monkeypatch.setattr("backend.worker.execute.find", lambda action: operation_that_fits(fits, tried))
    result = run(identity(), "cuda:0")
    assert len(tried) == tries
    assert result.notes[0] == "done"
    assert word in result.notes[-1]


@pytest.mark.usefixtures("plenty_and_little")
def test_operation_that_never_fits_says_so_and_leaves_the_cache_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    cache: dict[object, object] = {}
    monkeypatch.setattr("backend.worker.execute.find", lambda action: operation_that_fits(lambda context: False, []))
    with pytest.raises(OperationError) as caught:
        run(identity(), "cuda:0", cache)
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY
    assert "smaller" in caught.value.remedy
    assert cache == {}


def test_other_errors_are_not_tried_again() -> None:
    with pytest.raises(RuntimeError, match="asked for"):
        run(identity(fault="error"))


def test_parameters_that_are_left_out_have_their_defaults() -> None:
    job = identity()
    assert job.parameters == {}
    assert run(job).outputs[0].raster.data == job.inputs["image"].data


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
)
def test_out_of_memory_is_recognized(error: Exception) -> None:
    assert out_of_memory(error)


def test_other_errors_are_not_taken_for_out_of_memory() -> None:
    assert not out_of_memory(RuntimeError("shapes do not match"))
    assert not out_of_memory(OSError(errno.ENOSPC, "No space left on device"))


def test_device_that_does_not_compute_is_passed_over_for_the_cpu() -> None:
    device, description = devices.choose("cuda:63")
    assert device == "cpu"
    assert "cuda:63 cannot be used" in description


def test_facts_name_the_torch_build_and_what_is_used() -> None:
    facts = devices.facts()
    assert facts["torch"].split(".")[0].isdigit()
    assert facts["used"]


def test_a_warm_worker_has_the_modules_of_all_operations_before_the_first_job() -> None:
    code = """
import sys
from backend.operations import OPERATIONS, find, preload
preload()
before = set(sys.modules)
for action in OPERATIONS:
    find(action)
print(len(set(sys.modules) - before), "cv2" in before)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["0", "True"]
