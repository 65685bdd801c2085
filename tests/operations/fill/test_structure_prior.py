"""Filling with the network: what it is shown, what becomes of its answer, and what happens where it is not there."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from backend.io.rasters import raster, samples
from backend.operations import Context, OperationError, find
from backend.operations.fill.structure_prior import network, structure_prior
from models.papers.pconv import PConvUNet
from models.zoo import cards, store
from plugin.client.actions import BY_NAME
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

GRAY, RGB = PixelFormat("Y", "u8"), PixelFormat("RGB", "u8")
CARD = 'role = "inpainting"\nbuilder = "pconv_unet"\n'
CARD += 'file = "fill.safetensors"\nsha256 = "{}"\nsize = {}\nlicense = "none"\n'
SETTINGS = "input_size = 64\n[settings]\nwidth = 4\ndepth = 3\nsmooth = true\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where cards and weights are looked for; empty."""
    for module, name in ((store, "WEIGHTS"), (cards, "FOLDER")):
        monkeypatch.setattr(module, name, tmp_path)
    return tmp_path


@pytest.fixture
def blue(folder: Path) -> None:
    """A network that answers with the blue of the smooth fill alone."""
    net = PConvUNet(4, 3, smooth=True)
    with torch.no_grad():
        net.decoder[-1].bias[:2] = -5
    bundle(folder, net)


def bundle(folder: Path, net: PConvUNet) -> None:
    """Put a network where the bundled one is looked for."""
    path = folder / "fill.safetensors"
    save_file({k: v for k, v in net.state_dict().items() if v.is_floating_point()}, path)
    digest = sha256(path.read_bytes()).hexdigest()
    (folder / "fill.toml").write_text(CARD.format(digest, path.stat().st_size) + SETTINGS)


def fill(method: str, width: int = 150, height: int = 100, rows: slice = slice(40, 60)) -> Raster:
    """An image in gray and dark blue with a hole across the line between them, filled."""
    pixels = np.full((height, width, 3), 100, np.uint8)
    pixels[:, : width // 2] = [30, 30, 90]
    pixels[rows, 70:90] = [255, 0, 0]
    hole = raster(np.full((rows.stop - rows.start, 20, 1), 255, np.uint8), GRAY, 70, rows.start)
    action = BY_NAME["fill.selection"]
    settings = action.check({"method": method, "grow": 0, "feather": 0.0})
    (output,) = find(action.name)(
        Job(action.name, settings, {"image": raster(pixels, RGB), "selection": hole}), Context()
    )
    return output.raster


def test_without_weights_the_best_there_is_are_patches_and_the_network_is_refused(folder: Path) -> None:
    assert network(Context()) is None
    assert bytes(fill("auto").data) == bytes(fill("patches").data)
    with pytest.raises(OperationError, match="not on this machine") as raised:
        fill("network")
    assert "Patches" in raised.value.remedy


def test_the_networks_answer_meets_the_outline(folder: Path) -> None:
    bundle(folder, PConvUNet(4, 3, smooth=True))
    found = samples(fill("network"))[..., :3].astype(int)
    assert found.shape == (20, 20, 3)
    for side in (found[:, -1], found[0, 8:]):  # gray goes on
        assert np.abs(side - 100).max() < 20
    assert np.abs(found[:, 0] - [30, 30, 90]).max() < 20


@pytest.mark.usefixtures("blue")
def test_the_best_there_is_are_patches_that_the_network_chose() -> None:
    """Where nothing says at which column the one ends and the other begins."""
    share = {}
    for method in ("patches", "auto"):
        found = samples(fill(method, rows=slice(0, 100)))[..., :3].astype(int)
        blue, gray = ((np.abs(found - color).max(2) < 20).mean() for color in ([30, 30, 90], [100, 100, 100]))
        assert blue + gray > 0.8
        share[method] = blue
    assert share["auto"] > share["patches"] + 0.1


@pytest.mark.usefixtures("blue")
def test_a_hole_is_shown_at_a_size_that_was_learnt() -> None:
    sizes = []
    context = Context()
    found = network(context)
    assert found is not None
    found[0].register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[2:])))
    for side, hole_side in ((400, 20), (400, 120), (2500, 1000), (30, 10)):
        image, hole = np.full((side, side, 3), 0.25, np.float32), np.zeros((side, side), bool)
        hole[side // 3 :, side // 3 :][:hole_side, :hole_side] = True
        answer = structure_prior(image, hole, ~hole, found, context)
        assert answer.shape == image.shape
        assert np.abs(answer[~hole] - 0.25).mean() < 0.02
        assert np.abs(answer[hole].mean(0) - [0, 0, 0.25]).max() < 0.1
    # 20 px as they are with 64 around; the others as the root of 32 * 32
    assert sizes == [(152, 152), (96, 96), (80, 80), (32, 32)]


@pytest.mark.usefixtures("blue")
def test_what_means_nothing_is_not_shown() -> None:
    image, hole = np.full((60, 60, 3), 0.25, np.float32), np.zeros((60, 60), bool)
    hole[20:30, 20:30] = True
    known = ~hole
    known[:, 40:] = False  # transparent
    context = Context()
    found = network(context)
    assert found is not None
    shown = structure_prior(image, hole, known, found, context)
    image[:, 40:] = 1.0
    assert np.abs(structure_prior(image, hole, known, found, context) - shown)[hole].max() < 1e-4
