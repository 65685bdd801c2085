"""K-means segmentation: weighted features, neighborhood correction, choice of the subject, on real images."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from backend.imaging import Cancelled
from backend.imaging.color.spaces import to_unit
from backend.imaging.masks.kmeans import Segmentation, Weights, segment, subject_mask


def noisy_halves() -> np.ndarray:
    """Red left, blue right, with single pixels of the other color."""
    image = np.zeros((40, 60, 3), np.float32)
    image[:, :30, 0] = 0.8
    image[:, 30:, 2] = 0.8
    for y, x in ((5, 10), (20, 15), (30, 45), (12, 50)):
        image[y, x] = image[y, x, ::-1]
    return image


def test_two_colors_are_two_clusters() -> None:
    labels = segment(noisy_halves(), correction_passes=0).labels
    assert labels[0, 0] != labels[0, -1]
    assert labels[5, 10] == labels[0, -1]


def test_neighbors_correct_single_pixels() -> None:
    labels = segment(noisy_halves(), correction_passes=1).labels
    assert (labels[:, :30] == labels[0, 0]).all()
    assert (labels[:, 30:] == labels[0, -1]).all()


def test_weights_decide_what_divides() -> None:
    position = segment(noisy_halves(), 2, Weights(lightness=0, color=0, position=1, texture=0), correction_passes=0)
    assert position.labels[5, 10] == position.labels[0, 0]
    assert np.ptp(position.centers[:, :3]) == 0


def test_same_generator_same_labels() -> None:
    image = to_unit(data.chelsea())
    first, second = (segment(image, 4, generator=np.random.default_rng(7)).labels for _ in range(2))
    assert np.array_equal(first, second)


def test_coat_of_the_cat_is_the_subject() -> None:
    mask = subject_mask(segment(to_unit(data.chelsea())))
    assert mask[140:200, 120:180].mean() > 0.8 * 255  # between the eyes and on the nose
    assert mask[:60, 410:].mean() < 0.1 * 255  # the background on the right


def test_selection_chooses_the_clusters() -> None:
    segmentation = segment(noisy_halves())
    selection = np.zeros((40, 60), np.uint8)
    selection[10:20, 40:50] = 255
    mask = subject_mask(segmentation, selection)
    assert mask[:, 30:].all()
    assert not mask[:, :30].any()


def test_subject_is_in_the_middle_without_a_selection() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[10:40, 20:40] = 1
    mask = subject_mask(Segmentation(labels, np.zeros((2, 6), np.float32)))
    assert np.array_equal(mask > 0, labels == 1)


def test_flat_image_does_not_fail() -> None:
    assert segment(np.full((20, 20, 3), 0.5, np.float32), 3).labels.shape == (20, 20)


def test_bad_input_and_cancel() -> None:
    with pytest.raises(ValueError, match="H x W x 3"):
        segment(np.zeros((4, 4), np.float32))
    with pytest.raises(ValueError, match="2 to 32"):
        segment(noisy_halves(), 1)
    with pytest.raises(Cancelled):
        segment(noisy_halves(), cancelled=lambda: True)
