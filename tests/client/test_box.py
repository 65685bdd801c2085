"""Boxes against their definition, sample by sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugin.client.image import Box, bounds, grown, intersection


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_bounds_hold_every_set_sample_and_touch_one_on_each_side(width: int, height: int, data: st.DataObject) -> None:
    samples = data.draw(st.lists(st.sampled_from([0, 0, 0, 1, 255]), min_size=width * height, max_size=width * height))
    columns = [i % width for i, sample in enumerate(samples) if sample]
    rows = [i // width for i, sample in enumerate(samples) if sample]
    expected = None
    if rows:
        expected = (min(columns), min(rows), max(columns) - min(columns) + 1, max(rows) - min(rows) + 1)
    assert bounds(bytes(samples), width, height) == expected


def test_boxes_that_only_touch_do_not_meet() -> None:
    assert intersection(Box(0, 0, 4, 4), Box(2, 1, 9, 2)) == (2, 1, 2, 2)
    assert intersection(Box(0, 0, 4, 4), Box(4, 0, 4, 4)) is None
    assert intersection(Box(-5, -5, 2, 2), Box(0, 0, 4, 4)) is None


def test_the_border_is_a_share_of_the_longer_side() -> None:
    assert grown(Box(10, 20, 100, 30), 0.02) == (8, 18, 104, 34)
    assert grown(Box(10, 20, 10, 5), 0.0) == (10, 20, 10, 5)


def test_the_border_of_a_small_box_is_as_wide_as_asked_for_at_least() -> None:
    assert grown(Box(10, 20, 10, 5), 0.5, 64) == (-54, -44, 138, 133)
    assert grown(Box(10, 20, 200, 5), 0.5, 64) == (-90, -80, 400, 205)
