"""The Poisson equation of `multigrid` without sources, on a grid that is fine only near the mask's outline.

A function that is harmonic inside the mask is the smoother the farther the outline is, so that a pixel deep inside
needs no equation of its own (A. Agarwala, "Efficient Gradient-Domain Compositing Using Quadtrees", SIGGRAPH 2007). The
finest levels keep only tiles near the outline, a constant number of cells wide and so ever wider in pixels; what lies
farther inside is interpolated from the next coarser level.

The levels are coupled as in A. Brandt, "Multi-level adaptive solutions to boundary-value problems", Math. Comp. 31
(1977): a coarse cell below a fine tile gets the fine equation's right side (full approximation scheme), any other cell
its own equation.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, IndexArray
from backend.imaging.poisson.multigrid import MaskedPoisson, Network, Poll, sum_children
from backend.imaging.poisson.tiles import TILE, TiledLevel, Tiles, inside

_LEVELS = 2  # with tiles
_MARGIN = 8  # pixels around a tile that the conductors of its cells depend on, down to the first dense level
_WORTHWHILE = 0.5  # of the mask's tiles: with more of them near the outline a plain grid is as fast
_MAX_CYCLES = 12


class AdaptivePoisson:
    """Solver for a correction that is harmonic in the mask; built once per mask, used for all channels together.

    Args:
        mask: `[H, W]` bool, with a rim of a pixel outside the mask where the image goes on.
        channels: how many right sides are solved at once.
        device: where to compute.
        poll: called every few milliseconds of work.
    """

    def __init__(
        self, mask: BoolArray, channels: int, device: torch.device | str | None = None, poll: Poll = lambda: None
    ) -> None:
        self._poll, self._channels, self._width = poll, channels, mask.shape[1]
        used, full = _tile_maps(mask)
        tiles = _near_outline(used, full)
        self.worthwhile = 0 < len(tiles[0]) <= _WORTHWHILE * np.count_nonzero(used)
        if not self.worthwhile:
            return
        rows, columns = tiles[0].cells(_MARGIN)
        height, width = mask.shape
        image = inside(rows, columns, mask.shape)
        own = windows(mask, rows, columns) & image
        ring = np.s_[:, _MARGIN - 1 : 1 - _MARGIN, _MARGIN - 1 : 1 - _MARGIN]
        outside = (image & ~own)[ring]
        self._beside = np.flatnonzero(outside.any((1, 2)))  # the tiles that may have boundary values
        self._outside = outside[self._beside]
        self._inside = torch.from_numpy(own[self._beside, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]).to(device)

        finest = Network.of_mask(torch.from_numpy(own).to(device), torch.from_numpy(image).to(device))
        networks, dense = [finest], []
        self._gains = []
        for depth in range(1, _LEVELS + 1):
            poll()
            networks.append(networks[-1].coarser())
            center = np.s_[self._beside, _MARGIN >> depth : -_MARGIN >> depth, _MARGIN >> depth : -_MARGIN >> depth]
            ground, children = networks[depth].ground[center], sum_children(networks[depth - 1].ground)[center]
            self._gains.append(torch.where(children > 0, ground / children.clamp(min=1e-20), 0.0))
            dense.append(_everywhere(networks[depth], used, tiles[0], depth))
        shapes = [((height - 1 >> depth) + 1, (width - 1 >> depth) + 1) for depth in range(_LEVELS + 1)]
        self._levels = []
        for depth in range(_LEVELS):
            poll()
            network = finest.map(lambda grid: grid[ring]) if depth == 0 else _ringed(dense[depth - 1], tiles[depth])
            below = tiles[depth + 1] if depth + 1 < _LEVELS else None
            self._levels.append(TiledLevel(tiles[depth], network, below, shapes[depth + 1], channels))
        rows, columns = shapes[-1]
        self._coarse = MaskedPoisson(dense[-1].map(lambda grid: grid[:rows, :columns].contiguous()), channels, poll)
        self._values = F.pad(dense[-1].area.new_zeros(channels, *dense[-1].area.shape), (1, 1, 1, 1))  # with a ring
        self._coarse_values = self._values[:, 1 : 1 + rows, 1 : 1 + columns]

    def solve(
        self,
        difference: Callable[[IndexArray, IndexArray], AnyArray],
        tolerance: float = 5e-4,
        report: Callable[[float], None] = lambda fraction: None,
    ) -> bool:
        """Solve for the correction with given values on the outline, to about `tolerance` of its largest magnitude.

        Args:
            difference: the given values `[N, h, w, C]`, float32, in windows of rows `[N, h]` and columns `[N, w]`.
            tolerance: estimated remaining error to stop at.
            report: called with the finished fraction.

        Returns:
            Whether it converged, as it does unless holes and slivers too fine for the tiled levels abound.
        """
        finest = self._levels[0]
        boundary = self._boundary_sum(difference)
        finest.b[:, 1:-1, 1:-1, self._beside] = boundary.movedim(1, -1)
        for gain in self._gains:
            boundary = sum_children(boundary) * gain
        start = np.zeros((*np.multiply(finest.tiles.number.shape, TILE >> _LEVELS), self._channels), np.float32)
        beside = Tiles(finest.tiles.y[self._beside], finest.tiles.x[self._beside], finest.tiles.number)
        beside.paste(boundary.permute(1, 2, 3, 0).cpu().numpy(), start)
        rows, columns = self._coarse_values.shape[1:]
        side = torch.from_numpy(start[:rows, :columns]).to(boundary.device).permute(2, 0, 1)
        self._coarse_values.copy_(self._coarse.solve(side, 0.01))
        values = self._values.flatten(1)
        for level in reversed(self._levels):
            level.interpolate(values, values)
            values = level.u.flatten(1)
        change = scale = float(finest.u.abs().max())
        for cycle in range(_MAX_CYCLES):
            before = finest.u.clone()
            self._cycle(0)
            change, last_change = float((finest.u - before).abs_().max()), change
            report(1 - 0.6 ** (cycle + 1))
            # What is left is about the change times the rate at which the changes fall.
            if change * min(1.0, change / max(last_change, 1e-30)) <= tolerance * scale:
                self._finish()
                return True
        return False

    def _boundary_sum(self, difference: Callable[[IndexArray, IndexArray], AnyArray]) -> Tensor:
        """Per cell of the tiles `_beside` the sum of its outside neighbors' values, `[C, N, T, T]`."""
        rows, columns = (line[self._beside] for line in self._levels[0].tiles.cells(1))
        given = torch.from_numpy(difference(rows, columns) * self._outside[..., None]).to(self._values.device)
        given = given.permute(3, 0, 1, 2)
        total = given[..., :-2, 1:-1] + given[..., 2:, 1:-1] + given[..., 1:-1, :-2] + given[..., 1:-1, 2:]
        return total * self._inside

    def _cycle(self, depth: int) -> None:
        """One V-cycle over the levels from `depth` on."""
        self._poll()
        level = self._levels[depth]
        level.relax()
        mean, residual = level.restricted()
        if depth + 1 < _LEVELS:
            below = self._levels[depth + 1]
            values = below.u.flatten(1)
            values.index_copy_(1, level.covered, mean)
            before = values.clone()
            below.refresh()
            product = F.pad(below.product(), (0, 0, 1, 1, 1, 1)).flatten(1)
            residual += product.index_select(1, level.covered)
            below.b.flatten(1).index_copy_(1, level.covered, residual)
            self._cycle(depth + 1)
        else:
            values = self._values.flatten(1)
            values.index_copy_(1, level.covered, mean)
            before = values.clone()
            right_side = torch.zeros_like(self._values)
            rows, columns = self._coarse_values.shape[1:]
            right_side[:, 1 : 1 + rows, 1 : 1 + columns] = self._coarse.residual(self._coarse_values)
            right_side.flatten(1).index_copy_(1, level.covered, residual)
            self._coarse_values += self._coarse.correction(right_side[:, 1 : 1 + rows, 1 : 1 + columns])
        self._poll()
        level.interpolate(values - before, values)
        level.relax(backward=True)

    def _finish(self) -> None:
        """Join all but the finest level to one image `[h, w, C]` of half the resolution."""
        image = np.ascontiguousarray(self._values[:, 1:-1, 1:-1].permute(1, 2, 0).cpu().numpy())
        for level in self._levels[:0:-1]:
            image = _doubled(image)
            level.tiles.paste(_blocks(level), image)
        self._half, self._blocks = image, _blocks(self._levels[0])

    def strip(self, top: int, bottom: int) -> AnyArray:
        """Rows of the correction, `[bottom - top, W, C]`, from and to a multiple of the tiles' side (or the end)."""
        tiles = self._levels[0].tiles
        first, last = top // TILE, -(-bottom // TILE)
        above = max(top // 2 - 1, 0)
        rows = _doubled(self._half[above : last * TILE // 2 + 1])[top - 2 * above :][: (last - first) * TILE]
        chosen = slice(*np.searchsorted(tiles.y, (first, last)))
        part = Tiles(tiles.y[chosen] - first, tiles.x[chosen], tiles.number[first:last])
        part.paste(self._blocks[chosen], rows)
        return rows[: bottom - top, : self._width]


def windows(image: AnyArray, rows: IndexArray, columns: IndexArray) -> AnyArray:
    """`[N, h, w, ...]` windows of an array at rows `[N, h]` and columns `[N, w]`, its edge repeated outside."""
    height, width = image.shape[:2]
    taken: AnyArray = image[rows.clip(0, height - 1)[:, :, None], columns.clip(0, width - 1)[:, None, :]]
    return taken


def _tile_maps(mask: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Per tile: whether it holds a pixel of the mask; whether it lies in the mask and off the image's border."""
    multiple = 1 << (_LEVELS - 1)
    starts = [np.arange(0, length, TILE) for length in mask.shape]
    padding = [(0, -len(start) % multiple) for start in starts]
    used = np.logical_or.reduceat(np.logical_or.reduceat(mask, starts[0], axis=0), starts[1], axis=1)
    full = np.logical_and.reduceat(np.logical_and.reduceat(mask, starts[0], axis=0), starts[1], axis=1)
    full[[0, -1]] = full[:, [0, -1]] = False
    return np.pad(used, padding), np.pad(full, padding)


def _near_outline(used: BoolArray, full: BoolArray) -> list[Tiles]:
    """Per level the tiles with a pixel of the mask that touch one which is not full."""
    tiles = [Tiles.where(used & _dilated(~full))]
    for _ in range(1, _LEVELS):
        used, full = used[0::2] | used[1::2], full[0::2] & full[1::2]
        used, full = used[:, 0::2] | used[:, 1::2], full[:, 0::2] & full[:, 1::2]
        tiles.append(Tiles.where(used & _dilated(~full)))
    return tiles


def _dilated(mask: BoolArray) -> BoolArray:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _everywhere(network: Network, used: BoolArray, tiles: Tiles, depth: int) -> Network:
    """The dense network of a coarse level from that in the finest tiles with margins; unit conductors elsewhere."""
    size, margin = TILE >> depth, _MARGIN >> depth
    full = used.repeat(size, 0).repeat(size, 1).astype(np.float32)

    def dense(grid: Tensor, elsewhere: FloatArray) -> Tensor:
        tiles.paste(grid[:, margin:-margin, margin:-margin].cpu().numpy(), elsewhere)
        return torch.from_numpy(elsewhere).to(grid.device)

    right, down, area = (dense(grid, full.copy()) for grid in (network.right, network.down, network.area))
    return Network(dense(network.ground, np.zeros_like(full)), right, down, area)


def _ringed(network: Network, tiles: Tiles) -> Network:
    """The tiles with a ring, `[N, T + 2, T + 2]`, of a dense network."""
    rows, columns = (torch.from_numpy(line + 1).to(network.area.device) for line in tiles.cells(1))
    return network.map(lambda grid: F.pad(grid, (1, 1, 1, 1))[rows[:, :, None], columns[:, None]])


def _doubled(image: AnyArray) -> AnyArray:
    """`[h, w, C]` at twice the resolution, bilinear."""
    height, width, channels = image.shape
    doubled: AnyArray = cv2.resize(image, (2 * width, 2 * height))
    return doubled.reshape(2 * height, 2 * width, channels)


def _blocks(level: TiledLevel) -> AnyArray:
    """A level's unknowns, `[N, T, T, C]`."""
    blocks: AnyArray = level.u[:, 1:-1, 1:-1].permute(3, 1, 2, 0).contiguous().cpu().numpy()
    return blocks
