"""The style training: losses against hand-made values, the metric, and whole runs in miniature that resume."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.papers.gatys import gram_matrix
from models.training.core.checkpoint import read_settings
from models.training.core.losses import total_variation
from models.training.core.process import Process
from models.training.style import export
from models.training.style.data import read_image, scoring_photos
from models.training.style.losses import gram_loss
from models.training.style.scores import mean_score, painting_grams, score
from models.training.style.steering import Steering
from models.training.style.train import StyleConfig, Styled, StyleTraining, cycle, draw_strengths, style_weights, train
from models.zoo import cards, store
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

from .small import data_folder, small_loss_network

CPU = Process(0, 1, torch.device("cpu"))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two paintings and eight photographs of noise, and a small loss network."""
    monkeypatch.setattr("models.training.style.train.load_loss_network", lambda name, data: small_loss_network())
    rng = np.random.default_rng(0)
    names = [PRESETS[name].file for name in ("wave", "scream")]
    return data_folder(tmp_path, {name: rng.integers(0, 255, (80, 60, 3), np.uint8) for name in names}, 8)


def tiny(data: Path, **changes: Any) -> StyleConfig:
    base = StyleConfig(
        data=data, cache=data / "cache", out=data / "run", styles=("wave", "scream"), steps=6,
        sizes=((0.5, 48), (1.0, 56)), batch=3, width=4, blocks=1, workers=0, score_every=4,
    )  # fmt: skip
    return replace(base, **changes)


def test_gram_matrix_is_the_mean_product_of_channels() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 0.0]]]])
    assert gram_matrix(features)[0].tolist() == [[2.5, 1.5], [1.5, 4.5]]


def test_gram_loss_is_relative_and_summed_over_taps() -> None:
    features = {1: torch.full((1, 1, 2, 2), 2.0), 4: torch.full((1, 1, 1, 1), 3.0)}
    targets = {1: torch.tensor([[[2.0]]]), 4: torch.tensor([[[9.0]]])}
    assert gram_loss(features, targets).tolist() == [1.0]  # (4 - 2)^2 / 2^2 at the first, none at the second
    scaled = {tap: 10 * f for tap, f in features.items()}
    assert gram_loss(scaled, {tap: 100 * g for tap, g in targets.items()}).item() == pytest.approx(1.0)


def test_content_loss_is_relative_to_the_photograph() -> None:
    network = small_loss_network()
    photo = {3: torch.tensor([[[[3.0, 4.0]]]])}
    result = {3: torch.tensor([[[[3.0, 9.0]]]])}
    assert network.content_loss(result, photo).item() == pytest.approx(25 / 25)
    assert network.content_loss(photo, photo).item() == 0


def test_total_variation_counts_steps_both_ways() -> None:
    image = torch.zeros(1, 1, 2, 2)
    image[0, 0, 0, 0] = 1
    assert total_variation(image).item() == pytest.approx((1 + 1) / 4)


def test_an_image_scores_zero_against_itself(data: Path) -> None:
    network = small_loss_network()
    grams = painting_grams(network, data / "styles", ("wave", "scream"), torch.device("cpu"))
    painting = torch.from_numpy(read_image(data / "styles" / PRESETS["wave"].file, 384)).permute(2, 0, 1)[None] / 255
    assert gram_loss(network(painting), {tap: g[:1] for tap, g in grams.items()}).item() == pytest.approx(0, abs=1e-9)
    photos = scoring_photos(data / "photos/dev", every=4)
    assert [min(photo.shape[2:]) for photo in photos] == [384, 384]
    net = TransformerNet(TransformerNetConfig((PHOTOGRAPH, "wave", "scream"), 4, 1))
    scores = score(net, network, grams, photos, CPU)
    assert scores[PHOTOGRAPH][1] == 0 and scores["wave"][1] > 0
    assert mean_score(scores)[0] == pytest.approx((scores["wave"][0] + scores["scream"][0]) / 2)


def test_styles_are_dealt_evenly() -> None:
    cards = cycle(5, seed=1)
    drawn = [next(cards) for _ in range(20)]
    assert sorted(drawn) == sorted(list(range(5)) * 4)


def test_strengths_are_mostly_full() -> None:
    strengths = draw_strengths(4000, 0.1, torch.Generator().manual_seed(0))
    assert 0.07 < (strengths == 0).float().mean() < 0.13
    assert 0.77 < (strengths == 1).float().mean() < 0.83
    weights = style_weights(torch.tensor([1, 0]), torch.tensor([1.0, 0.25]), 2)
    assert weights.tolist() == [[0, 0, 1], [0.75, 0.25, 0]]


def test_steering_favors_laggards_and_seeks_the_content_target() -> None:
    steering = Steering(2, 6.0, 1.0, torch.device("cpu"))
    for _ in range(200):
        steering.update(torch.tensor([0.2, 0.6]), torch.tensor([1.0, 1.0]), 1.5, 0.5)
    light, heavy = steering.weights().tolist()
    assert heavy > 2 * light
    assert steering.gram_weight < 4  # content loss above its target: style must give way
    for _ in range(400):
        steering.update(torch.tensor([0.2, 0.6]), torch.tensor([1.0, 1.0]), 0.5, 0.5)
    assert steering.gram_weight > 6


def test_a_run_learns_scores_and_exports(data: Path) -> None:
    config = tiny(data)
    scores = train(config)
    assert 0 < scores["gram"] <= scores["worst"]
    settings = read_settings(config.out / "best.safetensors")
    assert settings == {"styles": [PHOTOGRAPH, "wave", "scream"], "width": 4, "blocks": 1}
    with safe_open(config.out / "best.safetensors", "pt") as file:
        assert file.get_tensor("codes").dtype == torch.float16
    with (config.out / "scores.csv").open() as rows:
        assert {"gram", "content", "wave", "scream"} <= set(next(csv.DictReader(rows)))


def test_an_interrupted_run_goes_on_where_it_was(data: Path) -> None:
    train(tiny(data))
    before = torch.load(data / "run" / "last.pt", weights_only=True)
    resumed = StyleTraining(tiny(data, steps=8, resume=True))
    assert torch.equal(before["net"]["codes"], resumed.loop.net.codes)
    assert resumed.steering.gram_weight == before["steering"]["gram_weight"]
    train(tiny(data, steps=8, resume=True))
    after = torch.load(data / "run" / "last.pt", weights_only=True)
    assert (before["step"], after["step"]) == (6, 8)
    assert after["elapsed"] > before["elapsed"]
    assert not torch.equal(before["net"]["codes"], after["net"]["codes"])


def test_the_loss_falls(data: Path) -> None:
    """Thirty steps on two styles halve the Gram loss of a network that started at random."""
    torch.manual_seed(0)
    run = StyleTraining(tiny(data, steps=30))
    net, seen = Styled(run.loop.net), []
    photo = torch.rand(4, 3, 48, 48)

    def gram() -> float:
        chosen, grams = torch.tensor([0, 1, 0, 1]), run.grams
        with torch.no_grad():
            found: dict[int, Tensor] = run.loss_network(net(photo, style_weights(chosen, torch.ones(4), 2)))
        return float(gram_loss(found, {tap: g[chosen] for tap, g in grams.items()}).mean())

    seen.append(gram())
    for _ in range(30):
        run.step(photo, torch.tensor([0, 1, 0, 1]), torch.ones(4), 0.1)
    assert gram() < seen[0] / 2


def test_an_exported_run_is_a_bundled_model_with_its_scores(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.style.export.load_loss_network", lambda name, data: small_loss_network())
    for module, folder in ((store, "WEIGHTS"), (cards, "FOLDER")):
        monkeypatch.setattr(module, folder, data)
    train(tiny(data))
    export.export_styles(data / "run" / "ema.safetensors", data, every=4)
    net, card = store.load("styles")
    assert isinstance(net, TransformerNet)
    assert net.config == TransformerNetConfig((PHOTOGRAPH, "wave", "scream"), 4, 1)
    assert card.scores["mean gram"] == pytest.approx(
        (card.scores["wave gram"] + card.scores["scream gram"]) / 2, abs=2e-3
    )
    assert card.scores["photograph content"] == 0
    assert "Hokusai" in card.data and "van Gogh" not in card.data
    image = torch.rand(1, 3, 16, 16)
    again = export.load(data / "run" / "ema.safetensors")
    assert torch.allclose(again(image, again.code({"wave": 1.0})), net(image, net.code({"wave": 1.0})), atol=1e-5)
