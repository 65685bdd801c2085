"""Every training on a second device: steps, averaged weights, scores and files, where tensors of two devices meet
nowhere and nothing asks for double precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from models.training.__main__ import main
from models.training.core import loop as core_loop
from models.training.core.loop import Loop
from models.training.core.process import Process
from tests.fake_device import NAME, fake_device

from .commands import COMMANDS, STEPS, arguments
from .small import whole_data_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_data_folder(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_training_stays_on_its_device(name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Process, "start", lambda: Process(0, 1, torch.device(NAME)))
    save, evaluate, seen = Loop.save, Loop.evaluate, []

    def note_save(loop: Loop[nn.Module]) -> None:
        seen.append("save")
        for net in (loop.net, loop.averaged):
            assert {p.device.type for p in net.parameters()} == {NAME}
        save(loop)

    def note_evaluate(loop: Loop[nn.Module]) -> None:
        seen.append("evaluate")
        evaluate(loop)

    monkeypatch.setattr(Loop, "save", note_save)
    monkeypatch.setattr(Loop, "evaluate", note_evaluate)
    states: list[dict[str, Any]] = []
    monkeypatch.setattr(core_loop, "save_atomically", lambda state, path: states.append(state))  # torch cannot write it
    with fake_device(monkeypatch):
        main(arguments(name, data, tmp_path))
    assert states[-1]["step"] == STEPS
    assert (tmp_path / name / "best.safetensors").exists()
    if name != "segment":  # which is scored after every pass over its data, as its paper does
        assert seen == ["save", "evaluate", "save"], "what was trained is on the disk before it is scored"
