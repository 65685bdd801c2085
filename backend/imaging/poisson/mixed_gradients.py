"""The image with the stronger gradients of two, Pérez et al. 2003, equation (13).

Pasting with mixed gradients is pasting this image with its own gradients: both satisfy the same equation inside of
the mask. As it is free outside, it may be sought on a whole rectangle, where cosines diagonalize the equation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.poisson.multigrid import Poll

_BLOCK_ELEMENTS = 1 << 17  # floats handled at a time: half a megabyte, stays in the cache
_SMALLEST = 1e-30  # in place of the constant's eigenvalue, 0
_TRANSFORM_ELEMENTS = 1 << 22  # between two polls


def stronger_gradients(new: AnyArray, old: AnyArray, poll: Poll) -> AnyArray:
    """The image whose gradients are nearest to, pixel by pixel, the stronger ones of two `H x W x C`; float32.

    Only its gradients count: its mean is that of `new`.
    """
    import scipy.fft  # not above: it is slow to load

    height, width, channels = new.shape
    # The eigenvalues; in place of that of the constant, which is arbitrary, any but 0.
    down, across = (
        (2 - 2 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32) for length in (height, width)
    )
    image = np.empty(new.shape, np.float32)
    for channel in range(channels):
        field = _divergence(new[..., channel], old[..., channel], poll)
        _transform(field, scipy.fft.dct, poll)
        field[0, 0] = 0
        for top, bottom in _blocks(height, width, _BLOCK_ELEMENTS):
            poll()
            field[top:bottom] /= np.maximum(down[top:bottom, None] + across, _SMALLEST)
        _transform(field, scipy.fft.idct, poll)
        for top, bottom in _blocks(height, width, _BLOCK_ELEMENTS):
            poll()
            np.add(field[top:bottom], new[top:bottom, :, channel], out=image[top:bottom, :, channel])
    return image


def _blocks(length: int, other: int, elements: int) -> list[tuple[int, int]]:
    step = max(elements // other, 1)
    return [(start, min(start + step, length)) for start in range(0, length, step)]


def _transform(field: FloatArray, transform: Any, poll: Poll) -> None:
    """Along both axes, in place, with torch's number of threads."""
    height, width = field.shape
    rows = [field[slice(*block)] for block in _blocks(height, width, _TRANSFORM_ELEMENTS)]
    columns = [field[:, slice(*block)] for block in _blocks(width, height, _TRANSFORM_ELEMENTS)]
    for axis, parts in ((1, rows), (0, columns)):
        for part in parts:
            poll()
            done = transform(part, axis=axis, workers=torch.get_num_threads(), overwrite_x=True)
            if not np.may_share_memory(done, part):
                part[...] = done


def _divergence(new: AnyArray, old: AnyArray, poll: Poll) -> FloatArray:
    """Minus the divergence of the stronger gradients less those of `new`, with no flux over the rectangle's border."""
    height, width = new.shape
    total = np.empty(new.shape, np.float32)
    for top, bottom in _blocks(height, width, _BLOCK_ELEMENTS):
        poll()
        above, below = max(top - 1, 0), min(bottom + 1, height)
        g, f = (torch.from_numpy(image[above:below].astype(np.float32)) for image in (new, old))
        part = torch.from_numpy(total[top:bottom])
        flux = _stronger_flux(g[top - above :][: bottom - top], f[top - above :][: bottom - top], 1)
        part[:, 0] = 0
        part[:, 1:] = flux
        part[:, :-1] -= flux
        flux = _stronger_flux(g, f, 0)  # into row above + 1 and the next ones
        part[above + 1 - top :] += flux[: bottom - above - 1]
        out = flux[top - above :]
        part[: len(out)] -= out
    return total


def _stronger_flux(g: Tensor, f: Tensor, axis: int) -> Tensor:
    """Differences along an axis, those of `f` less those of `g` where they are stronger, else 0."""
    f_step, g_step = f.diff(dim=axis), g.diff(dim=axis)
    return (f - g).diff(dim=axis).mul_(f_step.abs_() > g_step.abs_())
