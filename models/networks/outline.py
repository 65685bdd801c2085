"""What the outline of a paste says of its colors: pairs of a pixel just within it and the next one without.

Where the pasted thing was cut out of the same scene that it is put into, in other colors, both pixels of a pair show
nearly the same thing, and the affine map from the one to the other is the change of color between both. Elsewhere
nothing relates them. Poisson cloning believes every pair; here their moments on a coarse grid are what a network sees,
with the map fitted to them, and how much of the colors without it explains.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.intp]

OPAQUE, CLEAR = 0.5, 0.02  # alpha from which on a pixel is within, and up to which it is without
REACH = 6  # pixels at most between both of a pair
MOST_PAIRS = 20000
NOISE = 0.03  # of 0..1: what neighbors differ by anyway
ROUNDS = 3  # of reweighting: pairs that another map explains do not count
MOMENTS = 26  # per cell: pairs, weights, within 3, without 3, their products 6 and 9, squares without 3
_UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


class Pairs(NamedTuple):
    """Rows and columns of N pixels within, and of their neighbors without."""

    within: tuple[IndexArray, IndexArray]
    without: tuple[IndexArray, IndexArray]


def outline_pairs(alpha: FloatArray) -> Pairs:
    """The pairs of an H x W alpha, 0..1: to each of four sides the first clear pixel beyond the opaque part's rim."""
    solid = (alpha >= OPAQUE).astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rows, columns = np.nonzero(solid & (1 - cv2.erode(solid, cross, borderType=cv2.BORDER_CONSTANT, borderValue=1)))
    found: list[npt.NDArray[np.intp]] = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        walking = np.ones(len(rows), bool)
        for step in range(1, REACH + 1):
            y, x = rows + step * dy, columns + step * dx
            walking &= (y >= 0) & (y < alpha.shape[0]) & (x >= 0) & (x < alpha.shape[1])
            there = np.full(len(rows), 1.0, np.float32)
            there[walking] = alpha[y[walking], x[walking]]
            walking &= there < OPAQUE
            here = walking & (there <= CLEAR)
            found.append(np.stack([rows[here], columns[here], y[here], x[here]]))
            walking &= ~here
    pairs = np.concatenate(found, 1)
    pairs = pairs[:, :: -(-pairs.shape[1] // MOST_PAIRS) or 1]
    return Pairs((pairs[0], pairs[1]), (pairs[2], pairs[3]))


def outline_moments(within: FloatArray, without: FloatArray, places: FloatArray, cells: int) -> FloatArray:
    """Moments of pairs on a grid.

    Args:
        within: `N x 3` colors, 0..1.
        without: the neighbors', likewise.
        places: `N x 2`, down and across, 0..1 over the grid.
        cells: of the grid, a side.

    Returns:
        `MOMENTS x cells x cells`, of colors less 1/2; all pairs together count as one.
    """
    moments = np.zeros((MOMENTS, cells * cells), np.float32)
    if len(within):
        s, t = within.astype(np.float64) - 0.5, without.astype(np.float64) - 0.5
        weight = _agreeing(s, t) / len(s)
        row, column = np.clip((places * cells).astype(int), 0, cells - 1).T
        values = [np.ones(len(s)), *s.T, *t.T, *(s[:, i] * s[:, j] for i, j in _UPPER)]
        values += [t[:, i] * s[:, j] for i in range(3) for j in range(3)] + [*np.square(t).T]
        index = row * cells + column
        moments[0] = np.bincount(index, minlength=cells * cells) / len(s)
        for k, value in enumerate(values):
            moments[k + 1] = np.bincount(index, weight * value, minlength=cells * cells)
    return moments.reshape(MOMENTS, cells, cells)


def _agreeing(s: npt.NDArray[np.float64], t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How well each pair fits the affine map of most of them, 0..1."""
    x = np.column_stack([s, np.ones(len(s))])
    start = np.vstack([np.eye(3), np.zeros(3)])
    ridge = len(s) * np.diag([NOISE**2] * 3 + [1e-9])
    weight = np.ones(len(s))
    for _ in range(ROUNDS):
        weighted = x * weight[:, None]
        error = np.square(t - x @ np.linalg.solve(weighted.T @ x + ridge, weighted.T @ t + ridge @ start)).sum(1)
        weight = 1 / (1 + error / (4 * np.average(error, weights=weight) + NOISE**2))
    return weight


class OutlineEstimate(NamedTuple):
    """The color maps that an outline suggests.

    matrix, offset: `B x 3 x 3`, `B x 3`, of t = A s + b in colors less 1/2; local_matrix, local_offset: the same in
    every cell, `B x h x w x 3 x 3`, `B x h x w x 3`; facts: `B x FACTS`, what says how far to believe it; cells: `B x
    CELL_FACTS x h x w`; found: `B x 1`, whether there were any pairs, 0 or 1.
    """

    matrix: Tensor
    offset: Tensor
    local_matrix: Tensor
    local_offset: Tensor
    facts: Tensor
    cells: Tensor
    found: Tensor


FACTS, CELL_FACTS = 12, 11


@torch.no_grad()
def outline_estimate(moments: Tensor) -> OutlineEstimate:
    """The affine map that `B x MOMENTS x h x w` moments suggest, in all and near every cell; without pairs the
    identity."""
    moments = moments.float()
    height, width = moments.shape[2:]
    with torch.autocast(moments.device.type, enabled=False):
        total = moments.sum((2, 3))
        found = (total[:, :1] > 0).float()
        identity = torch.eye(3, device=moments.device)
        matrix, offset, error, own = _fitted(total[:, 1:], identity, NOISE**2)
        near = _nearness(height, width, moments.device)
        flat = moments.flatten(2).transpose(1, 2)
        around = torch.einsum("ij,bjk->bik", near, flat[..., 1:])
        # A cell's own neighborhood sways the matrix of all a little, and says where the offset drifts to.
        share = around[..., :1] / around[..., :1].amax(1, keepdim=True).clamp(min=1e-9)
        local_matrix, local_offset, _, _ = _fitted(around, matrix[:, None], NOISE**2 * (1 + 2 / share.clamp(min=0.05)))
        weight = flat[..., 1:2].clamp(min=1e-9)
        within, without = flat[..., 2:5] / weight, flat[..., 5:8] / weight
        residual = without - (matrix[:, None] @ within[..., None])[..., 0] - offset[:, None]
        there = (flat[..., :1] > 0).float()
        cells = torch.cat([4 * flat[..., :1], there, within * there, without * there, 4 * residual * there], 2)
        colors = total[:, 2:8] / total[:, 1:2].clamp(min=1e-9)
        change = offset.abs().mean(1, True), (matrix - identity).abs().mean((1, 2))[:, None]
        facts = torch.cat([total[:, 1:2], colors, 4 * error, 4 * own, error / (own + 1e-3), *change], 1)
    return OutlineEstimate(
        matrix,
        offset,
        local_matrix.unflatten(1, (height, width)),
        local_offset.unflatten(1, (height, width)),
        facts * found,
        cells.transpose(1, 2).unflatten(2, (height, width)),
        found,
    )


def _fitted(moments: Tensor, start: Tensor, ridge: Tensor | float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A and b of `... x 25` moments, drawn to `start` by the ridge; the error's root mean square, and the deviation of
    the colors without, `... x 1`."""
    n = moments[..., :1].clamp(min=1e-9)
    s, t = moments[..., 1:4] / n, moments[..., 4:7] / n
    upper = moments[..., 7:13] / n
    symmetric = torch.stack([upper[..., k] for k in (0, 1, 2, 1, 3, 4, 2, 4, 5)], -1).unflatten(-1, (3, 3))
    ss = symmetric - s[..., :, None] * s[..., None, :]
    ts = (moments[..., 13:22] / n).unflatten(-1, (3, 3)) - t[..., :, None] * s[..., None, :]
    tt = (moments[..., 22:25] / n - t * t).clamp(min=0)
    ridge = torch.as_tensor(ridge, device=n.device)
    ridge = ridge[..., None] if ridge.ndim else ridge
    eye = torch.eye(3, device=n.device)
    matrix = (ts + ridge * start) @ _inverse(ss + ridge * eye)
    offset = (t - (matrix @ s[..., None])[..., 0]) * (moments[..., :1] > 0)
    error = tt - 2 * (matrix * ts).sum(-1) + ((matrix @ ss) * matrix).sum(-1)
    return matrix, offset, error.clamp(min=0).mean(-1, True).sqrt(), tt.mean(-1, True).sqrt()


def _inverse(m: Tensor) -> Tensor:
    """Of `... x 3 x 3` positive definite matrices; written out, as not every device has a solver."""
    a, b, c = m.unbind(-2)
    columns = torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], -1)
    return columns / (a * columns[..., 0]).sum(-1)[..., None, None].clamp(min=1e-12)


def _nearness(height: int, width: int, device: torch.device) -> Tensor:
    """`hw x hw`: how much the pairs of one cell count in another, falling with the square of the distance as a
    membrane's mean value weights do (Floater 2003)."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([rows, columns], -1).flatten(0, 1).float().to(device)
    return 1 / ((places[:, None] - places[None]).square().sum(-1) + 0.35)
