"""Seamless cloning against Perez et al. 2003: a direct solve of eq. 7, eq. 13, and what a user sees."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import spsolve
from skimage import data

from backend.imaging import Cancelled, Execution
from backend.imaging.poisson.seamless_clone import seamless_clone

HEIGHT, WIDTH = 93, 121
Y, X = np.mgrid[:HEIGHT, :WIDTH]
DISC = ((Y - 45) / 40) ** 2 + ((X - 60) / 50) ** 2 < 1
RANDOM = np.random.default_rng(1).random((HEIGHT, WIDTH))

MASKS = {
    "disc": DISC,
    "disc with one-pixel holes": DISC & ~((Y % 17 == 5) & (X % 19 == 3)),
    "rectangle": (Y > 3) & (Y < 80) & (X > 7) & (X < 117),
    "one pixel": (Y == 40) & (X == 50),
    "slivers": ((X + Y) % 9 < 2) & (X > 3),
    "one-pixel columns": X % 2 == 0,
    "two parts": (((Y - 20) / 15) ** 2 + ((X - 30) / 25) ** 2 < 1) | (((Y - 70) / 18) ** 2 + ((X - 90) / 20) ** 2 < 1),
    "maze": (X % 6 > 1) | ((Y % 30 < 2) & (X % 12 < 7)),
    "corner of the image": (Y < 60) & (X > 50),
    "all but one pixel": ~((Y == 30) & (X == 77)),
    "all but the left column": X > 0,
    "half of the pixels": RANDOM < 0.5,
    "most of the pixels": RANDOM < 0.98,
}


def photographs(dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Two images of the tests' size in the full range of a dtype, 0..1 for floats.

    Floats are multiples of 1/256: differences are exact, so that equal gradients are equal here and in the reference.
    """
    window = np.s_[100 : 100 + HEIGHT, 200 : 200 + WIDTH]
    images = (data.astronaut()[window], data.coffee()[window])
    scale = np.iinfo(dtype).max / 255 if np.issubdtype(dtype, np.integer) else 1 / 256
    source, target = ((image * scale).astype(dtype) for image in images)
    return source, target


def neighbors(mask: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """(y, x, y of the neighbor, x of the neighbor) for the mask's pixels, per direction, inside the image."""
    height, width = mask.shape
    pairs = []
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        y, x = np.nonzero(mask)
        kept = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        pairs.append((y[kept], x[kept], y[kept] + dy, x[kept] + dx))
    return pairs


def direct_clone(source: np.ndarray, target: np.ndarray, mask: np.ndarray, mixed: bool) -> np.ndarray:
    """Eq. 7 of the paper for f itself, assembled pixel by pixel in float64 and solved by a sparse direct method."""
    g, f_star = source.astype(float), target.astype(float)
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    degree, right_side = np.zeros(mask.sum()), np.zeros((mask.sum(), source.shape[2]))
    rows, columns = [], []
    for y, x, y2, x2 in neighbors(mask):
        p = number[y, x]
        degree[p] += 1
        guidance = g[y, x] - g[y2, x2]
        if mixed:
            other = f_star[y, x] - f_star[y2, x2]
            guidance = np.where(abs(other) > abs(guidance), other, guidance)
        outline = ~mask[y2, x2]
        right_side[p] += guidance + np.where(outline[:, None], f_star[y2, x2], 0)
        rows.append(p[~outline])
        columns.append(number[y2, x2][~outline])
    row, column = np.concatenate(rows), np.concatenate(columns)
    matrix = diags(degree) - csc_matrix((np.ones(len(row)), (row, column)), shape=(len(degree),) * 2)
    result = f_star.copy()
    result[mask] = spsolve(matrix.tocsc(), right_side).reshape(right_side.shape)
    return result


def gradient_range(*images: np.ndarray) -> float:
    return max(float(np.ptp(np.diff(image.astype(float), axis=axis))) for image in images for axis in (0, 1))


@pytest.mark.parametrize("mixed", [False, True], ids=["normal", "mixed"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_agrees_with_direct_solve(mask: np.ndarray, mixed: bool) -> None:
    source, target = photographs()
    result = seamless_clone(source, target, mask, mixed)
    reference = direct_clone(source, target, mask, mixed)
    assert abs(result - reference).max() <= 1e-3 * gradient_range(source, target)


@pytest.mark.parametrize("mixed", [False, True], ids=["normal", "mixed"])
def test_satisfies_the_equation_at_a_large_size(mixed: bool) -> None:
    source, target = (np.kron(image, np.ones((8, 8, 1), np.float32)) for image in photographs())
    mask = np.kron(DISC, np.ones((8, 8), bool))
    result = seamless_clone(source, target, mask, mixed).astype(float)
    residual = np.zeros_like(result)
    for y, x, y2, x2 in neighbors(mask):
        guidance = source[y, x] - source[y2, x2]
        if mixed:
            other = target[y, x] - target[y2, x2]
            guidance = np.where(abs(other) > abs(guidance), other, guidance)
        residual[y, x] += result[y, x] - result[y2, x2] - guidance
    assert abs(residual).max() <= 1e-3 * gradient_range(source, target)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_depth_and_channel_count(dtype: type, channels: int) -> None:
    source, target = (np.dstack([image, image])[..., :channels] for image in photographs(dtype))
    result = seamless_clone(source, target, DISC)
    assert result.dtype == dtype
    assert result.shape == target.shape
    assert np.array_equal(result[~DISC], target[~DISC])
    integer = np.issubdtype(dtype, np.integer)
    limit = np.iinfo(dtype).max if integer else 1.0
    reference = direct_clone(source, target, DISC, mixed=False)
    if integer:
        reference = np.clip(reference, 0, limit)
    assert abs(result - reference).max() <= (2e-3 if dtype == np.float16 else 1e-3) * limit + 0.5 * integer


def test_gray_image_without_channel_axis() -> None:
    source, target = (image[..., 0] for image in photographs())
    result = seamless_clone(source, target, DISC)
    assert np.array_equal(result, seamless_clone(source[..., None], target[..., None], DISC)[..., 0])


def test_same_image_in_another_brightness_takes_on_the_targets() -> None:
    _, target = photographs()
    result = seamless_clone(target + np.float32(0.2), target, DISC)
    assert np.allclose(result, target, atol=5e-4)


def test_mixed_gradients_keep_texture_of_the_target_under_a_flat_source() -> None:
    _, target = photographs()
    flat = np.full_like(target, 0.5)
    assert np.allclose(seamless_clone(flat, target, DISC, mixed=True), target, atol=3e-3)
    images = (target, seamless_clone(flat, target, DISC))
    texture, membrane = (abs(np.diff(image[45, 20:100], axis=0)).mean() for image in images)
    assert membrane < 0.5 * texture


def test_large_values_keep_float32_accuracy() -> None:
    source, target = photographs()
    near = seamless_clone(source, target, DISC)
    far = seamless_clone(source * 1000, target * 1000, DISC)
    assert np.allclose(far / 1000, near, atol=2e-4)


def test_empty_mask_returns_a_copy() -> None:
    source, target = photographs()
    result = seamless_clone(source, target, np.zeros_like(DISC))
    assert np.array_equal(result, target)
    assert result is not target


def test_mask_over_everything_says_what_to_do() -> None:
    source, target = photographs()
    with pytest.raises(ValueError, match="make the selection smaller"):
        seamless_clone(source, target, np.ones_like(DISC))


def test_images_that_differ_are_refused() -> None:
    source, target = photographs()
    with pytest.raises(ValueError, match="canvas"):
        seamless_clone(source[1:], target, DISC)
    with pytest.raises(ValueError, match="bool mask"):
        seamless_clone(source, target, DISC.astype(np.uint8))


def test_progress_rises_to_one() -> None:
    fractions: list[float] = []
    seamless_clone(*photographs(), DISC, execution=Execution(progress=fractions.append))
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1


def test_cancel_stops_soon() -> None:
    source, target = (np.kron(image, np.ones((10, 10, 1), np.float32)) for image in photographs())
    mask = np.kron(DISC, np.ones((10, 10), bool))
    stop, polls = threading.Event(), 0

    def cancelled() -> bool:
        nonlocal polls
        polls += 1
        if polls == 20:
            stop.set()
        return stop.is_set()

    with pytest.raises(Cancelled):
        seamless_clone(source, target, mask, execution=Execution(cancelled=cancelled))
    assert polls == 20


DEVICES = [name for name in ("cpu", "cuda", "mps") if name == "cpu" or getattr(torch, name).is_available()]


@pytest.mark.parametrize("device", DEVICES)
def test_devices_agree(device: str) -> None:
    source, target = photographs()
    on_device = seamless_clone(source, target, DISC, execution=Execution(device))
    assert np.allclose(on_device, seamless_clone(source, target, DISC), atol=1e-3)
