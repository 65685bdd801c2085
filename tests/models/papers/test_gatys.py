"""Painting by optimization: the equations, their gradients, the levels, and a loss that falls."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.networks.feature_net import FeatureNet
from models.papers.gatys import (
    STYLE_LAYERS,
    Detail,
    GatysConfig,
    Objective,
    _seen,
    colors_and_differences,
    content_loss,
    gram_matrix,
    levels,
    paint,
    resized,
    shares,
    style_loss,
    suited,
)

TOY = GatysConfig(content_layer="conv2_2", style_layers=("conv1_1", "conv2_1"), steps=12, coarsest=24)


def toy() -> FeatureNet:
    torch.manual_seed(0)
    return FeatureNet(1 / 8).requires_grad_(False)


def images() -> tuple[Tensor, Tensor]:
    """A slope of colors and stripes."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 40), torch.linspace(0, 1, 48), indexing="ij")
    photo = torch.stack([x, y, (x + y) / 2])[None]
    stripes = (torch.arange(36) // 3 % 2).float().expand(1, 3, 30, 36) * torch.tensor([1, 0.6, 0.2]).view(1, 3, 1, 1)
    return photo, stripes.contiguous()


def test_the_gram_matrix_and_the_losses_are_the_papers() -> None:
    torch.manual_seed(0)
    f, p = torch.rand(1, 3, 4, 5), torch.rand(1, 3, 4, 5)
    n, m = 3, 20
    rows, others = f.reshape(n, m), p.reshape(n, m)
    gram = gram_matrix(f)[0]
    for i, j in itertools.product(range(n), repeat=2):
        assert float(gram[i, j]) == pytest.approx(sum(float(rows[i, k] * rows[j, k]) for k in range(m)) / m, rel=1e-5)
    assert float(content_loss(f, p)) == pytest.approx(float(((rows - others) ** 2).sum()) / 2, rel=1e-5)
    a = others @ others.T
    expected = float(((rows @ rows.T - a) ** 2).sum()) / (4 * n**2 * m**2)  # equation 3
    assert float(style_loss(f, a[None] / m)) == pytest.approx(expected, rel=1e-5)


def test_style_does_not_depend_on_how_large_the_painting_is() -> None:
    f = torch.rand(1, 3, 4, 5)
    gram = gram_matrix(f)
    assert float(style_loss(torch.cat([f, f], 3), gram)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("part", [0, 1])
def test_gradients_are_those_of_finite_differences(part: int) -> None:
    net = toy().double()
    photo, painting = (image.double() for image in images())
    objective = Objective(net, photo, painting, TOY)
    image = (0.5 * photo + 0.25).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(image)[part], image)
    step = 1e-5
    for place in [(0, 0, 0, 0), (0, 1, 17, 23), (0, 2, 39, 47)]:
        moved = torch.zeros_like(photo)
        moved[place] = step
        with torch.no_grad():
            slope = (objective(image + moved)[part] - objective(image - moved)[part]) / (2 * step)
        assert float(gradient[place]) == pytest.approx(float(slope), rel=1e-3, abs=1e-9)


def test_losses_are_relative_to_the_images_own() -> None:
    net, (photo, painting) = toy(), images()
    objective = Objective(net, photo, painting, TOY)
    content, style = objective(photo)
    assert float(content) == 0
    assert 0.1 < float(style) < 10
    painting = resized(painting, (40, 48))
    content, style = Objective(net, photo, painting, TOY)(painting)
    assert 0.1 < float(content) < 10
    assert float(style) == pytest.approx(0, abs=1e-9)
    with torch.no_grad():
        for conv in net.trunk.convolutions():
            conv.weight.zero_()
            conv.bias.zero_()
    silent = Objective(net, photo, painting, TOY)  # what a network without any features makes of it
    assert [float(part) for part in silent(photo)] == [0, 0]


@pytest.mark.parametrize("start", ["content", "noise"])
def test_the_loss_falls_at_every_level_and_each_step_shows_an_image(start: str) -> None:
    photo, painting = images()
    steps = list(paint(toy(), photo, painting, replace(TOY, start=start, steps=30)))
    assert [step.number for step in steps] == list(range(1, 31))
    by_level: dict[tuple[int, ...], list[float]] = {}
    for step in steps:
        assert step.total == 30
        assert float(step.image.min()) >= 0 and float(step.image.max()) <= 1
        by_level.setdefault(tuple(step.image.shape[-2:]), []).append(step.loss)
    assert list(by_level) == [(20, 24), (40, 48)]
    coarse, fine = by_level.values()
    assert min(coarse[-5:]) < 0.5 * coarse[0]
    assert min(fine) <= fine[0]
    assert steps[-1].image.shape == photo.shape


def test_whoever_stops_keeps_the_best_image() -> None:
    net, (photo, painting) = toy(), images()
    objective = Objective(net, photo, resized(painting, _seen(painting, (40, 48), 1.0)), TOY)
    losses: list[float] = []
    for step in itertools.islice(paint(net, photo, painting, replace(TOY, coarsest=999)), 8):
        losses.append(step.loss)
    kept = step.image
    with torch.no_grad():
        found = float(objective.total(kept, *objective(kept)))
    assert found == pytest.approx(min(losses), rel=1e-4)


def test_what_was_begun_goes_on() -> None:
    net, (photo, painting) = toy(), images()
    *_, last = paint(net, photo, painting, TOY)
    begun = list(paint(net, photo, painting, replace(TOY, steps=3), last.image))
    assert [step.number for step in begun] == [1, 2, 3]
    assert begun[0].loss <= last.loss * 1.01
    assert begun[0].image.shape == photo.shape


def test_a_step_too_far_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, painting = images()
    call = Objective.__call__
    seen: list[int] = []

    def broken(self: Objective, image: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(1)
        content, style = call(self, image)
        return content, style * float("nan") if len(seen) == 5 else style

    monkeypatch.setattr(Objective, "__call__", broken)
    steps = list(paint(toy(), photo, painting, replace(TOY, coarsest=999, steps=20)))
    assert steps[4].loss != steps[4].loss
    assert steps[-1].loss < 0.8 * steps[0].loss
    assert all(step.image.isfinite().all() for step in steps)


def test_levels_double_and_steps_are_shared_out() -> None:
    assert levels(512, 384, 192) == [(256, 192), (512, 384)]
    assert levels(100, 150, 192) == [(100, 150)]
    assert [max(size) for size in levels(1500, 2000, 192)] == [250, 500, 1000, 2000]
    assert shares(300, 3) == [171, 86, 43]
    assert shares(1, 3) == [0, 0, 1]
    assert all(sum(shares(steps, 4)) == steps and shares(steps, 4)[-1] >= 1 for steps in range(1, 40))


def test_a_paintings_strokes_have_the_size_they_have_beside_the_image() -> None:
    painting = torch.zeros(1, 3, 300, 400)
    assert _seen(painting, (150, 600), 1.0) == (150, 200)
    assert _seen(painting, (150, 600), 2.0) == (300, 400)
    height, width = _seen(torch.zeros(1, 3, 100, 9000), (200, 200), 1.0)
    assert height * width < 4.2 * 200 * 200


def test_averages_where_it_shrinks() -> None:
    checks = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).float().expand(1, 3, 64, 64)
    assert float((resized(checks, (16, 16))[..., 2:-2, 2:-2] - 0.5).abs().max()) < 0.02
    assert resized(checks, (64, 64)) is checks


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="content, noise"):
        GatysConfig(start="painting")
    with pytest.raises(ValueError, match="at least 1"):
        GatysConfig(steps=0)
    assert GatysConfig().style_layers == STYLE_LAYERS
    assert GatysConfig().content_layer == "conv5_2"


def test_detail_tells_noise_from_strokes_of_the_same_contrast() -> None:
    """Noise with the strokes' own mean square differences is farther from them than the strokes moved along."""
    strokes = (torch.arange(64) // 8 % 2).float().expand(1, 3, 64, 64)
    detail = Detail(strokes)
    assert float(detail.loss(strokes)) == 0
    moved = strokes.roll(4, 3)
    noise = (
        torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).mean(1, keepdim=True).expand(1, 3, -1, -1)
    )
    energies = [colors_and_differences(x, 0)[:, 3:].square().mean() for x in (strokes, noise)]
    noise = 0.5 + noise * float(energies[0] / energies[1]) ** 0.5
    assert float(detail.loss(noise)) > 20 * float(detail.loss(moved))


def test_a_slim_network_is_held_to_the_paintings_detail() -> None:
    assert suited(TOY, FeatureNet(1.0)) == TOY
    assert suited(TOY, FeatureNet(0.25)).detail_weight > 0
    photo, painting = (torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    plain, held = (Objective(toy(), photo, painting, replace(TOY, detail_weight=w)) for w in (0.0, 2.0))
    expected = plain.total(photo, *plain(photo)) + TOY.style_weight * 2 * Detail(painting).loss(photo)
    torch.testing.assert_close(held.total(photo, *held(photo)), expected)


def test_the_way_back_through_the_layers_comes_by_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a cancel raises, Python raises: a gradient that is taken in one call would hold it up."""

    class StoppedError(Exception):
        pass

    passed: list[int] = []

    def stop_at_the_third(gradient: Tensor) -> None:
        passed.append(gradient.shape[1])
        if len(passed) == 3:
            raise StoppedError

    monkeypatch.setattr("models.papers.gatys._passed", stop_at_the_third)
    with pytest.raises(StoppedError):
        next(paint(toy(), *images(), TOY))
    assert len(passed) == 3
