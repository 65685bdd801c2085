"""Poisson image editing: seamless cloning with normal and mixed gradients.

P. Pérez, M. Gangnet, A. Blake, "Poisson Image Editing", SIGGRAPH 2003. Their equation (7) is solved for the correction
u = f - g of the source g rather than for the image f itself: u is smooth, zero where nothing is to be done, and small
against f, so float32 carries it at any image size. With normal gradients u is the membrane that the differences
between target and source on the outline of the mask span.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.imaging import ON_CPU, Execution
from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, IndexArray
from backend.imaging.masks.regions import bounding_box
from backend.imaging.poisson.adaptive import AdaptivePoisson, windows
from backend.imaging.poisson.mixed_gradients import stronger_gradients
from backend.imaging.poisson.multigrid import MaskedPoisson, Network, Poll
from backend.imaging.poisson.tiles import TILE

Strips = Callable[[int, int], AnyArray]
"""Gives the rows from and to, `[rows, W, C]` float32."""

_RIM = 2  # pixels of image kept around the mask: the boundary values, and an even start for the coarse grids
_STRIP = 4 * TILE  # rows finished at a time
_OPENCV_DEPTHS = {np.dtype(np.uint8): cv2.CV_8U, np.dtype(np.uint16): cv2.CV_16U, np.dtype(np.float32): cv2.CV_32F}
_NEIGHBORS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def seamless_clone(
    source: AnyArray,
    target: AnyArray,
    mask: BoolArray,
    mixed: bool = False,
    *,
    transfer: FloatArray | None = None,
    tolerance: float = 5e-4,
    execution: Execution = ON_CPU,
) -> AnyArray:
    """Paste the masked part of `source` into `target` so that it takes on the target's colors at the outline.

    Args:
        source: `H x W x C` (or `H x W`), already aligned to the target, valid one pixel beyond the mask.
        target: same shape and dtype; any integer or float type.
        mask: `H x W` bool, any shape, any number of parts and holes. Where it meets the image's border the
            border is free (natural boundary condition).
        mixed: keep, for each pair of neighbors, the stronger gradient of the two images (eq. 13).
        transfer: `C x C`, applied to the source's colors before they are cloned; see `gradient_transfer`. Not with
            `mixed`.
        tolerance: the last change of the correction, relative to its largest value, at which the solver stops.
        execution: polled every few milliseconds of work.

    Returns:
        A new array like `target`; pixels outside the mask are bit-identical to it.

    Raises:
        ValueError: shapes or dtypes differ, or the mask covers everything.
        Cancelled: `execution.cancelled()` returned True.
    """
    _check(source, target, mask)
    result = target.copy()
    window = _window(mask)
    if window is None:
        return result
    report, poll = execution.report, execution.poll
    report(0.0)
    cut = np.ascontiguousarray(mask[window])
    new, old, pasted = (np.atleast_3d(image[window]) for image in (source, target, result))
    if mixed:
        new, transfer = stronger_gradients(new, old, poll), None
        report(0.4)
    done = 0.4 if mixed else 0.0
    matrix = None if transfer is None or np.array_equal(transfer, np.eye(len(transfer))) else transfer
    solving = replace(execution, progress=lambda fraction: report(done + (0.9 - done) * fraction))
    correction = _correction(new, old, cut, matrix, tolerance, solving)
    report(0.9)
    _add(new, correction, cut, pasted, poll, matrix)
    report(1.0)
    return result


def _check(source: AnyArray, target: AnyArray, mask: BoolArray) -> None:
    if source.shape != target.shape or source.dtype != target.dtype:
        raise ValueError(
            f"Source {source.shape} {source.dtype} and target {target.shape} {target.dtype} differ: "
            "place the source on a canvas like the target first."
        )
    if target.ndim not in (2, 3) or mask.shape != target.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(f"Expected a bool mask {target.shape[:2]} for the image, got {mask.dtype} {mask.shape}.")
    if mask.size and mask.all():
        raise ValueError(
            "The mask covers the whole image, so nothing of the target is left to blend with: "
            "make the selection smaller, or paste without blending."
        )


def _window(mask: BoolArray) -> tuple[slice, slice] | None:
    """The mask's bounding box and a rim, cut at the image's border."""
    box = bounding_box(mask)
    return None if box is None else box.padded(_RIM, mask.shape).window


def _correction(
    new: AnyArray,
    old: AnyArray,
    mask: BoolArray,
    matrix: FloatArray | None,
    tolerance: float,
    execution: Execution,
) -> Strips:
    """The function that is harmonic in the mask and `old - new` around it."""
    channels, device, poll, report = new.shape[2], execution.device, execution.poll, execution.report
    adaptive = AdaptivePoisson(mask, channels, device, poll)

    def difference(rows: IndexArray, columns: IndexArray) -> AnyArray:
        return np.subtract(windows(old, rows, columns), _times(matrix, windows(new, rows, columns)), dtype=np.float32)

    if adaptive.worthwhile and adaptive.solve(difference, tolerance, lambda fraction: report(0.9 * fraction)):
        report(1.0)
        return adaptive.strip
    inside = torch.from_numpy(mask).to(device)
    solver = MaskedPoisson(Network.of_mask(inside), channels, poll)
    offset = np.subtract(old, _times(matrix, new), dtype=np.float32)
    boundary = _boundary_sum(torch.from_numpy(offset).to(inside.device).permute(2, 0, 1).contiguous(), inside)
    del offset
    start = 0.9 if adaptive.worthwhile else 0.0
    dense = solver.solve(boundary, tolerance, lambda fraction: report(start + (1 - start) * fraction)).cpu().numpy()
    return lambda top, bottom: np.ascontiguousarray(np.moveaxis(dense[:, top:bottom], 0, -1))


def _boundary_sum(values: Tensor, inside: Tensor) -> Tensor:
    """Per pixel of the mask the sum of its neighbors' values outside of it (f* on the outline in eq. 7)."""
    total = torch.zeros_like(values)
    outside = F.pad(values * ~inside, (1, 1, 1, 1))
    height, width = inside.shape
    for dy, dx in _NEIGHBORS:
        total += outside[:, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
    return total.mul_(inside)


def _times(matrix: FloatArray | None, pixels: AnyArray) -> AnyArray:
    """The matrix times the color of every pixel `[..., C]`."""
    return pixels if matrix is None else np.asarray(pixels, np.float32) @ matrix.T


def _add(
    new: AnyArray,
    correction: Strips,
    mask: BoolArray,
    pasted: AnyArray,
    poll: Poll,
    matrix: FloatArray | None,
) -> None:
    """Write `new` plus the correction into the mask's pixels of `pasted`, rounded and clipped where it has integers."""
    height = len(mask)
    chosen = mask.view(np.uint8)

    def add(top: int) -> None:
        rows = slice(top, min(top + _STRIP, height))
        change = np.ascontiguousarray(correction(rows.start, rows.stop))
        if (depth := _OPENCV_DEPTHS.get(pasted.dtype)) is not None:
            cv2.copyTo(cv2.add(_times(matrix, new[rows]), change, dtype=depth), chosen[rows], pasted[rows])
            return
        values = np.add(_times(matrix, new[rows]), change, dtype=np.float32)
        if np.issubdtype(pasted.dtype, np.integer):
            limits = np.iinfo(pasted.dtype)
            np.clip(np.rint(values, out=values), limits.min, limits.max, out=values)
        np.copyto(pasted[rows], values.astype(pasted.dtype), where=mask[rows, :, None])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        try:
            for _ in pool.map(add, range(0, height, _STRIP)):
                poll()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
