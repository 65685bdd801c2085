"""The network in bands and slabs answers as the network on the whole picture does."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from skimage import data
from torch import Tensor

from models import store, transformer_bands
from models.transformer_bands import REACH, BandedNet, slabs
from models.transformer_net import TransformerNet, TransformerNetConfig


@pytest.fixture
def net() -> TransformerNet:
    torch.manual_seed(0)
    net = TransformerNet(TransformerNetConfig(("photograph", "wave"), 8, 3)).requires_grad_(False).eval()
    net.codes += 0.3 * torch.randn(net.codes.shape)
    return net


def picture(height: int, width: int) -> Tensor:
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
    image, code = picture(212, 100), net.code({"wave": 0.7, "photograph": 0.3})
    out, write = collect(image)
    fractions: list[float] = []
    banded = BandedNet(net, code, fractions.append)
    banded.run(lambda top, bottom: image[:, :, top:bottom], 212, 100, write, lean=lean)
    difference = (out - net(image, code)).abs()
    assert difference.mean() < 0.1 / 255
    assert difference.max() < 2 / 255
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


def test_slabs_with_the_statistics_of_the_whole_show_no_seam(net: TransformerNet) -> None:
    height, width = 1200, 64
    image, code = picture(height, width), net.code({"wave": 1.0})
    whole, write = collect(image)
    banded = BandedNet(net, code)
    statistics = banded.run(lambda top, bottom: image[:, :, top:bottom], height, width, write)
    pieces = torch.zeros_like(image)
    cuts = list(slabs(height, width, 1))
    assert len(cuts) > 2
    for first, top, bottom, last in cuts:
        part, write_part = collect(image[:, :, first:last])
        banded.run(
            lambda a, b, first=first: image[:, :, first + a : first + b], last - first, width, write_part, statistics
        )
        pieces[:, :, top:bottom] = part[:, :, top - first : bottom - first]
    difference = (pieces - whole).abs()
    assert difference.mean() < 0.1 / 255
    assert difference.max() < 3 / 255


def test_slabs_cover_every_row_once() -> None:
    cuts = list(slabs(5000, 1000, 1_000_000))
    assert cuts[0][1] == 0 and cuts[-1][2] == 5000
    assert all(before[2] == after[1] for before, after in pairwise(cuts))
    assert all(top - first in (0, REACH) and (last - first) * 1000 < 1_100_000 for first, top, _, last in cuts)


def test_what_step_raises_stops_the_work(net: TransformerNet) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BandedNet(net, net.code({"wave": 1.0}), stop).run(
            lambda top, bottom: torch.rand(1, 3, bottom - top, 32), 32, 32, None
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
