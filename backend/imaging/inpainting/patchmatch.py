"""Nearest patches of one part of an image in another: PatchMatch (Barnes et al. 2009), all pixels at once.

Patches are compared by short descriptors: their leading principal components, and what else the caller knows of a
pixel. A candidate then costs one row of a table. Pixels are flat indices, y * width + x, of one level of an image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STEPS = (4, 2, 1)  # from how far a sweep takes over its neighbors' patches, in pixels, the last sweep being the last
DIRECTIONS = ((0, -1), (-1, 0), (0, 1), (1, 0))
MARGIN = max(STEPS)  # pixels around a level in a table of its targets
BLOCK = 1 << 15  # patches cut out at once
Poll = Callable[[], None]  # called every few milliseconds of work; may raise to stop it


def cut(image: Tensor, pixels: Tensor, side: int) -> Tensor:
    """Patches of an H x W x C image around N pixels that are at least side // 2 away from its border, N x (side² C),
    as a view that is copied where it is used."""
    height, width, channels = image.shape
    windows = image.contiguous().as_strided(
        (height - side + 1, width - side + 1, side, side * channels), (width * channels, channels, width * channels, 1)
    )
    half = side // 2
    return windows[pixels // width - half, pixels % width - half].flatten(1)


class Descriptor:
    """The projection of patches onto their principal components: squared distances stay nearly what they were."""

    def __init__(self, image: Tensor, sample: Tensor, side: int, components: int) -> None:
        """image: H x W x C; sample: pixels whose patches are typical of it."""
        self.side = side
        found = cut(image, sample, side)
        covariance = torch.cov(found.T).cpu() + 1e-8 * torch.eye(found.shape[1])
        _, vectors = torch.linalg.eigh(covariance)  # on the CPU: not every device can
        self.basis = vectors[:, -components:].contiguous().to(found.device)

    def __call__(self, image: Tensor, context: Tensor, pixels: Tensor, poll: Poll = lambda: None) -> Tensor:
        """Descriptors of N pixels. context: N x E, what of them is compared besides the patch, scaled to count as much
        as side * its squared differences."""
        blocks = []
        for part in torch.split(pixels, BLOCK):
            poll()
            blocks.append(cut(image, part, self.side) @ self.basis)
        return torch.cat([torch.cat(blocks), context * self.side], 1)


@dataclass
class Sources:
    """Where patches may come from: the pixels, their descriptors, and each pixel's row among them (-1 without)."""

    pixels: Tensor  # N
    rows: Tensor  # N x D
    row_of: Tensor  # H W
    penalty: Tensor  # N, what each costs besides its distance

    @classmethod
    def of(cls, pixels: Tensor, rows: Tensor, size: int) -> Sources:
        """size: H W."""
        row_of = torch.full((size,), -1, dtype=torch.int32, device=pixels.device)
        row_of[pixels] = torch.arange(len(pixels), dtype=torch.int32, device=pixels.device)
        return cls(pixels, rows, row_of, torch.zeros(len(pixels), device=pixels.device))

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """So many of the pixels, by chance."""
        return self.pixels[torch.randint(0, len(self.pixels), (count,), generator=rng, device=self.pixels.device)]


class NearestNeighborField:
    """A nearest-neighbor field (NNF): for each target pixel the source pixel with the most similar patch.

    targets: N pixels; source_indices: N source pixels to start from; width, height: of the level. No patch of a source
    crosses the border by `margin` pixels or less, which is why candidates need no test for it.
    """

    def __init__(self, targets: Tensor, source_indices: Tensor, width: int, height: int) -> None:
        self.targets, self.source_indices, self.width, self.height = targets, source_indices, width, height
        self._stride = width + 2 * MARGIN
        self.costs = torch.full((len(targets),), torch.inf, device=targets.device)
        self._number = torch.full(((height + 2 * MARGIN) * self._stride,), -1, device=targets.device)
        self._table_indices = self.table_indices(targets)
        self._number[self._table_indices] = torch.arange(len(targets), device=targets.device)
        self._neighbors = {(dy, dx): self.neighbors(dy, dx) for dy, dx in self._moves(len(STEPS))}
        # where each target's patch comes from, relative to it; the last one is that of a neighbor that is no target
        self._offsets = torch.cat([source_indices - targets, torch.full_like(targets[:1], width * height)])
        adjacent = torch.stack([self._neighbors[move] for move in DIRECTIONS], 1)
        self._adjacent = torch.where(adjacent < 0, len(targets), adjacent)  # N x 4

    def table_indices(self, pixels: Tensor) -> Tensor:
        """Where pixels lie in the table of targets, which has a margin around the level."""
        return (pixels // self.width + MARGIN) * self._stride + pixels % self.width + MARGIN

    def neighbors(self, dy: int, dx: int, table_indices: Tensor | None = None) -> Tensor:
        """Number of the target at that offset, MARGIN at most, from each place (default: the targets'); -1: none."""
        table_indices = self._table_indices if table_indices is None else table_indices
        return self._number.index_select(0, table_indices + (dy * self._stride + dx))

    def map(self) -> Tensor:
        """The source indices as H x W, -1 where there is no target."""
        dense = torch.full((self.height * self.width,), -1, device=self.targets.device)
        dense[self.targets] = self.source_indices
        return dense.view(self.height, self.width)

    @staticmethod
    def _moves(sweeps: int) -> list[tuple[int, int]]:
        return [(dy * step, dx * step) for step in STEPS[len(STEPS) - sweeps :] for dy, dx in DIRECTIONS]

    def search(
        self,
        sources: Sources,
        wanted: Tensor,
        sweeps: int,
        radius: float,
        rng: torch.Generator,
        poll: Poll = lambda: None,
        coherence: float = 0.0,
    ) -> None:
        """Improve the field by propagation and random search (Barnes et al. 2009).

        Each sweep takes over what suits from the neighbors, then tries random positions in circles around the best one,
        from `radius` down to one pixel, a third of it at a time. Leaves the distances without penalties in `costs`.

        Args:
            sources: what may be found.
            wanted: the targets' descriptors, N x D.
            sweeps: 1 to 3.
            radius: of the widest circle, in pixels.
            rng: of the random positions.
            poll: called before each candidate.
            coherence: price of each of the four neighbors whose patch comes from elsewhere.
        """
        self.costs = _price(sources, sources.row_of[self.source_indices], wanted)
        for sweep in range(sweeps):
            for move in self._moves(sweeps)[4 * sweep : 4 * sweep + 4]:
                poll()
                near = self._neighbors[move]
                source_index = self.source_indices[near.clamp(min=0)] - (move[0] * self.width + move[1])
                self._consider(sources, wanted, source_index, near >= 0, coherence)
            reach = radius
            while reach >= 1:
                poll()
                jump = torch.rand(2, len(self.targets), generator=rng, device=wanted.device).mul_(2 * reach).sub_(reach)
                dy, dx = jump.round_().long()
                x = self.source_indices % self.width + dx
                source_index = self.source_indices + dy * self.width + dx
                self._consider(sources, wanted, source_index, (x >= 0) & (x < self.width), coherence)
                reach /= 3
        self.costs -= sources.penalty[sources.row_of[self.source_indices]]

    def _consider(
        self, sources: Sources, wanted: Tensor, source_index: Tensor, valid: Tensor, coherence: float
    ) -> None:
        # what lies outside of the level becomes a corner, and no patch around a corner is whole
        row = sources.row_of.index_select(0, source_index.clamp(0, self.height * self.width - 1))
        chosen = (valid & (row >= 0) & (source_index != self.source_indices)).nonzero()[:, 0]
        source_index, row = source_index[chosen], row[chosen]
        price = _price(sources, row, wanted[chosen])
        offset = source_index - self.targets[chosen]
        limit = self.costs[chosen]
        if coherence:
            limit += coherence * self._nearer(chosen, offset)
        better = price < limit
        chosen, source_index = chosen[better], source_index[better]
        self.source_indices[chosen], self.costs[chosen] = source_index, price[better]
        self._offsets[chosen] = offset[better]

    def _nearer(self, chosen: Tensor, offset: Tensor) -> Tensor:
        """With how many more of their four neighbors some targets would share the offset than they do now."""
        neighbors = self._adjacent.index_select(0, chosen).view(-1)
        adjacent = self._offsets.index_select(0, neighbors).view(-1, len(DIRECTIONS))
        now = self._offsets.index_select(0, chosen)
        return (adjacent == offset[:, None]).sum(1) - (adjacent == now[:, None]).sum(1)


def _price(sources: Sources, row: Tensor, wanted: Tensor) -> Tensor:
    """Squared distance of descriptors, and the penalty; infinite for row -1."""
    safe = row.clamp(min=0)
    difference = sources.rows.index_select(0, safe).sub_(wanted)
    price = difference.square_().sum(1).add_(sources.penalty.index_select(0, safe))
    return price.masked_fill_(row < 0, torch.inf)
