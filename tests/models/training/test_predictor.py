"""Training of the style predictor: its style pictures, its start, its losses, and a run in miniature that resumes."""

from __future__ import annotations

import csv
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from models.networks.feature_net import FeatureNet
from models.networks.style_predictor import AnyStyle, AnyStyleConfig
from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.training.core import loop
from models.training.core.loop import export
from models.training.features.export import export_any_style, export_features
from models.training.style import predictor
from models.training.style.predictor import Settings, initial, losses, paintings, train
from models.training.style.predictor_data import StylePictures, matched, recolored
from models.training.style.train import export as export_styles
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


def tiny(data: Path, **changes: object) -> Settings:
    base = Settings(
        data, data / "cache", data / "run", steps=10, network=TINY, sizes=((0.5, 40), (1.0, 48)), batch=2, bf16=False,
        workers=0,
    )  # fmt: skip
    return Settings(**(vars(base) | changes))


def test_style_pictures_are_paintings_in_many_colors_and_photographs(data: Path) -> None:
    pictures = list(islice(StylePictures(paintings(tiny(data)), data / "cache", 32, 0), 40))
    assert all(picture.shape == (3, 32, 32) and picture.dtype == torch.uint8 for picture in pictures)
    means = torch.stack([picture.float().mean((1, 2)) for picture in pictures])
    assert float(means.std(0).min()) > 15
    again = next(iter(StylePictures(paintings(tiny(data)), data / "cache", 32, 0)))
    assert torch.equal(again, pictures[0])
    with pytest.raises(ValueError, match="no paintings"):
        StylePictures([], data / "cache", 32, 0)


def test_recoloring_keeps_the_strokes() -> None:
    rng = np.random.default_rng(0)
    stripes = np.where((np.arange(48) // 4 % 2)[None, :, None], [200, 80, 30], [20, 60, 120])
    picture = np.broadcast_to(stripes, (48, 48, 3)).astype(np.uint8)
    other = rng.integers(100, 140, (48, 48, 3), np.uint8)
    for _ in range(6):
        changed = recolored(picture, other, rng).astype(float)
        assert np.abs(np.diff(changed, axis=0)).max() <= 1
        assert np.abs(np.diff(changed, axis=1)[:, 3::4]).max() > 8
    like = matched(picture, other)
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
    export_styles(styles, data / "styles.safetensors", {})
    net = initial(tiny(data, start=data / "styles.safetensors"))
    torch.testing.assert_close(net.net.codes, styles.codes[:1], atol=1e-2, rtol=0)
    torch.testing.assert_close(net.base, styles.codes[1:].mean(0, keepdim=True), atol=1e-2, rtol=0)
    torch.testing.assert_close(net.net.out.conv.weight, styles.out.conv.weight, atol=1e-2, rtol=0)


def test_at_strength_0_the_photograph_is_asked_for(data: Path) -> None:
    class Same(nn.Module):
        def forward(self, image: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
            return image

    photo, style = torch.rand(2, 3, 48, 48), torch.rand(2, 3, 48, 48)
    found = losses(Same(), small_loss_network(), photo, style, torch.zeros(2), tiny(data))
    assert float(found["loss"]) == pytest.approx(0, abs=1e-6)
    styled = losses(Same(), small_loss_network(), photo, style, torch.ones(2), tiny(data))
    assert float(styled["loss"]) > 0
    assert float(styled["content"]) == 0


def test_a_tiny_run_learns_and_resumes(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 10)
    settings = tiny(data, held_out=("lying",), rate=3e-3)
    first = train(settings)
    again = train(tiny(data, held_out=("lying",), rate=3e-3, steps=20, resume=True, bf16=True))
    assert set(first) == set(again) == {"gram", "content"}
    with (settings.out / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["step"] for row in rows] == ["10", "20"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    state = load_file(settings.out / "any_style.safetensors")
    net = AnyStyle(TINY)
    net.load_state_dict({name: value.float() for name, value in state.items()})

    with safe_open(settings.out / "any_style.safetensors", "pt") as file:
        assert json.loads(file.metadata()["held_out"]) == ["lying"]
        assert file.metadata()["width"] == "4"


def test_a_run_becomes_a_card_and_weights_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    for net, name, export_one, scores in (
        (AnyStyle(TINY), "any_style", export_any_style, "step,gram,content\n20,0.5,1.25\n"),
        (FeatureNet(1 / 8), "features", export_features, "step,learned,gram\n20,0.75,0.1\n"),
    ):
        run = tmp_path / f"run_{name}"
        run.mkdir()
        (run / "scores.csv").write_text(scores)
        settings = vars(TINY) if name == "any_style" else {"width": 1 / 8}
        facts = {key: str(value) for key, value in settings.items()}
        export(net, run / f"{name}.safetensors", metadata=facts | {"held_out": '["lying"]'})
        export_one(run / f"{name}.safetensors")
        loaded, card = store.load(name)
        assert type(loaded) is type(net)
        assert card.scores["gram"] in (0.5, 0.1)
    assert "Not learned: lying." in (tmp_path / "any_style.toml").read_text()
