"""Alpha at full size from a network's small probability map and the full-size image.

Where the network is sure, alpha is 0 or 1; in the unknown band alpha is a linear function of the colors nearby, fitted
to the sure pixels on both sides. The fits run on an image of about a thousand pixels and are applied at native size:
alpha and color are both averaged when an image is shrunk, so a linear relation between them holds at either size,
and a strand of one native pixel keeps its place. Alphas are float32, 0..1; masks are bool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.imaging import Cancelled
from backend.imaging.arrays import AnyArray, BoolArray, FloatArray, IndexArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from backend.imaging.masks.regions import bounding_box
from backend.imaging.matting.closed_form import MattingConfig, closed_form_matting
from backend.imaging.matting.guided_filter import (
    LinearModel,
    apply_coefficients,
    guided_coefficients,
    resize,
    resize_part,
)

Edge = Literal["soft", "hard"]
Quality = Literal["fast", "fine"]
Block = tuple[slice, slice]  # rows and columns of the native image

WORK_SIZE = 512  # longest side, in pixels, of the image on which the models are fitted
FINE_SIZE = 1024  # and of that on which closed-form matting is solved
SURE = 0.9  # a probability beyond this, or below 1 - this, is known outside the band
BAND = 1.5  # half the width of the band around the 0.5 contour, in network pixels
STRAND_REACH = 6.0  # how far beyond the band strands are followed outward, in network pixels
GAP_REACH = 2.0  # and gaps inward
EPS = 3e-5  # ridge of the linear models, in squared color units of 0..1
CLEAR = (0.3, 0.6)  # R squared from which colors begin to decide alpha, and from which they decide it alone
FOG = 0.1  # alphas this close to 0 or 1 become 0 or 1: noise of the linear model, not hair
OUTLINE = 0.3  # smoothing of a hard edge, in network pixels
THREADS = 2  # that walk them; more wait for the interpreter
BLOCK = 64  # height of the blocks in which the native image is walked, and the step of their widths


@dataclass(frozen=True)
class Trimap:
    """What is known of an image's alpha: H x W masks that do not overlap; the rest is the unknown band."""

    foreground: BoolArray
    background: BoolArray

    @property
    def unknown(self) -> BoolArray:
        band: BoolArray = ~(self.foreground | self.background)
        return band

    def opened(self, pixels: BoolArray) -> Trimap:
        """The same with these pixels unknown."""
        return Trimap(self.foreground & ~pixels, self.background & ~pixels)


@dataclass(frozen=True)
class _Model:
    """Alpha as a linear function of color, on the work grid, with the bounds the trimap sets."""

    linear: FloatArray  # h x w x 4: a factor a color, and the constant
    bounds: FloatArray  # h x w x 2: 1 in the known foreground, 0 in the known background


def trimap(probability: FloatArray, band: float) -> Trimap:
    """Known where the probability is near 0 or 1 and the 0.5 contour at least `band` pixels away.

    probability: H x W, 0..1.
    """
    inside = (probability > 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    distance = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    return Trimap((depth > band) & (probability > SURE), (distance > band) & (probability < 1 - SURE))


def refine(
    image: NDArray[np.generic],
    probability: FloatArray,
    *,
    edge: Edge = "soft",
    quality: Quality = "fast",
    band: float = BAND,
    out: AnyArray | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> AnyArray:
    """Alpha of the subject at the image's own size.

    Args:
        image: H x W x 3, uint8, uint16, or float 0..1, sRGB-encoded.
        probability: h x w of any size up to the image's, 0..1, as a network gives it.
        edge: "soft" keeps hair and fur, "hard" is a clean anti-aliased outline along the image's contours.
        quality: "fine" solves closed-form matting on the band, some seconds instead of tenths.
        band: half the width of the unknown band around the 0.5 contour, in network pixels.
        out: H x W float32, or uint8 for 0..255, that is written and returned; a new float32 array when None.
        progress: called with the finished fraction.
        cancelled: polled between blocks.

    Returns:
        H x W, exactly 0 or 1 (255) outside the band.

    Raises:
        ValueError: the shapes do not fit.
        Cancelled: `cancelled()` returned True.
    """
    if image.ndim != 3 or image.shape[2] != 3 or probability.ndim != 2:
        raise ValueError(f"matting needs an image H x W x 3 and a map h x w, got {image.shape} and {probability.shape}")
    height, width = image.shape[:2]
    shrink = min(1.0, (FINE_SIZE if quality == "fine" else WORK_SIZE) / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    guide = to_unit(reduced(image, size))
    enlarged = cv2.resize(probability.astype(np.float32, copy=False), size, interpolation=cv2.INTER_CUBIC)
    pixel = max(size) / max(probability.shape)  # a network pixel, in work pixels
    model = _fit_model(guide, np.clip(enlarged, 0, 1), max(pixel, 1.0), band, quality, cancelled)
    outline = max(0.7, OUTLINE * pixel / shrink) if edge == "hard" else None
    alpha = np.empty((height, width), np.float32) if out is None else out
    full = 255 if alpha.dtype == np.uint8 else 1

    def settle(block: Block) -> None:
        _poll(cancelled)
        part = _native_block(image, model, block, outline)
        alpha[block] = part if alpha.dtype != np.uint8 else cv2.convertScaleAbs(part, alpha=full)

    band_blocks = []
    for block, known in _blocks(model, outline, height, width):
        if known is None:
            band_blocks.append(block)
        else:
            alpha[block] = full if known else 0
    with ThreadPoolExecutor(THREADS) as pool:
        for done, _ in enumerate(pool.map(settle, band_blocks)):
            if progress is not None:
                progress((done + 1) / len(band_blocks))
    return alpha


def _fit_model(
    guide: FloatArray,
    probability: FloatArray,
    pixel: float,
    band: float,
    quality: Quality,
    cancelled: Callable[[], bool] | None,
) -> _Model:
    step = max(1, round(max(probability.shape) / WORK_SIZE))
    known = trimap(probability, band * pixel)
    if known.unknown.any():
        known = known.opened(_strands(guide, probability, known, pixel, step))
    _poll(cancelled)
    # From wide windows on a thumbnail, which see both sides of the band, to narrow windows that follow detail.
    opinion, weight = _evidence(probability, known)
    wide = _fit(guide, opinion, weight, 2 * step, 4 * pixel)
    # Where colors do not tell the sides apart the network's opinion is all there is.
    clear = np.clip((wide.quality - CLEAR[0]) / (CLEAR[1] - CLEAR[0]), 0, 1)
    alpha = _bounded(clear * apply_coefficients(guide, wide.a, wide.b) + (1 - clear) * opinion, known)
    _poll(cancelled)
    model = _fit(guide, alpha, np.where(known.unknown, np.square(2 * alpha - 1), np.float32(1)), step, 2 * pixel)
    if quality == "fine":
        alpha = _closed_form(guide, _bounded(apply_coefficients(guide, model.a, model.b), known), known, cancelled)
        model = guided_coefficients(guide, alpha, 4, 1e-5, by_fit=True)
    bounds = np.dstack([known.foreground, ~known.background]).astype(np.float32)
    return _Model(np.dstack([model.a, model.b]), bounds)


def _evidence(probability: FloatArray, known: Trimap) -> tuple[FloatArray, FloatArray]:
    """What the fits aim at and how far it is trusted: the known pixels, and faintly the network's opinion elsewhere."""
    opinion = np.clip(4 * probability - 1.5, 0, 1)  # a wide stretch of doubt is decided rather than left as fog
    target = _bounded(opinion, known)
    weight = np.where(known.unknown, 0.02 * np.square(2 * target - 1) + 0.001, 1).astype(np.float32)
    return target, weight


def _fit(guide: FloatArray, target: FloatArray, weight: FloatArray, step: int, radius: float) -> LinearModel:
    """Linear models fitted on a grid `step` times coarser than the guide, on the guide's grid."""
    height, width = target.shape
    small = (max(1, width // step), max(1, height // step))
    model = guided_coefficients(
        resize(guide, small),
        resize(target, small),
        max(1, round(radius / step)),
        EPS,
        resize(weight, small),
        by_fit=True,
    )
    return LinearModel(*(resize(x, (width, height)) for x in model))


def _strands(guide: FloatArray, probability: FloatArray, known: Trimap, pixel: float, step: int) -> BoolArray:
    """Known pixels that look like the other side and hang together with the band: hair outside, gaps inside.

    The network loses strands thinner than its own pixels; their colors give them away where the colors of the two
    sides differ clearly.
    """
    height, width = probability.shape
    small = (max(1, width // step), max(1, height // step))
    colors = resize(guide, small)
    target, weight = (resize(x, small) for x in _evidence(probability, known))
    radius = max(1, round(6 * pixel / step))
    model = guided_coefficients(colors, target, radius, EPS, weight, by_fit=True)
    alpha = apply_coefficients(colors, model.a, model.b)
    clear = model.quality > 0.5
    near = {
        side: cv2.distanceTransform(resize(mask.astype(np.float32), small).round().astype(np.uint8), cv2.DIST_L2, 3)
        for side, mask in (("out", known.background), ("in", known.foreground))
    }
    strand = (alpha > 0.35) & clear & (near["out"] > 0) & (near["out"] < STRAND_REACH * pixel / step)
    gap = (alpha < 0.65) & clear & (near["in"] > 0) & (near["in"] < GAP_REACH * pixel / step)
    unknown = resize(known.unknown.astype(np.float32), small) > 0.5
    found = _connected(strand, unknown) | _connected(gap, unknown)
    reach = 2 * round(pixel / step) + 1
    grown = cv2.dilate(found.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    opened: BoolArray = cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return opened


def _connected(pixels: BoolArray, seeds: BoolArray) -> BoolArray:
    """Those of the pixels that reach a seed through pixels."""
    count, label = cv2.connectedComponents((pixels | seeds).astype(np.uint8))
    touches = np.zeros(count, bool)
    touches[label[seeds]] = True
    touches[0] = False
    found: BoolArray = pixels & touches[label]
    return found


def _closed_form(
    guide: FloatArray, alpha: FloatArray, known: Trimap, cancelled: Callable[[], bool] | None
) -> FloatArray:
    """Closed-form matting on the band's bounding box, drawn faintly to the guided estimate where that is decided."""
    band = bounding_box(known.unknown)
    if band is None:
        return alpha
    box = band.padded(4, alpha.shape).window
    weight = np.where(known.unknown[box], 1.0 * np.square(2 * alpha[box] - 1), 100).astype(np.float32)
    solved = alpha.copy()
    config = MattingConfig(levels=2, iterations=25)
    solved[box] = closed_form_matting(
        guide[box], alpha[box], weight, start=alpha[box], config=config, cancelled=cancelled
    )
    return _bounded(solved, known)


def _halo(outline: float | None) -> int:
    """How far around a native pixel a hard edge's smoothing (sigma in pixels) looks; a soft edge (None) does not."""
    return 0 if outline is None else int(3 * outline) + 2


def _blocks(model: _Model, outline: float | None, height: int, width: int) -> Iterator[tuple[Block, bool | None]]:
    """The native image in blocks, neighbors in a row joined where they are alike: foreground throughout (True),
    background (False), or the band (None)."""
    cover = [
        _cover(size, grid, _halo(outline)) for size, grid in zip((height, width), model.bounds.shape, strict=False)
    ]
    beyond, within = _counts(model.bounds[..., 1] > 0, *cover), _counts(model.bounds[..., 0] < 1, *cover)
    for number, row in enumerate(np.where(beyond == 0, 0, np.where(within == 0, 1, 2))):
        rows = slice(number * BLOCK, min(height, (number + 1) * BLOCK))
        changes = np.flatnonzero(np.diff(row)) + 1
        for start, stop in zip([0, *changes], [*changes, len(row)], strict=True):
            yield (rows, slice(start * BLOCK, min(width, stop * BLOCK))), (False, True, None)[row[start]]


def _cover(size: int, grid: int, halo: int) -> tuple[IndexArray, IndexArray]:
    """First and last + 1 of the cells of a grid over `size` pixels that the blocks along them see."""
    start = np.arange(0, size, BLOCK)
    first, last = np.maximum(start - halo, 0), np.minimum(start + BLOCK + halo, size)
    return first * grid // size, np.minimum(-(-last * grid // size) + 1, grid)


def _counts(mask: BoolArray, rows: tuple[Any, Any], columns: tuple[Any, Any]) -> NDArray[np.int32]:
    """How many pixels of a mask are set in the rectangles between those rows and those columns."""
    sums = cv2.integral(mask.view(np.uint8))
    (top, bottom), (left, right) = rows, columns
    above, below = sums[top], sums[bottom]
    found: NDArray[np.int32] = below[:, right] - below[:, left] - above[:, right] + above[:, left]
    return found


def _native_block(image: NDArray[np.generic], model: _Model, block: Block, outline: float | None) -> FloatArray:
    """Alpha of one block of the native image; outline: smoothing (sigma, native pixels) of a hard edge, else None."""
    height, width = image.shape[:2]
    halo = _halo(outline)
    rows, columns = (
        slice(max(0, s.start - halo), min(n, s.stop + halo)) for s, n in zip(block, (height, width), strict=True)
    )

    def at_native(x: FloatArray) -> FloatArray:
        return resize_part(x, (width, height), rows, columns)

    linear, bounds = at_native(model.linear), at_native(model.bounds)
    fitted = apply_coefficients(to_unit(image[rows, columns]), linear[..., :3], linear[..., 3])
    alpha: FloatArray = np.clip((fitted - FOG) / (1 - 2 * FOG), bounds[..., 0], bounds[..., 1])
    if outline is None:
        return alpha
    top, left = block[0].start - rows.start, block[1].start - columns.start
    inner = np.s_[top : top + block[0].stop - block[0].start, left : left + block[1].stop - block[1].start]
    sharp: FloatArray = _outline(alpha, outline)[inner]
    return sharp


def _outline(alpha: FloatArray, sigma: float) -> FloatArray:
    """The 0.5 contour of the smoothed alpha, anti-aliased: the distance to it over a ramp of one pixel."""
    smooth = cv2.GaussianBlur(alpha, (0, 0), sigma)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=1 / 8) for dx in (1, 0))
    sharp: FloatArray = np.clip(0.5 + (smooth - 0.5) / np.maximum(np.hypot(across, down), np.float32(1e-4)), 0, 1)
    return sharp


def _bounded(alpha: FloatArray, known: Trimap) -> FloatArray:
    """alpha cut to 0..1, and what is known put in."""
    cut: FloatArray = np.clip(alpha, known.foreground.astype(np.float32), (~known.background).astype(np.float32))
    return cut


def _poll(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled
