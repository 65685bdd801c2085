"""Alpha at full size: sharper than the network, exact where it is known, strands kept, background out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.imaging import Cancelled
from backend.imaging.matting.refine import Quality, refine, trimap

HEIGHT, WIDTH, NETWORK = 480, 640, (96, 128)


def disc() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return np.clip(150.5 - np.hypot(x - 320, y - 240), 0, 1)


def strands() -> np.ndarray:
    """A disc with thin straight strands that a network of 96 x 128 pixels cannot draw."""
    alpha = (disc() * 255).astype(np.uint8)
    for turn in np.linspace(0, 2 * np.pi, 60, endpoint=False):
        ends = [np.array([320, 240]) + r * np.array([np.cos(turn), np.sin(turn)]) for r in (140, 175)]
        cv2.line(alpha, *[tuple(np.round(e * 16).astype(int).tolist()) for e in ends], 255, 2, cv2.LINE_AA, 4)
    return alpha.astype(np.float32) / 255


def photograph(alpha: np.ndarray) -> np.ndarray:
    """A textured warm subject on a textured cool background, uint8."""
    rng = np.random.default_rng(11)
    grain = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 2) * 0.25
    mixed = alpha[..., None] * np.float32([0.75, 0.45, 0.3]) + (1 - alpha[..., None]) * np.float32([0.25, 0.4, 0.65])
    return np.clip((mixed + grain) * 255, 0, 255).astype(np.uint8)


def answer(alpha: np.ndarray) -> np.ndarray:
    """What a small network would say: shrunk, moved by one of its pixels, blurred."""
    small = cv2.resize(alpha, NETWORK[::-1], interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(np.roll(small, 1, axis=1), (0, 0), 1.0)


def enlarged(probability: np.ndarray) -> np.ndarray:
    return cv2.resize(probability, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("quality", ["fast", "fine"])
def test_edges_follow_the_image(quality: Quality) -> None:
    truth = disc()
    alpha = refine(photograph(truth), answer(truth), quality=quality)
    assert alpha.shape == truth.shape and alpha.dtype == np.float32
    assert np.abs(alpha - truth).mean() < 0.25 * np.abs(enlarged(answer(truth)) - truth).mean()


def test_strands_are_kept_and_the_background_stays_out() -> None:
    truth = strands()
    probability = answer(truth)
    alpha = refine(photograph(truth), probability)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ring = (np.hypot(x - 320, y - 240) > 153) & (np.hypot(x - 320, y - 240) < 172)
    on, between = ring & (truth > 0.9), ring & (truth < 0.02)
    assert alpha[on].mean() > 0.75
    assert alpha[between].mean() < 0.12
    assert enlarged(probability)[on].mean() < 0.5


def test_exactly_zero_and_one_away_from_the_band() -> None:
    truth = disc()
    alpha = refine(photograph(truth), answer(truth))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    radius = np.hypot(x - 320, y - 240)
    assert (alpha[radius < 110] == 1).all()
    assert (alpha[radius > 190] == 0).all()


def test_hard_edge_is_thin_and_in_place() -> None:
    truth = strands()
    alpha = refine(photograph(truth), answer(truth), edge="hard")
    soft = refine(photograph(truth), answer(truth))
    fractional = ((alpha > 0) & (alpha < 1)).sum()
    assert 0 < fractional < 0.5 * ((soft > 0) & (soft < 1)).sum()
    plain = refine(photograph(disc()), answer(disc()), edge="hard")
    assert ((plain > 0.5) == (disc() > 0.5)).mean() > 0.997


def test_no_edge_in_the_image_leaves_the_networks_outline() -> None:
    probability = answer(disc())
    alpha = refine(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), probability)
    assert np.abs(alpha - enlarged(probability)).mean() < 0.02


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_bit_depths_agree(dtype: type) -> None:
    truth = disc()
    image = photograph(truth)
    deep = (image.astype(np.float32) / 255).astype(dtype) if dtype is np.float32 else image.astype(dtype) * 257
    np.testing.assert_allclose(refine(deep, answer(truth)), refine(image, answer(truth)), atol=0.03)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_sure_networks_are_believed(value: float) -> None:
    alpha = refine(photograph(disc()), np.full(NETWORK, value, np.float32))
    assert (alpha == value).all()


def test_larger_than_the_work_size() -> None:
    truth = cv2.resize(disc(), None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    image = cv2.resize(photograph(disc()), None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    alpha = refine(image, answer(disc()))
    bilinear = cv2.resize(answer(disc()), truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.abs(alpha - truth).mean() < 0.3 * np.abs(bilinear - truth).mean()


def test_trimap_is_unknown_around_the_contour_and_where_unsure() -> None:
    probability = np.zeros((40, 60), np.float32)
    probability[:, 30:] = 1
    probability[5:8, 50:53] = 0.7
    known = trimap(probability, band=4)
    assert known.unknown[20, 27:33].all() and known.unknown[6, 51]
    assert known.background[20, 10] and known.foreground[20, 45]
    assert not (known.background & known.foreground).any()


def test_progress_cancel_and_shapes() -> None:
    image, probability = photograph(disc()), answer(disc())
    seen: list[float] = []
    refine(image, probability, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1
    with pytest.raises(Cancelled):
        refine(image, probability, cancelled=lambda: True)
    with pytest.raises(ValueError, match="H x W x 3"):
        refine(image[..., 0], probability)
