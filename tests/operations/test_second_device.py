"""Every action on a device beside the CPU: nothing mixes devices, asks for float64 or for what the device lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from backend.io.rasters import samples
from backend.operations import Context, OperationError, find
from backend.operations.networks import Network, cache_key
from models.zoo import roles, store
from models.zoo.cards import find_card
from plugin.client.actions import Value
from plugin.client.messages import Job, Output
from tests.fake_device import NAME, FakeDeviceError, fake_device
from tests.jobs import COMPUTING, example, keep_custom_style

CLASSICAL = {"select.colors", "select.refine", "select.dust", "fill.dust", "style.train"}
"""Actions that compute with numpy and OpenCV alone."""


SETTINGS: dict[str, tuple[str, dict[str, Value]]] = {
    "subject-in-high-quality": ("select.subject", {"high_quality": True, "open_holes": "on"}),
    "object-in-high-quality": ("select.object", {"high_quality": True, "edge": "hard"}),
    "class-by-name": ("select.class", {"class_name": "cat", "high_quality": True}),
    "one-object-of-those-found": ("select.objects", {"found": "1", "high_quality": True}),
    "edge-in-high-quality": ("select.refine", {"high_quality": True}),
    "strokes-in-high-quality": ("select.strokes", {"high_quality": True}),
    "two-styles": ("style.preset", {"second_style": "hat", "strength": 60.0, "keep_colors": True}),
    "style-of-the-subject": ("style.preset", {"region": "subject", "stroke": 200.0, "high_quality": True}),
    "style-of-a-layer-in-part": ("style.layer", {"region": "subject", "strength": 50.0, "keep_colors": True}),
    "iterative-style-from-noise": ("style.gatys", {"start": "noise", "size": 64, "region": "subject"}),
    "fill-by-the-network": ("fill.selection", {"method": "network"}),
    "fill-by-patches-everywhere": ("fill.selection", {"method": "patches", "area": "everywhere"}),
    **{
        f"harmonize-{method}-{edge}": ("paste.harmonize", {"method": method, "edge": edge, "strength": 80.0})
        for method in ("network", "poisson", "mixed", "deep")
        for edge in ("seamless", "object")
    },
    "cast-shadow-and-grain": ("paste.subject", {"cast_shadow": 50.0, "grain": True, "high_quality": True}),
    "placed-by-hand": ("paste.subject", {"by_hand": True}),
    "portrait-in-a-style": ("paste.portrait", {"style": "wave", "method": "poisson"}),
    "portrait-in-colors": ("paste.portrait", {"style": "colors", "palette": 100.0, "edge": "seamless"}),
}
"""Settings that lead other ways than the defaults do."""


def run(job: Job, device: str, half: bool = False, budget: int = 0) -> list[Output]:
    context = Context(device, half, budget)
    if "name" in job.parameters:
        keep_custom_style(context)
    return find(job.action)(job, context)


def check_same(found: list[Output], expected: list[Output]) -> None:
    assert [output.name for output in found] == [output.name for output in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.raster.box == other.raster.box
        off = np.abs(samples(one.raster).astype(np.float32) - samples(other.raster).astype(np.float32))
        assert off.mean() < 8  # where a search is random or convolutions are in bfloat16, results differ


@pytest.mark.parametrize("action", COMPUTING)
def test_actions_do_on_a_second_device_what_they_do_on_the_cpu(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = example(action)
    expected = run(job, "cpu")
    with fake_device(monkeypatch) as device:
        found = run(job, NAME)
    assert device.seen or action in CLASSICAL
    check_same(found, expected)


@pytest.mark.parametrize("case", SETTINGS)
def test_so_they_do_with_other_settings(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    action, settings = SETTINGS[case]
    job = example(action)
    job = replace(job, parameters={**job.parameters, **settings})
    expected = run(job, "cpu")
    with fake_device(monkeypatch) as device:
        found = run(job, NAME)
    assert device.seen or action in CLASSICAL
    check_same(found, expected)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("action", ["select.subject", "style.preset", "style.gatys", "paste.harmonize"])
def test_so_they_do_where_memory_is_short(action: str, half: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    job = example(action)
    expected = run(job, "cpu")
    with fake_device(monkeypatch) as device:
        found = run(job, NAME, half, budget=1 << 16)
    assert device.seen
    check_same(found, expected)


@pytest.mark.parametrize(
    ("name", "action", "settings"),
    [
        ("lraspp_mobilenet_v3_large", "select.class", {"class_name": "cat"}),
        ("maskrcnn_resnet50_fpn", "select.objects", {}),
    ],
)
def test_so_they_do_with_networks_of_others(
    name: str, action: str, settings: dict[str, Value], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which know nothing here: they have no weights."""
    card = find_card(name)
    monkeypatch.setattr(roles, "choose", lambda role, free=None: card if role == card.role else None)
    job = example(action)
    job = replace(job, parameters={**job.parameters, **settings})

    torch.manual_seed(0)
    net: Any = store.build(card).eval()
    if name.startswith("maskrcnn"):  # it enlarges images by itself, and looks at a thousand boxes
        net.transform.min_size, net.transform.max_size = (64,), 64
        net.rpn._pre_nms_top_n = net.rpn._post_nms_top_n = {"testing": 8}

    def outcome(device: str) -> list[Output] | str:
        context = Context(device)
        context.cache[cache_key(name, device)] = Network(net.to(device), card)
        try:
            return find(action)(job, context)
        except OperationError as error:
            return error.message

    expected = outcome("cpu")
    with fake_device(monkeypatch) as device:
        found = outcome(NAME)
    assert device.seen & {"convolution", "conv2d"}
    if isinstance(expected, str) or isinstance(found, str):
        assert found == expected
    else:
        check_same(found, expected)


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
