"""After a job that ended on the CPU, the next one on the GPU gets the GPU's networks, whatever action it is."""

from __future__ import annotations

from typing import Any

import pytest

from backend.operations import Context, find
from backend.operations.networks import cache_key
from backend.worker import devices
from backend.worker.execute import execute
from plugin.client.messages import Job, Output, Result
from tests.fake_device import NAME, fake_device
from tests.jobs import example


def run(job: Job, cache: dict[Any, Any]) -> Result:
    return execute(job, NAME, lambda *_: None, lambda: False, cache)


@pytest.mark.parametrize(
    ("action", "network"),
    [
        ("select.subject", "subject"),
        ("style.preset", "styles"),
        ("style.layer", "any_style"),
    ],
)
def test_the_job_after_a_fallback_runs_on_the_gpu(action: str, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job, cache = example(action, 128), dict[Any, Any]()

    def short_of_memory(name: str) -> Any:
        operation = find(name)

        def runs(job: Job, context: Context) -> list[Output]:
            if context.device != "cpu":
                raise RuntimeError("out of memory")
            return operation(job, context)

        return runs

    with fake_device(monkeypatch) as device:
        with monkeypatch.context() as patch:
            patch.setattr("backend.worker.execute.find", short_of_memory)
            assert "on the CPU" in run(job, cache).notes[-1]
        assert cache_key(network, "cpu") in cache
        device.seen.clear()
        assert not any("CPU" in note for note in run(job, cache).notes)
        assert cache_key(network, NAME) in cache
        assert device.seen


def test_a_device_is_probed_by_what_operations_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_device(monkeypatch) as device:
        assert devices.choose(NAME)[0] == NAME
        assert device.seen > {"convolution", "sort", "index_select", "nonzero", "addcmul", "convolution_backward"}
        monkeypatch.setattr("tests.fake_device.LACKING", ("nonzero",))
        chosen, description = devices.choose(NAME)
        assert chosen == "cpu"
        assert "lacks the operator nonzero" in description
