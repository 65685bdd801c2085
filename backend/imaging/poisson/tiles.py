"""One level of the adaptive grid: square tiles of cells near the mask's outline.

Tiles are stored as `[..., row, column, tile]` with a ring of one cell around each tile, so that every slice is
contiguous over tiles. Indices into the flattened last three axes carry values between tiles and between levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.imaging.arrays import AnyArray, BoolArray, IndexArray
from backend.imaging.poisson.multigrid import Network

TILE = 16  # cells, even
HALF = TILE // 2
_SIDE = TILE + 2


@dataclass(frozen=True)
class Tiles:
    """Which tiles a level has: their rows and columns in the grid of tiles, and each one's number there (-1: none)."""

    y: IndexArray
    x: IndexArray
    number: IndexArray

    @classmethod
    def where(cls, kept: BoolArray) -> Tiles:
        y, x = np.nonzero(kept)
        number = np.full(kept.shape, -1)
        number[y, x] = np.arange(len(y))
        return cls(y, x, number)

    def __len__(self) -> int:
        return len(self.y)

    def cells(self, ring: int, size: int = TILE) -> tuple[IndexArray, IndexArray]:
        """Rows `[N, size + 2 ring]` and columns of the tiles' cells on the level where a tile has `size` cells."""
        steps = np.arange(-ring, size + ring)
        return self.y[:, None] * size + steps, self.x[:, None] * size + steps

    def paste(self, blocks: AnyArray, into: AnyArray) -> None:
        """Write `[N, size, size, ...]` into the dense `[rows of tiles x size, columns of tiles x size, ...]`."""
        size, (rows, columns) = blocks.shape[1], self.number.shape
        into.reshape(rows, size, columns, size, *into.shape[2:])[self.y, :, self.x] = blocks

    def index_below(self, below: Tiles | None, ring: int) -> Tensor:
        """Flat indices `[T/2 + 2 ring, T/2 + 2 ring, N]` of these tiles' cells on the next coarser level.

        That level has tiles, or (None) is one dense grid with a ring of a cell around all of the tiles here.
        """
        steps = np.arange(1 - ring, 1 + HALF + ring)[:, None]
        if below is None:
            row, column = self.y * HALF + steps, self.x * HALF + steps
            return torch.from_numpy(row[:, None] * (self.number.shape[1] * HALF + 2) + column)
        row, column = self.y % 2 * HALF + steps, self.x % 2 * HALF + steps
        return torch.from_numpy((row[:, None] * _SIDE + column) * len(below) + below.number[self.y // 2, self.x // 2])


def inside(rows: IndexArray, columns: IndexArray, shape: tuple[int, ...]) -> BoolArray:
    """`[N, h, w]`, whether the cells at rows `[N, h]` and columns `[N, w]` are in a grid of that shape."""
    flags: BoolArray = ((rows >= 0) & (rows < shape[0]))[:, :, None] & ((columns >= 0) & (columns < shape[1]))[:, None]
    return flags


def sum_quads(cells: Tensor) -> Tensor:
    """Sums of 2 x 2 cells of tiles, `[..., T, T, N]` to `[..., T/2, T/2, N]`."""
    rows = cells[..., 0::2, :, :] + cells[..., 1::2, :, :]
    return rows[..., 0::2, :] + rows[..., 1::2, :]


def _upsample(window: Tensor) -> Tensor:
    """Bilinear, from `[..., h + 2, w + 2, N]` (with a ring) to `[..., 2h + 2, 2w + 2, N]` (with a ring)."""
    for axis in (-3, -2):
        length = window.shape[axis]
        shape = list(window.shape)
        shape[axis] = 2 * length - 2
        finer = window.new_empty(shape)
        here, there = window.narrow(axis, 0, length - 1), window.narrow(axis, 1, length - 1)
        even, odd = (finer[..., parity::2, :, :] if axis == -3 else finer[..., parity::2, :] for parity in (0, 1))
        torch.lerp(here, there, 0.25, out=even)
        torch.lerp(there, here, 0.25, out=odd)
        window = finer
    return window


class TiledLevel:
    """The tiles of one level with their unknowns `u` and right side `b`, both `[C, T + 2, T + 2, N]`.

    Args:
        tiles: which tiles.
        network: `[N, T + 2, T + 2]`, in the tiles and a ring around them.
        below: the tiles of the next coarser level; None if that one is dense.
        below_shape: rows and columns of the image's cells on the next coarser level.
        channels: C.
    """

    def __init__(
        self, tiles: Tiles, network: Network, below: Tiles | None, below_shape: tuple[int, int], channels: int
    ) -> None:
        area, down, right, diagonal = (
            torch.moveaxis(grid, 0, -1).contiguous()
            for grid in (network.area, network.down, network.right, network.diagonal()[:, 1:-1, 1:-1])
        )
        device = area.device
        active = (area > 0).float()
        self.tiles = tiles
        self._diagonal = diagonal
        self._inverse = torch.where(diagonal > 0, 1 / diagonal.clamp(min=1e-20), 0.0)
        self._active = active[1:-1, 1:-1].contiguous()
        self._edges = None if network.unit else (down[:-1, 1:-1].contiguous(), right[1:-1, :-1].contiguous())
        self._child_share = 1 / sum_quads(self._active).clamp(min=1)
        self.u = active.new_zeros(channels, *active.shape)
        self.b = torch.zeros_like(self.u)
        self.covered = tiles.index_below(below, 0).flatten().to(device)
        self._window = tiles.index_below(below, 1).to(device)
        rows, columns = tiles.cells(1, HALF)
        image = inside(rows, columns, below_shape)
        valid = torch.from_numpy(np.moveaxis(image, 0, -1).astype(np.float32)).to(device)
        self._weight = active / _upsample(valid).clamp(min=1e-3)
        self._connect_rings(active)

    def _connect_rings(self, active: Tensor) -> None:
        """Indices of the rings' cells: what other tiles own, by color, and what the level below must give."""
        line, count = np.arange(_SIDE), len(self.tiles)
        row, column = (grid.reshape(-1, 1) for grid in np.meshgrid(line, line, indexing="ij"))
        ring = ((row % (TILE + 1) == 0) | (column % (TILE + 1) == 0))[:, 0]
        row, column = row[ring], column[ring]
        y, x = self.tiles.y * TILE + row - 1, self.tiles.x * TILE + column - 1
        owner = np.pad(self.tiles.number, 1, constant_values=-1)[y // TILE + 1, x // TILE + 1]
        here = (row * _SIDE + column) * count + np.arange(count)
        there = ((y % TILE + 1) * _SIDE + x % TILE + 1) * count + owner
        device = active.device
        self._halo = [
            (torch.from_numpy(here[chosen]).to(device), torch.from_numpy(there[chosen]).to(device))
            for chosen in ((owner >= 0) & ((y + x) % 2 == color) for color in (0, 1))
        ]
        lone = (owner < 0) & (active.cpu().numpy().ravel()[here] > 0)
        self._ghost = torch.from_numpy(here[lone]).to(device)
        row, column, tile = (np.broadcast_to(a, owner.shape)[lone] for a in (row, column, np.arange(count)))
        (near_row, far_row), (near_column, far_column) = (
            ((line + 1) // 2, (line + 1) // 2 + 1 - line % 2 * 2) for line in (row, column)
        )
        window, share = self._window.cpu().numpy(), self._weight.flatten()[self._ghost]
        self._ghost_terms = [
            (torch.from_numpy(window[y, x, tile]).to(device), share * weight)
            for y, x, weight in (
                (near_row, near_column, 9 / 16),
                (near_row, far_column, 3 / 16),
                (far_row, near_column, 3 / 16),
                (far_row, far_column, 1 / 16),
            )
        ]

    def refresh(self, colors: tuple[int, ...] = (0, 1)) -> None:
        """Copy what neighboring tiles own into the rings."""
        flat = self.u.flatten(1)
        for color in colors:
            here, there = self._halo[color]
            flat.index_copy_(1, here, flat.index_select(1, there))

    def _neighbor_sum(self, py: int = 0, px: int = 0, step: int = 1) -> Tensor:
        """The weighted sum of the neighbors of the cells of one parity (with step 1: of all); not yet masked."""

        def cells(dy: int, dx: int) -> Tensor:
            return self.u[:, 1 + py + dy : TILE + 1 + dy : step, 1 + px + dx : TILE + 1 + dx : step]

        if self._edges is None:
            return (cells(-1, 0) + cells(1, 0)).add_(cells(0, -1)).add_(cells(0, 1))
        down, right = self._edges
        total = cells(-1, 0) * down[py:TILE:step, px::step]
        total.addcmul_(cells(1, 0), down[py + 1 :: step, px::step])
        total.addcmul_(cells(0, -1), right[py::step, px:TILE:step])
        return total.addcmul_(cells(0, 1), right[py::step, px + 1 :: step])

    def relax(self, backward: bool = False) -> None:
        """One sweep of red-black (backward: black-red) Gauss-Seidel, in place."""
        for color in (1, 0) if backward else (0, 1):
            for py in (0, 1):
                px = (py + color) % 2
                own = np.s_[:, 1 + py : -1 : 2, 1 + px : -1 : 2]
                total = self._neighbor_sum(py, px, 2).add_(self.b[own])
                torch.mul(total, self._inverse[py::2, px::2], out=self.u[own])
            self.refresh((color,))

    def product(self) -> Tensor:
        """The matrix times `u`, `[C, T, T, N]`."""
        return (self.u[:, 1:-1, 1:-1] * self._diagonal).addcmul_(self._neighbor_sum(), self._active, value=-1)

    def restricted(self) -> tuple[Tensor, Tensor]:
        """Means of the unknowns and sums of the residual over 2 x 2 cells, `[C, T/2 x T/2 x N]`."""
        mean = sum_quads(self.u[:, 1:-1, 1:-1]).mul_(self._child_share)
        residual = sum_quads(self.b[:, 1:-1, 1:-1] - self.product())
        return mean.flatten(1), residual.flatten(1)

    def interpolate(self, change: Tensor, values: Tensor) -> None:
        """Add the change of the level below; ring cells that no tile owns take its values. Both `[C, flat]`."""
        window = change.index_select(1, self._window.flatten()).view(-1, *self._window.shape)
        self.u.addcmul_(_upsample(window), self._weight)
        self.refresh()
        ghosts = torch.zeros_like(values[:, : len(self._ghost)])
        for index, weight in self._ghost_terms:
            ghosts.addcmul_(values.index_select(1, index), weight)
        self.u.flatten(1).index_copy_(1, self._ghost, ghosts)
