"""GrabCut on real images, from a box and from a rough selection."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging import Cancelled
from backend.imaging.color.spaces import to_unit
from backend.imaging.masks.grabcut import from_box, from_selection
from plugin.client.image import Box

ROCKET_BOX = Box(290, 80, 70, 330)


def rocket() -> np.ndarray:
    return to_unit(data.rocket())


def test_rocket_from_a_box() -> None:
    mask = from_box(rocket(), ROCKET_BOX)
    assert mask[150:330, 320].mean() > 0.95 * 255  # the rocket's axis
    assert not mask[:, :290].any()
    assert mask[100:350, 300].mean() < 0.1 * 255  # the sky within the box
    assert set(np.unique(mask)) == {0, 255}


def test_large_image_gives_the_same_outline_at_its_own_size() -> None:
    image = rocket()
    large = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    box = Box(*(3 * value for value in (ROCKET_BOX.x, ROCKET_BOX.y, ROCKET_BOX.width, ROCKET_BOX.height)))
    mask = from_box(large, box)
    small = from_box(image, ROCKET_BOX) > 0
    again = cv2.resize(mask, small.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    assert mask.shape == large.shape[:2]
    assert (again & small).sum() > 0.85 * (again | small).sum()


def test_soft_mask_has_values_between() -> None:
    mask = from_box(rocket(), ROCKET_BOX, soft=True)
    assert ((mask > 20) & (mask < 235)).any()
    assert mask[150:330, 320].mean() > 0.9 * 255


def test_rough_selection_moves_to_the_outline() -> None:
    selection = np.zeros(data.rocket().shape[:2], np.uint8)
    selection[120:345, 308:334] = 255
    mask = from_selection(rocket(), selection)
    assert mask[150:330, 320].mean() > 0.95 * 255
    assert mask[120:340].mean() < selection[120:340].mean()  # the sky drawn in is given back


def test_probable_pixels_may_be_dropped_certain_ones_not() -> None:
    selection = np.zeros(data.rocket().shape[:2], np.uint8)
    selection[120:345, 300:340] = 128
    selection[150:330, 318:322] = 255
    mask = from_selection(rocket(), selection)
    assert (mask[150:330, 318:322] == 255).all()
    assert (mask[150:330, 300:304] == 0).mean() > 0.9


def test_input_that_says_nothing_is_refused() -> None:
    image = rocket()
    height, width = image.shape[:2]
    with pytest.raises(ValueError, match="covers the whole image"):
        from_box(image, Box(0, 0, width, height))
    with pytest.raises(ValueError, match="holds no pixel"):
        from_box(image, Box(width + 5, 0, 10, 10))
    with pytest.raises(ValueError, match="empty"):
        from_selection(image, np.zeros((height, width), np.uint8))
    with pytest.raises(Cancelled):
        from_box(image, ROCKET_BOX, cancelled=lambda: True)
