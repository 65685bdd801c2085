"""Colors of one image related to those of another: recolored copies, drifting light, and images that have nothing in
common."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging.poisson.gradient_transfer import GAINS, estimate_transfer

SIZE = (240, 200)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return (cv2.resize(data.astronaut(), SIZE, interpolation=cv2.INTER_AREA) / 255).astype(np.float32)


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    mask = np.zeros(SIZE[::-1], bool)
    mask[60:140, 70:150] = True
    return mask


@pytest.fixture(scope="module")
def everywhere(mask: np.ndarray) -> np.ndarray:
    return np.ones_like(mask)


MATRIX = np.array([[1.3, 0.1, -0.1], [0.05, 0.8, 0.0], [-0.1, 0.15, 1.1]], np.float32)


@pytest.mark.parametrize("drift", [0.0, 0.15])
def test_the_matrix_between_a_copy_and_its_original_is_found_though_the_offset_drifts(
    photograph: np.ndarray, mask: np.ndarray, everywhere: np.ndarray, drift: float
) -> None:
    target = 0.25 + 0.5 * photograph
    offset = drift * np.linspace(-1, 1, SIZE[0], dtype=np.float32)[None, :, None]
    source = (target - 0.5 - offset) @ np.linalg.inv(MATRIX).T + 0.5
    found = estimate_transfer(source.astype(np.float32), target, mask, everywhere)
    assert found.agreement == 1
    np.testing.assert_allclose(found.matrix, MATRIX, atol=0.08)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_image_gives_the_exact_identity(
    photograph: np.ndarray, mask: np.ndarray, everywhere: np.ndarray, kind: type, channels: int
) -> None:
    full = 1 if kind is np.float32 else np.iinfo(kind).max
    image = (photograph[..., :channels] * full).astype(kind)
    found = estimate_transfer(image, image, mask, everywhere)
    assert found.agreement == 1
    assert np.array_equal(found.matrix, np.eye(channels))


@pytest.mark.parametrize("other", ["coffee", "chelsea", "rocket"])
def test_of_two_scenes_nothing_is_concluded(
    photograph: np.ndarray, mask: np.ndarray, everywhere: np.ndarray, other: str
) -> None:
    scene = (cv2.resize(getattr(data, other)(), SIZE, interpolation=cv2.INTER_AREA) / 255).astype(np.float32)
    found = estimate_transfer(photograph, scene, mask, everywhere)
    assert found.agreement == 0
    assert np.array_equal(found.matrix, np.eye(3))


def test_flat_or_missing_surroundings_say_nothing(photograph: np.ndarray, mask: np.ndarray) -> None:
    flat = np.full_like(photograph, 0.5)
    for source, target, known in (
        (flat, flat + 0.2, np.ones_like(mask)),
        (photograph, photograph * 0.5, mask),
        (photograph, photograph * 0.5, np.zeros_like(mask)),
    ):
        found = estimate_transfer(source, target, mask, known)
        assert found.agreement == 0
        assert np.array_equal(found.matrix, np.eye(3))


def test_gains_stay_within_bounds(photograph: np.ndarray, mask: np.ndarray, everywhere: np.ndarray) -> None:
    found = estimate_transfer(0.5 + 0.02 * photograph, photograph, mask, everywhere)
    gains = np.linalg.svd(found.matrix)[1]
    assert GAINS[0] - 1e-6 <= gains.min() <= gains.max() <= GAINS[1] + 1e-6
