"""Training of the harmonizer: how colors are changed, what samples hold, and a tiny run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from backend.imaging.color.spaces import srgb_to_linear
from models.networks.harmonizer import GRID, SIDE, Harmonizer
from models.networks.outline import MOMENTS
from models.networks.subject_net import SubjectNet
from models.training.core.cache import write_table
from models.training.paste import recoloring
from models.training.paste.harmonization import (
    HarmonizationConfig,
    HarmonizationEvaluator,
    held_out_batch,
    initial,
    losses,
    train,
)
from models.training.paste.objects import ObjectSamples
from models.training.paste.recoloring import MAIN, MORE, recolor, to_encoded, to_linear


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def photographs() -> tuple[np.ndarray, np.ndarray]:
    return tuple(  # type: ignore[return-value]  # two of them
        cv2.resize(image(), (96, 80), interpolation=cv2.INTER_AREA) / np.float32(255)
        for image in (data.astronaut, data.coffee)
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("objects")
    mask = np.zeros((120, 150), np.uint8)
    cv2.ellipse(mask, (75, 60), (35, 40), 0, 0, 360, 255, -1)
    for name, masked in (("subjects", True), ("photos", False), ("dev", True)):
        folder = root / name
        folder.mkdir()
        rows = ["file,mask,kind"]
        for image in ("astronaut", "coffee", "chelsea"):
            pixels = cv2.resize(getattr(data, image)()[..., ::-1], (150, 120), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{image}.png"), pixels)
            cv2.imwrite(str(folder / f"{image}_mask.png"), mask)
            rows.append(f"{image}.png,{f'{image}_mask.png' if masked else ''},scene")
        (folder / "sources.csv").write_text("\n".join(rows) + "\n")
        write_table(folder, root / "cache", name)
    return root / "cache"


def test_linear_light_and_back_is_the_same(photographs: tuple[np.ndarray, ...]) -> None:
    linear = to_linear(photographs[0])
    np.testing.assert_allclose(to_encoded(linear), photographs[0], atol=1e-5)
    np.testing.assert_allclose(linear, srgb_to_linear(photographs[0]), atol=1e-6)  # what the backend takes for linear


@pytest.mark.parametrize("kind", [*MAIN, *MORE])
def test_every_change_of_color_keeps_the_shape_and_is_moderate(
    kind: recoloring.Recoloring, photographs: tuple[np.ndarray, ...]
) -> None:
    image, other = photographs
    for seed in range(4):
        changed = np.clip(kind(image, other, np.random.default_rng(seed)), 0, 1)
        assert changed.shape == image.shape
        assert changed.dtype == np.float32
        assert 0.01 < np.abs(changed - image).mean() < 0.5
        edges = [cv2.Laplacian(np.ascontiguousarray(x.mean(2)), cv2.CV_32F).ravel() for x in (image, changed)]
        assert np.corrcoef(*edges)[0, 1] > 0.6  # the drawing stays


def test_a_full_transfer_gives_the_other_photographs_statistics(photographs: tuple[np.ndarray, ...]) -> None:
    class Full(np.random.Generator):
        def uniform(self, *_: object) -> float:  # type: ignore[override]  # always the same
            return 1.0

    changed = recoloring.covariance(*photographs, Full(np.random.PCG64(0)))
    np.testing.assert_allclose(changed.mean((0, 1)), photographs[1].mean((0, 1)), atol=1e-3)
    np.testing.assert_allclose(np.cov(changed.reshape(-1, 3).T), np.cov(photographs[1].reshape(-1, 3).T), atol=2e-3)


def test_some_samples_are_left_as_they_are(photographs: tuple[np.ndarray, ...]) -> None:
    same = [np.abs(recolor(*photographs, 1.0, np.random.default_rng(s)) - photographs[0]).max() for s in range(150)]
    assert 1 <= sum(change < 1e-6 for change in same) <= 25


def test_samples_repeat_and_hold_what_the_network_sees(cache: Path) -> None:
    series = ObjectSamples(cache, 3).series(12)
    again = ObjectSamples(cache, 3).series(12)
    for one, other in zip(series, again, strict=True):
        assert {name: tuple(x.shape) for name, x in one.items()} == {
            "image": (3, SIDE, SIDE), "source": (3, SIDE, SIDE), "mask": (1, SIDE, SIDE),
            "moments": (MOMENTS, GRID, GRID),
        }  # fmt: skip
        for name, values in one.items():
            assert torch.equal(values, other[name])
            assert name == "moments" or 0 <= values.min() <= values.max() <= 1
        assert one["moments"][0].sum() == pytest.approx(1, abs=1e-3)
        assert 0.02 < one["mask"].mean() < 0.9


def test_the_loss_is_least_for_the_truth_and_counts_every_object_alike() -> None:
    torch.manual_seed(0)
    image = torch.rand(2, 3, SIDE, SIDE) * 0.5 + 0.25
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[0, :, :20, :20], mask[1, :, :100] = 1, 1
    net = Harmonizer(48, 1, 2).requires_grad_(False)
    for head in (net.head_global, net.head_local):
        torch.nn.init.zeros_(head.weight)
    batch = {"image": image, "mask": mask, "moments": torch.zeros(2, MOMENTS, GRID, GRID)}
    same = losses(net, {**batch, "source": image})
    off = losses(net, {**batch, "source": image + 0.1})
    assert float(same["l2"]) < 1e-8
    assert float(off["l2"]) == pytest.approx(0.01, rel=1e-3)
    assert same["loss"] < off["loss"]


def test_a_subject_networks_encoder_is_taken(tmp_path: Path) -> None:
    torch.manual_seed(1)
    subject = SubjectNet()
    save_file(subject.state_dict(), tmp_path / "subject.safetensors")
    net = initial(HarmonizationConfig(out=tmp_path, data=tmp_path, steps=1, init=tmp_path / "subject.safetensors"))
    torch.testing.assert_close(net.stem.weight, subject.encoder.blocks[0][0].weight)
    taken, theirs = net.blocks[-1].state_dict(), subject.encoder.blocks[len(net.blocks)].state_dict()
    assert all(torch.equal(taken[name], theirs[name]) for name in theirs)


def test_weights_of_a_network_that_did_not_see_the_outline_can_be_gone_on_from(tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = Harmonizer().state_dict()
    seen = {name: before[name].shape[1] - 20 for name in ("statistics.0.weight", "cells.weight")}
    older = {name: value for name, value in before.items() if not name.startswith("gate.")}
    older |= {name: before[name][:, :count].contiguous() for name, count in seen.items()}
    save_file(older, tmp_path / "older.safetensors")
    net = initial(HarmonizationConfig(out=tmp_path, data=tmp_path, steps=1, init=tmp_path / "older.safetensors"))
    for name, count in seen.items():
        weight = net.state_dict()[name]
        torch.testing.assert_close(weight[:, :count], before[name][:, :count])
        assert not weight[:, count:].any()


def test_a_run_of_a_few_steps_leaves_weights_and_goes_on(cache: Path, tmp_path: Path) -> None:
    settings = {"out": tmp_path, "data": cache, "batch": 2, "workers": 0, "scored": 4, "lr": 1e-5}
    config = HarmonizationConfig(steps=2, **settings)
    start = HarmonizationEvaluator(held_out_batch(cache, 4)).score(initial(config).eval())
    assert start["ratio"] < 1  # what the outline says counts for something from the start
    first = train(config)
    assert first["ratio"] == pytest.approx(start["ratio"], abs=0.1)  # two small steps from it
    train(HarmonizationConfig(steps=3, resume=True, **settings))
    for name in ("last.pt", "ema.safetensors", "best.safetensors"):
        assert (tmp_path / name).exists()


def test_the_identity_scores_as_the_plain_composite(cache: Path) -> None:
    net = Harmonizer(48, 1, 2).eval().requires_grad_(False)
    for head in (net.head_global, net.head_local):
        torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(net.gate.bias, -20)
    scores = HarmonizationEvaluator(held_out_batch(cache, 6)).score(net)
    assert scores["ratio"] == pytest.approx(1, rel=1e-3)
