"""Distilling the feature network: where layers see, what is learned, and a whole run in miniature that resumes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from models.networks.feature_net import FeatureNet
from models.training.core.cache import write_table
from models.training.features.distillation import (
    LAYERS,
    TARGETS,
    Distillation,
    FeatureEvaluator,
    Student,
    sample_at,
)
from models.training.features.teachers import MOBILENET, SQUEEZENET, Tap, Teachers
from models.training.features.train import FeatureConfig, train


def untrained() -> Teachers:
    torch.manual_seed(0)
    squeezenet, mobilenet = torchvision.models.squeezenet1_0().features, torchvision.models.mobilenet_v2().features
    return Teachers(squeezenet[: max(SQUEEZENET) + 1], mobilenet[: max(MOBILENET) + 1])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with blotchy photographs, and teachers that were never trained."""
    monkeypatch.setattr(Teachers, "load", classmethod(lambda cls, reference: untrained()))
    rng = np.random.default_rng(0)
    for folder in ("photos/dev", "photos/train"):
        (tmp_path / folder).mkdir(parents=True)
        for i in range(4):
            image = cv2.resize(rng.integers(0, 255, (7, 9, 3), np.uint8), (90, 70))
            cv2.imwrite(str(tmp_path / folder / f"p_{i}.png"), image)
    (tmp_path / "photos/train/sources.csv").write_text(
        "file,mask,kind\n" + "".join(f"p_{i}.png,,scene\n" for i in range(4))
    )
    write_table(tmp_path / "photos/train", tmp_path / "cache", "photos")
    return tmp_path


def test_teachers_layers_are_where_they_are_said_to_be() -> None:
    """The gradient of an element in the middle is centered on its pixel."""
    teachers = untrained()
    for module in teachers.modules():
        if isinstance(module, nn.Conv2d):  # what counts is where, not what
            nn.init.constant_(module.weight, 1.0 / module.weight[0].numel())
        if isinstance(module, nn.ReLU6):
            module.max_val = 1e9
    image = torch.ones(1, 3, 225, 225, requires_grad=True)
    for network, taps in (("squeezenet", SQUEEZENET), ("mobilenet", MOBILENET)):
        x = image
        for place, layer in enumerate(getattr(teachers, network)):
            x = nn.functional.avg_pool2d(x, 3, 2, ceil_mode=True) if isinstance(layer, nn.MaxPool2d) else layer(x)
            if place not in taps:
                continue
            tap, at = taps[place], x.shape[2] // 2
            assert x.shape[1] == tap.channels
            (gradient,) = torch.autograd.grad(x[0, :, at, at].sum(), image, retain_graph=True)
            weight = gradient[0, 0].sum(0)
            center = float((weight * torch.arange(225)).sum() / weight.sum())
            assert center == pytest.approx(tap.stride * at + tap.offset, abs=0.1 * tap.stride)


def test_features_are_read_where_the_teacher_looks() -> None:
    """A map that is the image's own coordinate comes out as the teacher's coordinates."""
    own = (4 * torch.arange(20) + 1.5).expand(1, 1, 20, 20)
    read = sample_at(own, 4, Tap(1, 8, 9), (6, 8))
    torch.testing.assert_close(read[0, 0, 3], 8.0 * torch.arange(8) + 9)
    torch.testing.assert_close(sample_at(own.mT, 4, Tap(1, 8, 9), (6, 8))[0, 0, :, 2], 8.0 * torch.arange(6) + 9)


def test_a_student_that_says_what_the_teachers_say_has_no_loss() -> None:
    teachers, image = untrained(), torch.rand(2, 3, 96, 96)
    distillation = Distillation(teachers, iter([image] * 4))

    class Parrot(nn.Module):
        def forward(self, image: Tensor, sizes: dict[str, tuple[int, int]]) -> dict[str, Tensor]:
            true = teachers(image)
            return {t.head: (true[t.tap] - distillation.mean[t.tap]) / distillation.std[t.tap] for t in TARGETS}

    losses = distillation.losses(Parrot(), image)
    assert all(float(value) == pytest.approx(0, abs=1e-4) for value in losses.values())
    ignorant = distillation.losses(Student(FeatureNet(1 / 8)), image)
    assert float(ignorant["error"].detach()) > 0.5
    evaluator = FeatureEvaluator(distillation, [image[:1], image[1:]], torch.device("cpu"))
    known = evaluator.score(Parrot())
    assert known["learned"] == pytest.approx(1, abs=1e-3)
    assert known["gram"] == pytest.approx(0, abs=1e-4)
    assert evaluator.score(Student(FeatureNet(1 / 8)))["learned"] < 0.3


def test_every_block_has_a_target() -> None:
    assert {layer[:5] for layer in LAYERS} == {f"conv{block}" for block in range(1, 6)}


def test_a_tiny_run_learns_and_resumes(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.features.train.SCORED", 64)
    config = FeatureConfig(
        data=data, cache=data / "cache", out=data / "run", steps=20, width=1 / 8, sizes=((0.5, 40), (1.0, 48)), batch=2,
        workers=0,
    )  # fmt: skip
    train(config)
    scores = train(replace(config, steps=40, resume=True, bf16=True))
    assert set(scores) == {"learned", "gram", *(target.name for target in TARGETS)}
    with (config.out / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["step"] for row in rows] == ["20", "40"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    net = FeatureNet(1 / 8)
    net.load_state_dict({name: value.float() for name, value in load_file(config.out / "ema.safetensors").items()})
