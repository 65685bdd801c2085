"""What the choice between a seam that vanishes and an object's own edge is made by."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.operations.paste.edges import choose_edge, outline_contrast


@pytest.fixture(scope="module")
def disc() -> tuple[np.ndarray, np.ndarray]:
    """A bright textured disc before a darker textured ground, and its mask."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:200, :240]
    mask = np.hypot(rows - 100, columns - 120) < 60
    image = np.where(mask, 180, 90)[..., None] + rng.normal(0, 6, (200, 240, 3))
    return image.astype(np.uint8), mask


def test_a_mask_that_follows_an_outline_means_an_object(disc: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = disc
    chosen = choose_edge(image, mask, np.ones_like(mask), 0.0)
    assert chosen.kind == "object"
    assert "outline" in chosen.reason


def test_a_loose_lasso_around_it_does_not(disc: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = disc
    loose = cv2.dilate(mask.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert choose_edge(image, loose, np.ones_like(mask), 0.0).kind == "seamless"


def test_an_ellipse_of_lawn_or_gravel_is_a_patch() -> None:
    for texture in (data.grass(), data.gravel()):
        mask = np.zeros(texture.shape, np.uint8)
        cv2.ellipse(mask, (250, 260), (120, 80), 20, 0, 360, 1, -1)
        assert outline_contrast(texture[..., None], mask > 0) < 1.2
        assert choose_edge(texture[..., None], mask > 0, np.ones_like(mask) > 0, 0.0).kind == "seamless"


def test_what_has_nothing_around_it_is_cut_out_but_a_rectangle_is_a_patch(disc: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = disc
    assert choose_edge(image, mask, mask, 0.0).kind == "object"
    rectangle = np.zeros_like(mask)
    rectangle[40:100, 50:200] = True
    assert choose_edge(image, rectangle, rectangle, 0.0).kind == "seamless"


def test_where_both_images_show_the_same_scene_the_seam_vanishes(disc: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = disc
    assert choose_edge(image, mask, np.ones_like(mask), 1.0).kind == "seamless"
