"""Contact shadows: where something stands, soft, and nowhere else."""

import numpy as np

from backend.imaging.shadow import contact_shadow


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
