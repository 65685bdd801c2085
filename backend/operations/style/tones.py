"""Light and dark of an image kept in what is painted of it."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.color.spaces import REC601, to_unit
from backend.imaging.downsample import reduced
from backend.imaging.matting.guided_filter import resize_part
from backend.io.rasters import as_depth, depth_of

from ..region import BLOCK

WORK_SIZE = 256  # longest side of the copies whose light is compared
SPREAD = 0.03  # standard deviation of the neighborhood that is compared, of the longer side
DARKEST, LIGHTEST = 0.02, 0.98  # means beyond are taken as these: black and white have no exponent
DETAIL_SIZE = 1024  # longest side of the copy in which detail is looked for
NOISE = (0.33 / 255, 0.5 / 255)  # deviation from smoothness up to which there is no detail, and from which there is
SMOOTH = 0.08  # standard deviation of the blur where there is none, of the longer side
STEEPEST = 12.0  # largest exponent


def keep_tones(image: AnyArray, painted: AnyArray, amount: float) -> None:
    """Gives `painted` the light that `image` has on the large scale, in place; strokes and colors stay.

    Each pixel gets an exponent under which the mean around it becomes that of the image, so that nothing is clipped.
    Both: H x W x 3 of one type, sRGB-encoded, floats in 0..1; amount: 0..1.
    """
    if not amount:
        return
    _keep_smooth(image, painted, min(1.0, 2 * amount))
    height, width = image.shape[:2]
    size = _size(image, WORK_SIZE)
    before, after = (_light(each, size) for each in (image, painted))
    wanted = np.clip(after + np.float32(amount) * (before - after), DARKEST, LIGHTEST)
    exponent = np.log(wanted) / np.log(np.clip(after, DARKEST, LIGHTEST))
    exponent = np.clip(exponent, 1 / STEEPEST, STEEPEST).astype(np.float32)
    for top in range(0, height, BLOCK):
        rows = slice(top, min(top + BLOCK, height))
        part = resize_part(exponent, (width, height), rows, slice(0, width))
        lit = np.power(np.clip(to_unit(painted[rows]), 0, 1), part.reshape(rows.stop - top, width, 1))
        painted[rows] = as_depth(lit, depth_of(painted))


def _keep_smooth(image: AnyArray, painted: AnyArray, amount: float) -> None:
    """Smooths `painted` where the image has no detail at all, in place: the network, which looks at contrast alone,
    would make bands of a gradient's last bits."""
    height, width = image.shape[:2]
    size, small = _size(image, DETAIL_SIZE), _size(image, WORK_SIZE)
    luma = to_unit(reduced(image, size)).reshape(size[1], size[0], 3) @ REC601
    fine = luma - cv2.GaussianBlur(luma, (0, 0), 3)
    for side in (fine, fine.T):  # at the border the blur of a slope is bent
        rim = min(9, len(side) // 4)
        side[:rim] = side[len(side) - rim :] = 0
    rough = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 8)) * np.float32(max(height, width) / max(size))
    share = np.clip((NOISE[1] - rough) / (NOISE[1] - NOISE[0]), 0, 1).astype(np.float32)
    if not share.any():
        return
    weight = cv2.resize(share, small, interpolation=cv2.INTER_AREA).reshape(small[1], small[0])
    colors = to_unit(reduced(painted, small)).reshape(small[1], small[0], 3)
    sigma = SMOOTH * max(small)
    total = cv2.GaussianBlur(colors * weight[..., None], (0, 0), sigma)
    mean = (total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), np.float32(1e-6))[..., None]).astype(np.float32)
    for top in range(0, height, BLOCK):
        rows = slice(top, min(top + BLOCK, height))
        mix = resize_part(share, (width, height), rows, slice(0, width)).reshape(-1, width, 1) * np.float32(amount)
        if mix.any():
            flat = resize_part(mean, (width, height), rows, slice(0, width)).reshape(-1, width, 3)
            unit = to_unit(painted[rows])
            painted[rows] = as_depth(np.clip(unit + mix * (flat - unit), 0, 1), depth_of(painted))


def _size(image: AnyArray, longest: int) -> tuple[int, int]:
    shrink = min(1.0, longest / max(image.shape[:2]))
    return max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink))


def _light(image: AnyArray, size: tuple[int, int]) -> FloatArray:
    """Luma on the large scale, h x w."""
    luma = to_unit(reduced(image, size)).reshape(size[1], size[0], 3) @ REC601
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), max(1.0, SPREAD * max(size))), np.float32)
