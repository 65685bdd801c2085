"""PatchMatch against an exhaustive search."""

from __future__ import annotations

import numpy as np
import torch

from backend.imaging.inpainting.patchmatch import Descriptor, NearestNeighborField, Sources, cut

SIDE, HALF = 5, 2


def scene(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An image whose right third repeats its left third, and the pixels that hold whole patches."""
    rng = torch.Generator().manual_seed(3)
    image = torch.rand(height, width, 3, generator=rng)
    image[:, -width // 3 :] = image[:, : width // 3]
    inner = torch.zeros(height, width, dtype=torch.bool)
    inner[HALF:-HALF, HALF:-HALF] = True
    return image, inner


def test_a_patch_is_what_lies_around_its_pixel() -> None:
    image, _ = scene(12, 15)
    (patch,) = cut(image, torch.tensor([4 * 15 + 7]), SIDE)
    assert torch.equal(patch.view(SIDE, SIDE, 3), image[2:7, 5:10])


def test_descriptors_with_all_components_keep_distances() -> None:
    image, inner = scene(20, 24)
    pixels = inner.flatten().nonzero()[:, 0]
    describe = Descriptor(image, pixels, SIDE, SIDE * SIDE * 3)
    rows = describe(image, torch.zeros(50, 0), pixels[:50])
    patches = cut(image, pixels[:50], SIDE)
    torch.testing.assert_close((rows[:25] - rows[25:]).norm(dim=1), (patches[:25] - patches[25:]).norm(dim=1))


def test_the_search_finds_the_repetition() -> None:
    height, width = 36, 60
    image, inner = scene(height, width)
    left = inner.clone()
    left[:, width // 3 - HALF :] = False
    right = inner.clone()
    right[:, : -width // 3 + HALF] = False
    sources, targets = (mask.flatten().nonzero()[:, 0] for mask in (left, right))
    describe = Descriptor(image, sources, SIDE, 30)
    rng = torch.Generator().manual_seed(0)
    table = Sources.of(sources, describe(image, torch.zeros(len(sources), 0), sources), height * width)
    field = NearestNeighborField(targets, table.draw(len(targets), rng), width, height)
    wanted = describe(image, torch.zeros(len(targets), 0), targets)
    for _ in range(6):
        before = field.costs.clone()
        field.search(table, wanted, 3, float(width), rng)
        assert (field.costs <= before).all()
    exact = torch.cdist(wanted, table.rows).argmin(1)
    assert (field.source_indices == sources[exact]).float().mean() > 0.98
    assert torch.equal(field.map().flatten()[targets], field.source_indices)
    assert int((field.map() >= 0).sum()) == len(targets)


def test_origins_never_leave_the_sources() -> None:
    image, inner = scene(20, 24)
    allowed = inner & (torch.arange(24) % 3 > 0)
    sources = allowed.flatten().nonzero()[:, 0]
    describe = Descriptor(image, sources, SIDE, 10)
    rng = torch.Generator().manual_seed(0)
    table = Sources.of(sources, describe(image, torch.zeros(len(sources), 0), sources), 20 * 24)
    targets = inner.flatten().nonzero()[:, 0]
    field = NearestNeighborField(targets, table.draw(len(targets), rng), 24, 20)
    field.search(table, describe(image, torch.zeros(len(targets), 0), targets), 3, 24.0, rng)
    assert np.isin(field.source_indices.numpy(), sources.numpy()).all()


def test_a_source_reuse_penalty_keeps_the_search_away_and_does_not_count_as_distance() -> None:
    image, inner = scene(20, 24)
    sources = inner.flatten().nonzero()[:, 0]
    describe = Descriptor(image, sources, SIDE, 10)
    rng = torch.Generator().manual_seed(0)
    table = Sources.of(sources, describe(image, torch.zeros(len(sources), 0), sources), 20 * 24)
    table.penalty = torch.where(sources % 24 < 12, 1e6, 0.0)
    field = NearestNeighborField(sources, table.draw(len(sources), rng), 24, 20)
    for _ in range(4):
        field.search(table, table.rows, 3, 24.0, rng)
    assert (field.source_indices % 24 >= 12).all()
    distances = (table.rows - table.rows[table.row_of[field.source_indices]]).square().sum(1)
    torch.testing.assert_close(field.costs, distances)


def test_coherence_makes_patches_hang_together() -> None:
    """In noise nothing fits well, so that every pixel would take its patch from somewhere else."""
    rng = torch.Generator().manual_seed(1)
    image, other = torch.rand(2, 40, 42, 3, generator=rng)
    _, inner = scene(40, 42)
    pixels = inner.flatten().nonzero()[:, 0]
    describe = Descriptor(image, pixels, SIDE, 10)
    table = Sources.of(pixels, describe(image, torch.zeros(len(pixels), 0), pixels), 40 * 42)
    wanted = describe(other, torch.zeros(len(pixels), 0), pixels)
    together, distance = [], []
    for coherence in (0.0, 0.2, 1.0):
        field = NearestNeighborField(pixels, table.draw(len(pixels), torch.Generator().manual_seed(2)), 42, 40)
        for _ in range(4):
            field.search(table, wanted, 3, 40.0, torch.Generator().manual_seed(3), coherence=coherence)
        offsets = field.map() - torch.arange(40 * 42).view(40, 42)
        together.append(float((offsets.diff(dim=1) == 0)[inner[:, 1:]].float().mean()))
        distance.append(float(field.costs.mean()))
    assert together[0] + 0.1 < together[1] < together[2]
    assert distance == sorted(distance)
