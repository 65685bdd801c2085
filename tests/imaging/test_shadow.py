"""Contact shadows: where something stands, soft, and nowhere else."""

import cv2
import numpy as np
import pytest

from backend.imaging.shadow import blurred, cast_shadow, contact_shadow


def two_feet() -> np.ndarray:
    """A body on two feet, the left one lower than the right."""
    alpha = np.zeros((200, 100), np.float32)
    alpha[20:150, 20:80] = 1
    alpha[150:195, 20:40] = 1
    alpha[150:185, 60:80] = 1
    return alpha


def test_it_lies_below_what_stands_lowest() -> None:
    shadow, room = contact_shadow(two_feet())
    assert shadow.shape == (200 + 2 * room, 100 + 2 * room)
    assert shadow.max() == 1
    assert shadow.min() >= 0
    y, x = np.unravel_index(shadow.argmax(), shadow.shape)
    assert abs(y - room - 194) <= 2
    assert 20 <= x - room < 40
    right = shadow[:, room + 65 : room + 75].max()
    assert 0.1 < right < 0.8  # the other foot is lifted a little
    assert shadow[room + 20 : room + 120].max() < 0.01  # nothing behind the body
    assert max(shadow[0].max(), shadow[-1].max(), shadow[:, 0].max(), shadow[:, -1].max()) < 0.02  # room enough


def test_it_is_soft_and_softer_when_asked() -> None:
    narrow, room = contact_shadow(two_feet())
    wide, more_room = contact_shadow(two_feet(), softness=2)
    assert np.abs(np.diff(narrow, axis=1)).max() < 0.25
    assert more_room > room
    assert (wide > 0.1).sum() > 1.5 * (narrow > 0.1).sum()


def test_nothing_casts_no_shadow() -> None:
    shadow, room = contact_shadow(np.full((5, 6), 0.3, np.float32))
    assert room == 0
    assert not shadow.any()


@pytest.mark.parametrize(
    ("direction", "away"), [(0, (1, 0)), (180, (-1, 0)), (90, (0, -1)), (270, (0, 1)), (30, (1, -1))]
)
def test_a_cast_shadow_falls_where_it_is_told_and_starts_at_the_feet(direction: float, away: tuple[int, int]) -> None:
    alpha = np.zeros((200, 100), np.float32)
    alpha[20:180, 40:60] = 1
    opacity, left, top = cast_shadow(alpha, direction, 1.0)
    rows, columns = np.mgrid[: opacity.shape[0], : opacity.shape[1]]
    x, y = ((opacity * places).sum() / opacity.sum() for places in (columns + left - 49.5, rows + top - 180))
    for moved, sign in ((x, away[0]), (y, away[1])):
        assert (moved * sign > 12) if sign else abs(moved) < 20
    assert 0.6 < opacity[180 - top - 12 : 180 - top + 12, 40 - left : 60 - left].max() <= 1


def test_a_longer_cast_shadow_reaches_farther_and_its_head_is_softer_than_its_feet() -> None:
    alpha = np.zeros((200, 100), np.float32)
    alpha[20:180, 40:60] = 1
    short, long = (cast_shadow(alpha, 90.0, length) for length in (0.5, 1.5))
    assert short[2] > long[2]
    rows = [int(180 - share * 0.5 * 1.5 * 160) - long[2] for share in (0.1, 0.9)]
    widths = [np.count_nonzero((row > 0.05 * row.max()) & (row < 0.95 * row.max())) for row in long[0][rows]]
    assert widths[1] > 2 * widths[0]
    assert long[0][rows[1]].max() < long[0][rows[0]].max()


def test_what_is_nowhere_opaque_throws_no_shadow() -> None:
    opacity, left, top = cast_shadow(np.full((30, 20), 0.4, np.float32), 45.0, 1.0)
    assert (opacity.max(), left, top) == (0, 0, 0)


@pytest.mark.parametrize(("across", "up"), [(40.0, 16.0), (13.0, 100.0), (3.0, 3.0)])
def test_a_wide_blur_is_as_at_full_size(across: float, up: float) -> None:
    image = cv2.copyMakeBorder(two_feet(), 301, 300, 300, 301, cv2.BORDER_CONSTANT)
    exact = cv2.GaussianBlur(image, (0, 0), sigmaX=across, sigmaY=up)
    assert np.abs(blurred(image, across, up) - exact).max() < 0.01 * exact.max()
