"""Poisson image editing: seamless cloning with normal and mixed gradients.

P. Pérez, M. Gangnet, A. Blake, "Poisson Image Editing", SIGGRAPH 2003. Their equation (7) is solved for the correction
u = f - g of the source g rather than for the picture f itself: u is smooth, zero where nothing is to be done, and small
against f, so float32 carries it at any picture size. With normal gradients u is the membrane that the differences
between target and source on the outline of the mask span.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.imaging import CancelCheck, Progress, stop_if
from backend.imaging.multigrid import MaskedPoisson

Image = npt.NDArray[Any]
_RIM = 2  # pixels of picture kept around the mask: the boundary values, and an even start for the coarse grids
_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def seamless_clone(
    source: Image,
    target: Image,
    mask: npt.NDArray[np.bool_],
    mixed: bool = False,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
    tolerance: float = 5e-4,
) -> Image:
    """Paste the masked part of `source` into `target` so that it takes on the target's colours at the outline.

    Args:
        source: `H x W x C` (or `H x W`), already aligned to the target, valid one pixel beyond the mask.
        target: same shape and dtype; any integer or float type.
        mask: `H x W` bool, any shape, any number of parts and holes. Where it meets the picture's border the
            border is free (natural boundary condition).
        mixed: keep, for each pair of neighbours, the stronger gradient of the two pictures (eq. 13).
        device: where to compute; the CPU if not given.
        progress: called with the finished fraction.
        cancelled: polled about every few milliseconds of work.
        tolerance: the last change of the correction, relative to its largest value, at which the solver stops.

    Returns:
        A new array like `target`; pixels outside the mask are bit-identical to it.

    Raises:
        ValueError: shapes or dtypes differ, or the mask covers everything.
        Cancelled: `cancelled()` returned True.
    """
    _check(source, target, mask)
    result = target.copy()
    window = _window(mask)
    if window is None:
        return result
    report = progress or (lambda fraction: None)

    def poll() -> None:
        stop_if(cancelled)

    report(0.0)
    cut = np.ascontiguousarray(mask[window])
    inside = torch.from_numpy(cut).to(device)
    new, old = (np.atleast_3d(image[window]) for image in (source, target))
    poll()
    solver = MaskedPoisson(inside, channels=new.shape[2], poll=poll)
    report(0.1)
    offset = _planar(np.subtract(old, new, dtype=np.float32), inside.device)
    boundary = _boundary_sum(offset, inside)
    flux = _stronger_flux(offset, _planar(new, inside.device), _planar(old, inside.device), inside) if mixed else None
    del offset
    report(0.2)
    correction = solver.solve(boundary, flux, tolerance, lambda fraction: report(0.2 + 0.7 * fraction))
    report(0.9)
    poll()
    pasted = _apply(new, correction, target.dtype)
    np.copyto(np.atleast_3d(result[window]), pasted, where=cut[..., None])
    report(1.0)
    return result


def _check(source: Image, target: Image, mask: npt.NDArray[np.bool_]) -> None:
    if source.shape != target.shape or source.dtype != target.dtype:
        raise ValueError(
            f"Source {source.shape} {source.dtype} and target {target.shape} {target.dtype} differ: "
            "place the source on a canvas like the target first."
        )
    if target.ndim not in (2, 3) or mask.shape != target.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(f"Expected a bool mask {target.shape[:2]} for the picture, got {mask.dtype} {mask.shape}.")
    if mask.size and mask.all():
        raise ValueError(
            "The mask covers the whole picture, so nothing of the target is left to blend with: "
            "make the selection smaller, or paste without blending."
        )


def _window(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The mask's bounding box and a rim, cut at the picture's border."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return (
        slice(max(rows[0] - _RIM, 0), rows[-1] + 1 + _RIM),
        slice(max(columns[0] - _RIM, 0), columns[-1] + 1 + _RIM),
    )


def _planar(image: Image, device: torch.device) -> Tensor:
    """`H x W x C` of any dtype to float32 `[C, H, W]` on the device."""
    pixels = np.ascontiguousarray(image, dtype=np.float32)
    return torch.from_numpy(pixels).to(device).permute(2, 0, 1).contiguous()


def _boundary_sum(values: Tensor, inside: Tensor) -> Tensor:
    """Per pixel of the mask the sum of its neighbours' values outside of it (f* on the outline in eq. 7)."""
    total = torch.zeros_like(values)
    outside = F.pad(values * ~inside, (1, 1, 1, 1))
    height, width = inside.shape
    for dy, dx in _NEIGHBOURS:
        total += outside[:, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
    return total.mul_(inside)


def _stronger_flux(offset: Tensor, new: Tensor, old: Tensor, inside: Tensor) -> Tensor:
    """Sum over neighbours of v_pq - (g_p - g_q), with v_pq of eq. 13; zero outside the mask."""
    total = torch.zeros_like(offset)
    for axis in (1, 2):
        stronger = old.diff(dim=axis).abs_() > new.diff(dim=axis).abs_()
        flux = offset.diff(dim=axis).mul_(stronger)
        length = offset.shape[axis]
        total.narrow(axis, 0, length - 1).sub_(flux)
        total.narrow(axis, 1, length - 1).add_(flux)
    return total.mul_(inside)


def _apply(source: Image, correction: Tensor, dtype: npt.DTypeLike) -> Image:
    """Source plus correction `[C, H, W]`, rounded and clipped to the range of an integer dtype."""
    pasted: Image = np.add(source, correction.permute(1, 2, 0).contiguous().cpu().numpy(), dtype=np.float32)
    kind = np.dtype(dtype)
    if np.issubdtype(kind, np.integer):
        limits = np.iinfo(kind)
        np.clip(np.rint(pasted, out=pasted), limits.min, limits.max, out=pasted)
    return pasted.astype(kind)
