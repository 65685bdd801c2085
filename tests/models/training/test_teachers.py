"""Which of the teachers' answers become training targets."""

from __future__ import annotations

import numpy as np

from models.training.segmentation.teachers import PERSON, agreed_subject, people_in_a_scene, sure_subject


def scene(people: int, others: int = 0) -> np.ndarray:
    """129 x 129 class map with so many people, each 16 x 6, and so many cars of the same size."""
    labels = np.zeros((129, 129), np.uint8)
    for i in range(people):
        labels[60:76, 8 + 14 * i : 14 + 14 * i] = PERSON
    for i in range(others):
        labels[90:106, 8 + 14 * i : 14 + 14 * i] = 7
    return labels


def test_people_across_the_street_are_the_subject() -> None:
    mask = people_in_a_scene(scene(people=3))
    assert mask is not None
    assert mask[66, 11] > 0.9
    assert mask[20, 20] == 0


def test_a_crowd_one_speck_or_people_among_cars_are_not() -> None:
    assert people_in_a_scene(scene(people=8)) is None
    assert people_in_a_scene(scene(people=1)) is None
    assert people_in_a_scene(scene(people=3, others=2)) is None


def test_a_portrait_counts_where_both_teachers_agree() -> None:
    labels = np.zeros((129, 129), np.uint8)
    labels[30:129, 30:100] = PERSON
    same = (labels == PERSON).astype(np.float32)
    assert agreed_subject(labels, same) is not None
    assert agreed_subject(labels, np.roll(same, 60, axis=1)) is None


def test_networks_label_what_they_see_alike() -> None:
    first = np.zeros((129, 129), np.float32)
    first[30:90, 40:100] = 0.9
    second = np.roll(first, 4, axis=0)
    sure = sure_subject([first, second])
    assert sure is not None
    np.testing.assert_allclose(sure, (first + second) / 2)
    assert sure_subject([first, np.roll(first, 50, axis=0)]) is None, "they mean different things"
    assert sure_subject([0.6 * first, 0.6 * second]) is None, "both are unsure"
    assert sure_subject([0 * first, 0 * first]) is None, "there is nothing"
