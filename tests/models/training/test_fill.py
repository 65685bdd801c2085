"""Training of the inpainting network: the loss by its formulas, holes, and a tiny run that learns and resumes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from models.networks.smooth_fill import smooth_fill
from models.papers.pconv import PConvUNet
from models.training.core.cache import write_table
from models.training.core.checkpoint import export
from models.training.core.perceptual import FeatureNetwork, feature_distance
from models.training.fill.data import Cached, Folder, HoleSamples, held_out, random_crop
from models.training.fill.export import export_fill
from models.training.fill.losses import LossWeights, gram, hole_variation, inpainting_losses, weighted
from models.training.fill.masks import LARGEST, HoleShapes, object_shape, strokes
from models.training.fill.train import FillConfig, load, settings_of, train
from models.zoo import cards, store


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with plain images of slopes, discs as objects, and a loss network that was never trained."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for folder in ("photos/train", "photos/dev", "subjects/train/masks", "subjects/dev/masks", "reference"):
        (root / folder).mkdir(parents=True)
    for i in range(6):
        y, x = np.mgrid[:48, :64] / 64
        image = (np.dstack([x, y, (x + y) / 2]) * rng.uniform(0.5, 1) * 255).astype(np.uint8)
        disc = cv2.circle(np.zeros((48, 64), np.uint8), (int(rng.integers(20, 44)), 24), 16, 255, -1)
        for part in ("train", "dev"):
            cv2.imwrite(str(root / "photos" / part / f"{i}.png"), image)
            cv2.imwrite(str(root / "subjects" / part / "masks" / f"{i}.png"), disc)
    torch.manual_seed(0)
    save_file(torchvision.models.squeezenet1_0(weights=None).state_dict(), root / "reference/squeezenet1_0.safetensors")
    return root


def images() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    mask = torch.ones(2, 1, 64, 64)
    mask[:, :, 20:40, 10:50] = 0
    return torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64), mask


def test_the_papers_weights_are_the_defaults() -> None:
    assert list(vars(LossWeights()).values()) == [1, 6, 0.05, 120, 120, 0.1]
    ones = {name: torch.ones(()) for name in vars(LossWeights())}
    assert float(weighted(ones, LossWeights())) == pytest.approx(247.15)


def test_pixel_terms_count_where_they_should(data: Path) -> None:
    output, truth, mask = images()
    net = FeatureNetwork.squeezenet(data / "reference/squeezenet1_0.safetensors")
    losses = inpainting_losses(output, truth, mask, net)
    assert set(losses) == set(vars(LossWeights()))
    error = (output - truth).abs()
    assert float(losses["hole"]) == pytest.approx(float(error[..., 20:40, 10:50].sum()) / error.numel(), rel=1e-4)
    assert float(losses["hole"] + losses["valid"]) == pytest.approx(float(error.mean()), rel=1e-4)
    right_in_hole = inpainting_losses(torch.where(mask > 0, output, truth), truth, mask, net)
    assert float(right_in_hole["style_composed"]) == pytest.approx(0, abs=1e-6)
    assert float(right_in_hole["style_raw"]) > 1e-5
    perfect = inpainting_losses(truth, truth, mask, net)
    assert all(float(value) == pytest.approx(0, abs=1e-6) for name, value in perfect.items() if name != "variation")


def test_an_output_that_is_composed_already_costs_the_same(data: Path) -> None:
    output, truth, mask = images()
    net = FeatureNetwork.squeezenet(data / "reference/squeezenet1_0.safetensors")
    whole = torch.where(mask > 0, truth, output)
    twice, once = (inpainting_losses(whole, truth, mask, net, composes) for composes in (False, True))
    for name, value in twice.items():
        torch.testing.assert_close(once[name], value, msg=name)


def test_the_gram_matrix_is_normalized_by_all_sizes() -> None:
    features = torch.rand(1, 3, 4, 5)
    expected = sum(features[0, 1, y, x] * features[0, 2, y, x] for y in range(4) for x in range(5)) / (3 * 4 * 5)
    assert float(gram(features)[0, 1, 2]) == pytest.approx(float(expected))


def test_variation_looks_at_the_hole_and_a_pixel_around_it() -> None:
    mask = torch.ones(1, 1, 9, 9)
    mask[..., 4, 4] = 0
    image = torch.zeros(1, 3, 9, 9)
    image[..., 0] = 1  # an edge far from it
    assert float(hole_variation(image, mask)) == 0
    image[..., 4, 4] = 1  # four neighbors, three channels
    assert float(hole_variation(image, mask)) == pytest.approx(12 / image.numel())


def test_holes_are_strokes_and_objects_of_bounded_size(data: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = HoleShapes(Folder(data / "subjects/train/masks", masks=True))
    shares = [float(shapes.draw(96, rng).mean()) for _ in range(60)]
    assert 0.005 <= min(shares) < 0.05
    assert 0.15 < max(shares) <= LARGEST
    assert strokes(96, rng).shape == (96, 96)
    disc = cv2.circle(np.zeros((40, 40), np.uint8), (20, 20), 15, 255, -1)
    places = [object_shape(disc, 96, rng) for _ in range(20)]
    assert len({np.argwhere(place).mean(0).round().tobytes() for place in places if place.any()}) > 15


def test_feature_distance_is_zero_for_the_same_and_grows_with_the_change(data: Path) -> None:
    net = FeatureNetwork.squeezenet(data / "reference/squeezenet1_0.safetensors", (1, 3))
    image, other, _ = images()
    near = image.lerp(other, 0.1)
    assert float(feature_distance(net, image, image).max()) == 0
    assert (feature_distance(net, image, near) < feature_distance(net, image, other)).all()


def test_crops_have_the_size_wanted_from_anywhere_of_the_image() -> None:
    rng = np.random.default_rng(0)
    image = np.broadcast_to(np.arange(80, dtype=np.uint8)[:, None, None], (80, 50, 3))
    crops = [random_crop(np.ascontiguousarray(image), 32, rng) for _ in range(40)]
    assert {crop.shape for crop in crops} == {(32, 32, 3)}
    assert min(int(crop.min()) for crop in crops) < 5
    assert max(int(crop.max()) for crop in crops) > 74


def test_samples_come_from_a_cache_as_from_the_folders(data: Path, tmp_path: Path) -> None:
    for folder, name, header in (("photos/train", "photos", "file,kind"), ("subjects", "subjects", "file,mask,kind")):
        (data / folder).mkdir(exist_ok=True)
        rows = [f"{i}.png,photo" if name == "photos" else f"train/masks/{i}.png,train/masks/{i}.png,object"
                for i in range(6)]  # fmt: skip
        (data / folder / "sources.csv").write_text("\n".join([header, *rows]) + "\n")
        write_table(data / folder, tmp_path, name)
    photos, outlines = Cached(tmp_path, "photos"), Cached(tmp_path, "subjects", masks=True)
    assert (photos[2] == Folder(data / "photos/train")[2]).all()
    assert (outlines[2] == Folder(data / "subjects/train/masks", masks=True)[2]).all()
    first = next(iter(HoleSamples(photos, outlines, 32, seed=5)))
    again = next(iter(HoleSamples(photos, outlines, 32, seed=5)))
    assert first["image"].shape == (3, 32, 32)
    assert set(first["mask"].unique().tolist()) == {0, 1}
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_the_scored_holes_take_what_the_comparison_asks_for(data: Path) -> None:
    samples = held_out(Folder(data / "photos/dev"), Folder(data / "subjects/dev/masks", masks=True), 64)
    assert len(samples) == 12
    shares = [1 - float(sample["mask"].float().mean()) for sample in samples]
    assert 0.05 <= min(shares) <= max(shares) <= 0.25


@pytest.mark.parametrize("smooth", [False, True])
def test_a_tiny_run_learns_changes_phase_and_resumes(data: Path, tmp_path: Path, smooth: bool) -> None:
    config = FillConfig(
        data=data, out=tmp_path / "run", steps=40, width=8, depth=3, size=32, batch=4, lr=3e-3, fine_from=0.5,
        workers=0, smooth=smooth, one_cycle=smooth,
    )  # fmt: skip
    scores = train(config)
    assert scores["l1"] < (1.1 * scores["telea_l1"] if smooth else 60)
    train(replace(config, steps=60, resume=True, bf16=True))
    with (config.out / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["step"] for row in rows] == ["20", "40", "60"]
    assert [row["phase"] for row in rows] == ["1", "2", "2"]
    assert float(rows[1]["hole"]) < float(rows[0]["hole"]) or smooth
    with (config.out / "scores.csv").open() as log:
        assert [row["step"] for row in csv.DictReader(log)] == ["40", "60"]
    image, _, mask = images()
    net = load(config.out / "best.safetensors")
    assert (net.width, net.depth, net.smooth) == (8, 3, smooth)
    assert net(image, mask).shape == image.shape


def test_an_exported_network_is_one_of_the_store(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((store, "WEIGHTS"), (cards, "FOLDER")):
        monkeypatch.setattr(module, name, tmp_path)
    torch.manual_seed(0)
    net = PConvUNet(4, 3, smooth=True)
    torch.nn.init.normal_(net.decoder[-1].weight)
    export(net, tmp_path / "run.safetensors", settings_of(net))
    text = export_fill(tmp_path / "run.safetensors", "fill", data, 32)
    found, card = store.load("fill")
    assert card.role == "inpainting"
    assert card.scores["telea_l1"] > 0
    assert "width = 4" in text
    image, _, mask = images()
    torch.testing.assert_close(found(image, mask), net.eval()(image, mask), atol=0.05, rtol=0.05)
    export_fill(tmp_path / "run.safetensors", "fill", data, 32, residual_scale=0.5)
    shrunk, smooth = store.load("fill")[0], smooth_fill(image, mask)
    torch.testing.assert_close(shrunk(image, mask), (smooth + net(image, mask)) / 2, atol=0.05, rtol=0.05)
