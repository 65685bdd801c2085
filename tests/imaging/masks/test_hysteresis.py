"""Unsure islands and holes of a probability map."""

from __future__ import annotations

import numpy as np

from backend.imaging.masks.hysteresis import hysteresis, reconstruct


def body() -> np.ndarray:
    """A sure subject on a sure background."""
    probability = np.full((60, 60), 0.02, np.float32)
    probability[10:50, 10:40] = 0.99
    return probability


def test_a_badge_the_network_wavers_about_is_part_of_its_wearer() -> None:
    probability = body()
    probability[20:26, 20:28] = 0.4
    assert hysteresis(probability)[20:26, 20:28].min() > 0.95


def test_a_gap_it_is_sure_of_stays() -> None:
    probability = body()
    probability[20:30, 20:28] = 0.1
    np.testing.assert_array_equal(hysteresis(probability) < 0.5, probability < 0.5)


def test_a_faint_patch_beside_the_subject_goes_and_a_second_sure_subject_stays() -> None:
    probability = body()
    probability[5:12, 48:55] = 0.8
    probability[40:50, 48:55] = 0.99
    found = hysteresis(probability)
    assert found[5:12, 48:55].max() < 0.05
    assert found[40:50, 48:55].min() > 0.95


def test_a_small_thing_aside_goes_where_only_the_subject_is_meant() -> None:
    probability = body()  # 1200 pixels
    probability[5:12, 48:55] = 0.99  # 49
    probability[30:50, 45:55] = 0.99  # 200
    found = hysteresis(probability, small_island=0.12)
    assert found[5:12, 48:55].max() < 0.05
    assert found[30:50, 45:55].min() > 0.95
    assert hysteresis(probability)[5:12, 48:55].min() > 0.95


def test_where_it_is_sure_of_nothing_the_best_it_has_stays() -> None:
    probability = np.full((40, 40), 0.3, np.float32)
    probability[10:30, 10:30] = 0.7
    np.testing.assert_allclose(hysteresis(probability), probability, atol=1 / 255)


def test_reconstruction_keeps_the_peaks_that_hold_a_marker() -> None:
    mask = np.array([[0, 200, 0, 100, 60, 80, 0]], np.float32) / 255
    marker = np.array([[0, 200, 0, 0, 0, 80, 0]], np.float32) / 255
    expected = np.array([[0, 200, 0, 60, 60, 80, 0]], np.float32) / 255
    np.testing.assert_allclose(reconstruct(marker, mask), expected, atol=1e-6)
