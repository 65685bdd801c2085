"""Every action on a device beside the CPU: nothing mixes devices, asks for float64 or for what the device lacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.io.rasters import samples
from backend.operations import Context, find
from plugin.client.messages import Job, Output
from tests.fake_device import NAME, FakeDeviceError, fake_device
from tests.jobs import COMPUTING, example, keep_custom_style

CLASSICAL = {"select.colors", "select.refine", "style.train"}
"""Actions that compute with numpy and OpenCV alone."""


def run(job: Job, device: str) -> list[Output]:
    context = Context(device=device)
    if "name" in job.parameters:
        keep_custom_style(context)
    return find(job.action)(job, context)


@pytest.mark.parametrize("action", COMPUTING)
def test_actions_do_on_a_second_device_what_they_do_on_the_cpu(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = example(action)
    expected = run(job, "cpu")
    with fake_device(monkeypatch) as device:
        found = run(job, NAME)
    assert device.seen or action in CLASSICAL
    assert [output.name for output in found] == [output.name for output in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.raster.box == other.raster.box
        off = np.abs(samples(one.raster).astype(np.float32) - samples(other.raster).astype(np.float32))
        assert off.mean() < 8  # where a search is random or convolutions are in bfloat16, results differ


def test_the_fake_device_refuses_what_a_real_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_device(monkeypatch):
        here, there = torch.ones(3), torch.ones(3).to(NAME)
        assert float((there * 2 + 1).sum()) == 9
        with pytest.raises(FakeDeviceError, match="two devices"):
            there + here
        with pytest.raises(FakeDeviceError, match="float64"):
            there.double()
        with pytest.raises(FakeDeviceError, match="_linalg_eigh"):
            torch.linalg.eigh(torch.eye(3).to(NAME))
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
