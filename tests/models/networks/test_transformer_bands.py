"""The network in bands, kept in memory or in files, answers as the network on the whole image does."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from skimage import data
from torch import Tensor

from models.networks import transformer_bands
from models.networks.transformer_bands import BandedNet
from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.zoo import store


@pytest.fixture
def net() -> TransformerNet:
    torch.manual_seed(0)
    net = TransformerNet(TransformerNetConfig(("photograph", "wave"), 8, 3)).requires_grad_(False).eval()
    net.codes += 0.3 * torch.randn(net.codes.shape)
    return net


def noise(height: int, width: int) -> Tensor:
    """Noise at several scales, dark on the right."""
    torch.manual_seed(1)
    parts = [
        torch.nn.functional.interpolate(torch.rand(1, 3, height // s, width // s), (height, width), mode="bilinear")
        for s in (1, 4, 20)
    ]
    image = sum(parts, torch.zeros(())) / 3
    image[..., width // 2 :] *= 0.5
    return image


def collect(image: Tensor) -> tuple[Tensor, Callable[[int, Tensor], None]]:
    out = torch.full_like(image, -1)

    def write(top: int, rows: Tensor) -> None:
        out[:, :, top : top + rows.shape[2]] = rows

    return out, write


@pytest.mark.parametrize(("band", "lean"), [(1 << 30, False), (4096, False), (1, False), (4096, True)])
def test_bands_give_what_the_whole_gives(
    net: TransformerNet, band: int, lean: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformer_bands, "BAND", band)
    image, code = noise(212, 100), net.code({"wave": 0.7, "photograph": 0.3})
    out, write = collect(image)
    fractions: list[float] = []
    banded = BandedNet(net, code, fractions.append)
    banded.run(lambda top, bottom: image[:, :, top:bottom], 212, 100, write, lean=lean)
    difference = (out - net(image, code)).abs()
    assert difference.mean() < 0.1 / 255
    assert difference.max() < 2 / 255
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


@pytest.mark.parametrize(("precision", "limit"), [(torch.float32, 0.02), (torch.bfloat16, 0.4)])
@pytest.mark.parametrize("lean", [False, True])
def test_files_hold_what_memory_holds(
    net: TransformerNet,
    lean: bool,
    precision: torch.dtype,
    limit: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But for the convolutions' rounding, which goes by how numbers lie in memory."""
    monkeypatch.setattr(transformer_bands, "BAND", 4096)
    image, code = noise(212, 100), net.code({"wave": 1.0})
    results = []
    for folder in (None, tmp_path):
        out, write = collect(image)
        banded = BandedNet(net, code, precision=precision, folder=folder)
        banded.run(lambda top, bottom: image[:, :, top:bottom], 212, 100, write, lean=lean)
        results.append(out)
    difference = (results[1] - results[0]).abs()
    assert difference.mean() < limit / 255
    assert difference.max() < 25 * limit / 255
    assert not list(tmp_path.iterdir())


def test_what_step_raises_stops_the_work(net: TransformerNet) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BandedNet(net, net.code({"wave": 1.0}), stop).run(
            lambda top, bottom: torch.rand(1, 3, bottom - top, 32), 32, 32, lambda top, rows: None
        )


@pytest.mark.parametrize("style", ["photograph", "wave", "olives"])
def test_bfloat16_gives_next_to_the_same(style: str) -> None:
    """The bundled network on a photograph, its face and a smooth background."""
    net, _ = store.load("styles", "cpu")
    image = torch.from_numpy(data.astronaut()[:256, 64:320]).permute(2, 0, 1)[None] / 255
    results = []
    for precision in (torch.float32, torch.bfloat16):
        out, write = collect(image)
        banded = BandedNet(net, net.code({style: 1.0}), precision=precision)
        banded.run(lambda top, bottom: image[:, :, top:bottom], 256, 256, write)
        results.append(out)
    difference = results[1] - results[0]
    assert difference.abs().mean() < 0.4 / 255
    assert difference.abs().max() < 20 / 255
    assert difference.mean().abs() < 0.05 / 255  # nothing gets lighter or darker
