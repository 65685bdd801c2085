"""Training of the style predictor: its style images, its start, its losses, and a run in miniature that resumes."""

from __future__ import annotations

import csv
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.networks.feature_net import FeatureNet
from models.networks.style_predictor import AnyStyle, AnyStyleConfig
from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.papers.gatys import gram_matrix
from models.training.core.checkpoint import export, read_settings
from models.training.features.export import export_any_style, export_features
from models.training.style import predictor
from models.training.style.predictor import PredictorConfig, initial, losses, paintings, train
from models.training.style.predictor_data import StyleImages, matched, recolored
from models.training.style.train import shifted_features
from models.zoo import cards, store
from models.zoo.style_presets import PHOTOGRAPH

from .small import data_folder, small_loss_network

TINY = AnyStyleConfig(4, 1, 1 / 8, 10)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two paintings of stripes and four blotchy photographs, and a small loss network."""
    monkeypatch.setattr(predictor, "load_loss_network", lambda name, data: small_loss_network())
    stripes = [(np.arange(80) // width % 2)[:, None, None] * np.uint8([250, 120, 30]) for width in (3, 4)]
    paintings = [np.ascontiguousarray(np.broadcast_to(rows, (80, 80, 3))) for rows in stripes]
    return data_folder(tmp_path, dict(zip(("upright.jpg", "lying.jpg"), paintings, strict=True)), 4)


def tiny(data: Path, **changes: Any) -> PredictorConfig:
    base = PredictorConfig(
        data=data, cache=data / "cache", out=data / "run", steps=20, network=TINY, sizes=((0.5, 40), (1.0, 48)),
        batch=2, workers=0,
    )  # fmt: skip
    return replace(base, **changes)


def test_style_images_are_paintings_in_many_colors_and_photographs(data: Path) -> None:
    images = list(islice(StyleImages(paintings(tiny(data)), data / "cache", 32, 0), 40))
    assert all(image.shape == (3, 32, 32) and image.dtype == torch.uint8 for image in images)
    means = torch.stack([image.float().mean((1, 2)) for image in images])
    assert float(means.std(0).min()) > 15
    again = next(iter(StyleImages(paintings(tiny(data)), data / "cache", 32, 0)))
    assert torch.equal(again, images[0])
    with pytest.raises(ValueError, match="no paintings"):
        StyleImages([], data / "cache", 32, 0)


def test_recoloring_keeps_the_strokes() -> None:
    rng = np.random.default_rng(0)
    stripes = np.where((np.arange(48) // 4 % 2)[None, :, None], [200, 80, 30], [20, 60, 120])
    image = np.broadcast_to(stripes, (48, 48, 3)).astype(np.uint8)
    other = rng.integers(100, 140, (48, 48, 3), np.uint8)
    for _ in range(6):
        changed = recolored(image, other, rng).astype(float)
        assert np.abs(np.diff(changed, axis=0)).max() <= 1
        assert np.abs(np.diff(changed, axis=1)[:, 3::4]).max() > 8
    like = matched(image, other)
    assert np.abs(like.mean((0, 1)) - other.mean((0, 1))).max() < 8


def test_paintings_can_be_held_out(data: Path) -> None:
    assert [path.stem for path in paintings(tiny(data, held_out=("lying",)))] == ["upright"]
    with pytest.raises(ValueError, match="standing"):
        paintings(tiny(data, held_out=("standing",)))


def test_it_starts_as_a_trained_style_network(data: Path) -> None:
    torch.manual_seed(0)
    styles = TransformerNet(TransformerNetConfig((PHOTOGRAPH, "wave", "scream"), 4, 1))
    with torch.no_grad():
        styles.codes.normal_()
    export(styles, data / "styles.safetensors", asdict(styles.config))
    net = initial(tiny(data, init=data / "styles.safetensors"))
    torch.testing.assert_close(net.net.codes, styles.codes[:1], atol=1e-2, rtol=0)
    torch.testing.assert_close(net.base, styles.codes[1:].mean(0, keepdim=True), atol=1e-2, rtol=0)
    torch.testing.assert_close(net.net.out.conv.weight, styles.out.conv.weight, atol=1e-2, rtol=0)


def test_at_strength_0_the_photograph_is_asked_for(data: Path) -> None:
    photo, style, network = torch.rand(2, 3, 48, 48), torch.rand(2, 3, 48, 48), small_loss_network()
    targets = {tap: gram_matrix(x) for tap, x in network(style).items()}

    def of_the_photograph_itself(strength: torch.Tensor) -> dict[str, torch.Tensor]:
        features = shifted_features(network, photo, photo)
        return losses(photo, photo, strength, features, targets, network, tiny(data))

    found = of_the_photograph_itself(torch.zeros(2))
    assert float(found["loss"]) == pytest.approx(0, abs=1e-6)
    styled = of_the_photograph_itself(torch.ones(2))
    assert float(styled["loss"]) > 0
    assert float(styled["content"]) == 0


def test_a_tiny_run_learns_and_resumes(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(data, held_out=("lying",), lr=3e-3)
    first = train(config)
    again = train(replace(config, steps=40, resume=True, bf16=True))
    assert set(first) == set(again) == {"gram", "content"}
    with (config.out / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["step"] for row in rows] == ["20", "40"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    state = load_file(config.out / "ema.safetensors")
    net = AnyStyle(TINY)
    net.load_state_dict({name: value.float() for name, value in state.items()})
    settings = read_settings(config.out / "ema.safetensors")
    assert settings["held_out"] == ["lying"]
    assert settings["width"] == 4


def test_a_run_becomes_a_card_and_weights_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    for net, name, export_one, scores in (
        (AnyStyle(TINY), "any_style", export_any_style, {"gram": 0.5, "content": 1.25}),
        (FeatureNet(1 / 8), "features", export_features, {"learned": 0.75, "gram": 0.1}),
    ):
        run = tmp_path / f"run_{name}"
        run.mkdir()
        settings = {**asdict(TINY), "held_out": ["lying"]} if name == "any_style" else {"width": 1 / 8}
        export(net, run / "ema.safetensors", settings)
        with pytest.raises(ValueError, match="never scored"):
            export_one(run / "ema.safetensors")
        export(net, run / "ema.safetensors", settings, scores)
        export_one(run / "ema.safetensors")
        loaded, card = store.load(name)
        assert type(loaded) is type(net)
        assert card.scores["gram"] in (0.5, 0.1)
    assert "Not learned: lying." in (tmp_path / "any_style.toml").read_text()
