"""A style of one's own: what is learned, from where it starts, pausing and going on, and what it needs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from models.networks.feature_net import FeatureNet
from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.training.style import custom
from models.training.style.custom import LEAST, Settings, learn, nearest, painting_grams, read_photos
from models.zoo import custom_styles
from models.zoo.custom_styles import CustomStyleError
from models.zoo.style_presets import PHOTOGRAPH


def small_network() -> TransformerNet:
    torch.manual_seed(0)
    net = TransformerNet(TransformerNetConfig((PHOTOGRAPH, "wave", "scream"), 4, 1)).requires_grad_(False).eval()
    net.codes[1:] += 0.5 * torch.randn(net.codes[1:].shape)
    return net


def small_features() -> FeatureNet:
    torch.manual_seed(1)
    return FeatureNet(1 / 8).requires_grad_(False)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with a striped painting and photographs; networks with random weights."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "inlay"))
    card = SimpleNamespace(sha256="a" * 64, bundled=True)
    monkeypatch.setattr(custom.store, "find_card", lambda name: card)
    monkeypatch.setattr(custom.store, "load", lambda name, device="cpu": (small_network(), card))
    monkeypatch.setattr(custom.feature_net, "load", lambda device="cpu": small_features())
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(LEAST):
        image = cv2.resize(rng.integers(0, 255, (5, 7, 3), np.uint8), (70, 50))
        cv2.imwrite(str(tmp_path / "photos" / f"{i}.png"), image)
    stripes = (np.arange(60) // 3 % 2)[:, None, None] * np.uint8([250, 120, 30])
    cv2.imwrite(str(tmp_path / "painting.png"), np.ascontiguousarray(np.broadcast_to(stripes, (60, 60, 3))))
    return tmp_path


def settings(own: Path, steps: int = 12) -> Settings:
    return Settings("mine", str(own / "painting.png"), str(own / "photos"), steps, size=32, batch=2)


def test_it_learns_pauses_goes_on_and_becomes_a_style(own: Path) -> None:
    wanted = settings(own)
    wanted.write()
    assert Settings.read("mine") == wanted
    first = list(islice(learn(wanted), 5))
    assert [step.number for step in first] == [1, 2, 3, 4, 5]
    assert first[0].seconds_left > 0
    assert custom_styles.names() == []
    rest = list(learn(wanted))
    assert [step.number for step in rest] == list(range(6, 13))
    assert rest[-1].seconds_left == 0
    assert rest[-1].loss < first[0].loss
    style = custom_styles.read("mine")
    assert style.painting == "painting.png"
    assert style.code.shape == (1, sum(small_network().sizes))


def test_it_starts_from_the_style_that_is_nearest(own: Path) -> None:
    net, features = small_network(), small_features()
    photos = read_photos(own / "photos", 32)
    with torch.no_grad():
        whole = torch.cat([custom.to_tensor(photo[:32, :32]) for photo in photos[:8]], 3)
        painted = net(whole, net.code({"scream": 1.0}))
    image = (painted[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    cv2.imwrite(str(own / "scream.png"), image[..., ::-1])
    code = nearest(net, features, painting_grams(features, own / "scream.png", "cpu"), photos, 32)
    assert torch.equal(code, net.code({"scream": 1.0}))


def test_too_few_photographs_or_no_painting_are_refused(own: Path) -> None:
    (own / "photos" / "0.png").write_bytes(b"no image")
    with pytest.raises(CustomStyleError, match="holds 19 photographs"):
        read_photos(own / "photos", 32)
    with pytest.raises(CustomStyleError, match="holds 0"):
        read_photos(own / "nowhere", 32)
    with pytest.raises(CustomStyleError, match="painting cannot be read"):
        painting_grams(small_features(), own / "photos" / "0.png", "cpu")
    with pytest.raises(CustomStyleError, match="was begun"):
        Settings.read("other")


@pytest.mark.parametrize("size", [(1, 1), (64, 1), (1, 64), (2, 3), (300, 2), (37, 23)])
@pytest.mark.parametrize("what", ["painting", "photos"])
def test_paintings_and_photographs_of_any_size_are_learned_from(what: str, size: tuple[int, int], own: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    for path in [own / "painting.png"] if what == "painting" else (own / "photos").iterdir():
        cv2.imwrite(str(path), pixels)
    assert all(max(photo.shape) <= 4 * 48 for photo in read_photos(own / "photos", 32))
    (step,) = learn(settings(own, 1))
    assert np.isfinite(step.loss)
