"""The sky network: shapes, its size, and its start from MobileNetV2."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from models.networks.sky import SkyNet
from models.training.sky.train import SkyConfig, initial


def test_the_answer_is_a_map_of_the_image() -> None:
    net = SkyNet().eval()
    with torch.no_grad():
        assert net(torch.randn(2, 3, 64, 96)).shape == (2, 1, 64, 96)
    with pytest.raises(ValueError, match="multiples of 32"):
        net(torch.randn(1, 3, 60, 96))
    assert sum(p.numel() for p in net.parameters()) < 3e6


def test_it_starts_from_mobilenets_encoder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    theirs = torchvision.models.mobilenet_v2(weights=None)
    state = {key: value for key, value in theirs.state_dict().items() if value.is_floating_point()}
    save_file(state, tmp_path / "mobilenet.safetensors")
    config = SkyConfig(data=tmp_path, out=tmp_path, steps=1, encoder=tmp_path / "mobilenet.safetensors")
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        mine = initial(config).eval().encoder(image)[-1]
        torch.testing.assert_close(mine, theirs.eval().features[:18](image), atol=1e-4, rtol=1e-3)
