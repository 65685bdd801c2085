"""Geometric multigrid for the Poisson equation on a mask of any shape.

The unknowns are the pixels of a mask. Neighbors outside the mask are Dirichlet values, neighbors outside the image
do not exist (natural boundary). Per pixel p, with N_p its neighbors inside the image:

    |N_p| u_p - sum_{q in N_p, q in mask} u_q = b_p

which is a network of unit conductors with the Dirichlet pixels tied to ground. A coarse cell joins 2 x 2 cells; its
conductors are those of its children in series with the way from the child's center to the coarse cell's center, so
flat boundaries keep their exact place at every level and thin slivers keep their full strength.

Grids are stored as four parity planes, `[..., row parity, column parity, i, j]` with a ring of one cell, because then
red-black Gauss-Seidel, restriction and prolongation are all plain operations on contiguous slices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_RED, _BLACK = ((0, 0), (1, 1)), ((0, 1), (1, 0))
_GROUND_WAY = 0.35  # current to an uneven boundary spreads sideways; measured best over smooth, holed and random masks
_MAX_CYCLES = 30
_COARSEST_CELLS = 256
_BAND_ELEMENTS = 1 << 18  # floats per plane and step on the CPU: one megabyte, stays in the cache

Poll = Callable[[], None]


@dataclass(frozen=True)
class _Band:
    """A run of plane rows and the columns in which the mask has a pixel there (indices into the ringed planes)."""

    top: int
    bottom: int
    left: int
    right: int

    def at(self, grid: Tensor, dy: int = 0, dx: int = 0) -> Tensor:
        return grid[..., self.top + dy : self.bottom + dy, self.left + dx : self.right + dx]

    def plane(self, planes: Tensor, py: int, px: int, dy: int = 0, dx: int = 0) -> Tensor:
        return planes[..., py, px, self.top + dy : self.bottom + dy, self.left + dx : self.right + dx]


def split_planes(dense: Tensor) -> Tensor:
    """`[..., H, W]` to parity planes `[..., 2, 2, ceil(H/2) + 2, ceil(W/2) + 2]`, zero on the ring."""
    *lead, height, width = dense.shape
    planes = dense.new_zeros(*lead, 2, 2, (height + 1) // 2 + 2, (width + 1) // 2 + 2)
    fill_planes(planes, dense)
    return planes


def fill_planes(planes: Tensor, dense: Tensor) -> None:
    """Write `[..., H, W]` into existing parity planes."""
    for py, px in _RED + _BLACK:
        part = dense[..., py::2, px::2]
        planes[..., py, px, 1 : 1 + part.shape[-2], 1 : 1 + part.shape[-1]] = part


def join_planes(planes: Tensor, out: Tensor) -> Tensor:
    """Write parity planes into `out[..., H, W]` and return it."""
    for py, px in _RED + _BLACK:
        part = out[..., py::2, px::2]
        part.copy_(planes[..., py, px, 1 : 1 + part.shape[-2], 1 : 1 + part.shape[-1]])
    return out


def _shift(grid: Tensor, dy: int, dx: int) -> Tensor:
    """`grid[y + dy, x + dx]` with zeros from outside, for dy, dx in -1..1."""
    height, width = grid.shape[-2:]
    return F.pad(grid, (1, 1, 1, 1))[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]


@dataclass
class Network:
    """The conductors of one level, `[..., H, W]`: to ground, to the right and to the lower neighbor; filled area."""

    ground: Tensor
    right: Tensor
    down: Tensor
    area: Tensor
    unit: bool = False  # all conductors between two cells of the mask are 1

    @classmethod
    def of_mask(cls, mask: Tensor, image: Tensor | None = None) -> Network:
        """The finest level for masks `[..., H, W]`; the image ends at the array's border, or where it is False."""
        inside = mask.float()
        image = torch.ones_like(inside) if image is None else image.float()
        ground = torch.zeros_like(inside)
        for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            ground += _shift(image, dy, dx) - _shift(inside, dy, dx)
        ground *= inside
        return cls(ground, inside * _shift(inside, 0, 1), inside * _shift(inside, 1, 0), inside, unit=True)

    def map(self, change: Callable[[Tensor], Tensor]) -> Network:
        """The same change, for example a crop, made to each of the grids."""
        return Network(change(self.ground), change(self.right), change(self.down), change(self.area), self.unit)

    def coarser(self) -> Network:
        height, width = self.area.shape[-2:]
        even = (0, width % 2, 0, height % 2)
        ground, right, down, area = (F.pad(g, even) for g in (self.ground, self.right, self.down, self.area))
        coarse_area = F.avg_pool2d(area[None], 2)[0]
        # Resistance of the way from a child's center to the coarse center: 1/2 in a full cell, none in a half-full one.
        way = (coarse_area.repeat_interleave(2, -2).repeat_interleave(2, -1) - area / 2).clamp_(min=0)
        right = right / (1 + right * (way + _shift(way, 0, 1)))
        down = down / (1 + down * (way + _shift(way, 1, 0)))
        ground = ground / (1 + _GROUND_WAY * ground * way)
        return Network(
            ground=sum_children(ground),
            right=right[..., 0::2, 1::2] + right[..., 1::2, 1::2],
            down=down[..., 1::2, 0::2] + down[..., 1::2, 1::2],
            area=coarse_area,
        )

    def diagonal(self) -> Tensor:
        return self.ground + self.right + _shift(self.right, 0, -1) + self.down + _shift(self.down, -1, 0)


def sum_children(dense: Tensor) -> Tensor:
    """Sums of 2 x 2 cells, `[..., ceil(H/2), ceil(W/2)]`."""
    height, width = dense.shape[-2:]
    dense = F.pad(dense, (0, width % 2, 0, height % 2))
    rows = dense[..., 0::2, :] + dense[..., 1::2, :]
    return rows[..., 0::2] + rows[..., 1::2]


class _Level:
    """One grid of the hierarchy with its unknowns `u` and right side `b` in parity planes."""

    def __init__(self, network: Network, channels: int) -> None:
        self.shape = network.area.shape
        diagonal = network.diagonal()
        self.active = split_planes((diagonal > 0).float())
        self.diagonal = split_planes(diagonal)
        self.inverse = split_planes(torch.where(diagonal > 0, 1 / diagonal.clamp(min=1e-20), 0.0))
        self.edges = None if network.unit else (split_planes(network.down), split_planes(network.right))
        self.natural_sides = tuple(
            bool(network.area[side].any()) for side in ((slice(None), 0), (slice(None), -1), (0,), (-1,))
        )
        *_, height, width = self.active.shape
        self.u = self.active.new_zeros(channels, 2, 2, height, width)
        self.b = torch.zeros_like(self.u)
        self.bands = _bands(self.active, channels)
        rows = max((band.bottom - band.top for band in self.bands), default=0)
        self._ringed = self.active.new_zeros(channels, height, width)  # the next coarser grid, dense, and a ring
        self._scratch = self.active.new_empty(channels * rows * width)

    def _neighbor_sum(self, field: Tensor, py: int, px: int, band: _Band) -> Tensor:
        """The weighted sum of the neighbors of each cell of one parity plane; not yet masked."""
        terms = (
            band.plane(field, 1 - py, px),
            band.plane(field, py, 1 - px),
            band.plane(field, 1 - py, px, 2 * py - 1, 0),
            band.plane(field, py, 1 - px, 0, 2 * px - 1),
        )
        total = self._scratch[: terms[0].numel()].view(terms[0].shape)
        if self.edges is None:
            return torch.add(terms[0], terms[1], out=total).add_(terms[2]).add_(terms[3])
        down, right = self.edges
        torch.mul(terms[0], band.plane(down, 0, px), out=total)
        total.addcmul_(terms[1], band.plane(right, py, 0))
        total.addcmul_(terms[2], band.plane(down, 1, px, py - 1, 0))
        return total.addcmul_(terms[3], band.plane(right, py, 1, 0, px - 1))

    def relax(self, poll: Poll, backward: bool = False, from_zero: bool = False) -> None:
        """One sweep of red-black (backward: black-red) Gauss-Seidel, in place."""
        first, second = (_BLACK, _RED) if backward else (_RED, _BLACK)
        for color in (first, second):
            for band in self.bands:
                poll()
                for py, px in color:
                    value = band.plane(self.b, py, px)
                    if not (from_zero and color is first):
                        value = self._neighbor_sum(self.u, py, px, band).add_(value)
                    torch.mul(value, band.plane(self.inverse, py, px), out=band.plane(self.u, py, px))

    def apply(self, field: Tensor, out: Tensor, poll: Poll) -> None:
        """The matrix times a field that is zero outside the mask."""
        for band in self.bands:
            poll()
            for py, px in _RED + _BLACK:
                total = self._neighbor_sum(field, py, px, band)
                product = torch.mul(
                    band.plane(field, py, px), band.plane(self.diagonal, py, px), out=band.plane(out, py, px)
                )
                product.addcmul_(total, band.plane(self.active, py, px), value=-1)

    def restricted_residual(self, poll: Poll) -> Tensor:
        """The residual for the next coarser level, `[C, h, w]`: the transpose of `add_bilinear`.

        Only after a forward `relax`, which leaves no residual on black cells.
        """
        ringed = self._ringed.zero_()
        for band in self.bands:
            poll()
            for py, px in _RED:
                residual = self._neighbor_sum(self.u, py, px, band).add_(band.plane(self.b, py, px))
                residual.addcmul_(band.plane(self.u, py, px), band.plane(self.diagonal, py, px), value=-1)
                residual.mul_(band.plane(self.active, py, px))
                for dy, weight_y in ((0, 0.75), (2 * py - 1, 0.25)):
                    for dx, weight_x in ((0, 0.75), (2 * px - 1, 0.25)):
                        band.at(ringed, dy, dx).add_(residual, alpha=weight_y * weight_x)
        for ring, edge in self._natural_rings(ringed):
            edge += ring
        return ringed[:, 1:-1, 1:-1]

    def add_bilinear(self, below: _Level, poll: Poll) -> None:
        """Interpolate the unknowns of the next coarser level and add them to this one's."""
        ringed = self._ringed.zero_()
        join_planes(below.u, ringed[:, 1 : 1 + below.shape[0], 1 : 1 + below.shape[1]])
        for ring, edge in reversed(self._natural_rings(ringed)):
            ring.copy_(edge)
        for band in self.bands:
            poll()
            wide = _Band(band.top, band.bottom, band.left - 1, band.right + 1)
            for py in (0, 1):
                rows = torch.lerp(wide.at(ringed), wide.at(ringed, 2 * py - 1), 0.25)
                for px in (0, 1):
                    outer = rows[..., :-2] if px == 0 else rows[..., 2:]
                    value = torch.lerp(rows[..., 1:-1], outer, 0.25)
                    band.plane(self.u, py, px).addcmul_(value, band.plane(self.active, py, px))

    def _natural_rings(self, ringed: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(ring, edge beside it) at the sides where the mask meets the image's border: values are even there."""
        pairs = (
            (ringed[:, :, 0], ringed[:, :, 1]),
            (ringed[:, :, -1], ringed[:, :, -2]),
            (ringed[:, 0], ringed[:, 1]),
            (ringed[:, -1], ringed[:, -2]),
        )
        return [pair for pair, natural in zip(pairs, self.natural_sides, strict=True) if natural]

    def dense(self) -> Tensor:
        return join_planes(self.u, self.u.new_empty(self.u.shape[0], *self.shape))


def _bands(active: Tensor, channels: int) -> list[_Band]:
    """Bands of rows that fit the CPU's cache (one band on other devices), without those that hold no unknown."""
    *_, height, width = active.shape
    rows = height if active.device.type != "cpu" else max(4, _BAND_ELEMENTS // (channels * width))
    used = active.amax((0, 1)) > 0
    bands = []
    for top in range(1, height - 1, rows):
        bottom = min(top + rows, height - 1)
        columns = used[top:bottom].any(0).nonzero()
        if len(columns):
            bands.append(_Band(top, bottom, int(columns[0]), int(columns[-1]) + 1))
    return bands


class MaskedPoisson:
    """Solver for the equation above; built once per mask, used for all channels together.

    Args:
        network: `[H, W]`, of a mask or coarser. Its array border is the image's border, so leave a rim of one cell
            where the image goes on. At least one cell must have a way to ground.
        channels: how many right sides are solved at once.
        poll: called every few milliseconds of work.
    """

    def __init__(self, network: Network, channels: int, poll: Poll = lambda: None) -> None:
        if not bool(network.ground.any()):
            raise ValueError("A mask that covers the whole image has no boundary values: leave some pixels outside.")
        self._poll = poll
        self.levels = [_Level(network, channels)]
        self._ground_gain: list[Tensor] = []
        while network.area.numel() > _COARSEST_CELLS:
            poll()
            fine_ground = sum_children(network.ground)
            network = network.coarser()
            self._ground_gain.append(torch.where(fine_ground > 0, network.ground / fine_ground.clamp(min=1e-20), 0.0))
            self.levels.append(_Level(network, channels))
        self._coarsest_inverse = _dense_inverse(network)

    def solve(
        self,
        boundary: Tensor,
        tolerance: float = 5e-4,
        report: Callable[[float], None] = lambda fraction: None,
    ) -> Tensor:
        """Solve for u, `[C, H, W]`, zero outside the mask, to about `tolerance` of its largest magnitude.

        Full multigrid gives the start, conjugate gradients preconditioned by V-cycles the rest, so the speed of plain
        multigrid holds for simple masks and convergence for all.

        Args:
            boundary: `[C, H, W]`, per pixel of the mask the sum of its Dirichlet neighbors' values, else zero.
            tolerance: estimated remaining error to stop at.
            report: called with the finished fraction.
        """
        sides = [boundary]
        for gain in self._ground_gain:
            sides.append(sum_children(sides[-1]) * gain)
        for depth in reversed(range(len(self.levels))):
            level = self.levels[depth]
            level.u.zero_()
            fill_planes(level.b, sides.pop())
            if depth + 1 < len(self.levels):
                level.add_bilinear(self.levels[depth + 1], self._poll)
            if depth:
                self._cycle(depth)
        report(0.25)
        return self._conjugate_gradients(tolerance, report)

    def residual(self, solution: Tensor) -> Tensor:
        """Minus the matrix times `[C, H, W]`, which must be zero outside the mask."""
        fine = self.levels[0]
        fill_planes(fine.u, solution)
        fine.apply(fine.u, fine.b, self._poll)
        return join_planes(fine.b, torch.empty_like(solution)).neg_()

    def correction(self, residual: Tensor) -> Tensor:
        """One V-cycle from zero on a right side `[C, H, W]`."""
        fill_planes(self.levels[0].b, residual)
        self._cycle(0, from_zero=True)
        return self.levels[0].dense()

    def _conjugate_gradients(self, tolerance: float, report: Callable[[float], None]) -> Tensor:
        """Conjugate gradients, each channel for itself, from the fine level's `u`, preconditioned by a V-cycle."""
        fine = self.levels[0]
        solution, residual = fine.u.clone(), fine.b
        product, direction = torch.zeros_like(solution), torch.zeros_like(solution)
        fine.apply(solution, product, self._poll)
        residual -= product
        scale = max(_largest(solution), _largest(residual))
        previous: Tensor | None = None
        change = scale
        for cycle in range(_MAX_CYCLES):
            self._cycle(0, from_zero=True)
            energy = _dot(residual, fine.u)
            direction.mul_(0.0 if previous is None else energy / previous.clamp(min=1e-30)).add_(fine.u)
            fine.apply(direction, product, self._poll)
            step = energy / _dot(direction, product).clamp(min=1e-30)
            solution.addcmul_(direction, step)
            change, last_change = _largest(fine.u), change
            report(1 - 0.75 * 0.7 ** (cycle + 1))
            # What is left is about the change times the rate at which the changes fall.
            residual.addcmul_(product, -step)
            if change * min(1.0, change / max(last_change, 1e-30)) <= tolerance * scale:
                break
            previous = energy
        fine.relax(self._poll, from_zero=True)  # evens out what is left from pixel to pixel
        fine.u += solution
        return fine.dense()

    def _cycle(self, depth: int, from_zero: bool = False) -> None:
        """One symmetric V-cycle on the equation of a level, from its present `u`."""
        level = self.levels[depth]
        if depth == len(self.levels) - 1:
            right_side = join_planes(level.b, level.b.new_empty(level.b.shape[0], *level.shape))
            solution = right_side.flatten(1) @ self._coarsest_inverse
            fill_planes(level.u, solution.view_as(right_side))
            return
        below = self.levels[depth + 1]
        level.relax(self._poll, from_zero=from_zero)
        residual = level.restricted_residual(self._poll)
        fill_planes(below.b, residual[:, : below.shape[0], : below.shape[1]])
        self._cycle(depth + 1, from_zero=True)
        level.add_bilinear(below, self._poll)
        level.relax(self._poll, backward=True)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of each channel, `[C, 1, 1, 1, 1]`."""
    products = [torch.dot(x.flatten(), y.flatten()) for x, y in zip(a, b, strict=True)]
    return torch.stack(products)[:, None, None, None, None]


def _largest(field: Tensor) -> float:
    low, high = torch.aminmax(field)
    return max(-float(low), float(high))


def _dense_inverse(network: Network) -> Tensor:
    """Inverse of the coarsest level's matrix over all its cells, the identity on cells without unknowns."""
    height, width = network.area.shape
    index = torch.arange(height * width).view(height, width)
    diagonal = network.diagonal().cpu().double()  # in this order: not every device has float64
    matrix = torch.diag(torch.where(diagonal > 0, diagonal, 1.0).flatten())
    for weight, here, there in (
        (network.right[:, :-1], index[:, :-1], index[:, 1:]),
        (network.down[:-1], index[:-1], index[1:]),
    ):
        value = -weight.cpu().double().flatten()
        matrix[here.flatten(), there.flatten()] = value
        matrix[there.flatten(), here.flatten()] = value
    inverse: Tensor = torch.linalg.inv(matrix)
    return inverse.to(network.area)
