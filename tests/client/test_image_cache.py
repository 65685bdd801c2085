"""What counts as lately sent, and jobs that name it."""

from __future__ import annotations

import os

import pytest

from plugin.client.image import PixelFormat, Raster, Reference
from plugin.client.image_cache import COUNT, LARGE, ImageCache, by_reference, with_digests
from plugin.client.messages import Job

GRAY = PixelFormat("Y", "u8")


def large(name: str, height: int = 1024) -> Raster:
    return Raster(GRAY, LARGE // 1024, height, bytes(LARGE // 1024 * height), key=name)


def kept(images: ImageCache, *names: str) -> list[bool]:
    return [images.find(name, large(name)) is not None for name in names]


def test_the_last_images_are_kept_and_one_seen_again_counts_as_new() -> None:
    images, names = ImageCache(), [str(number) for number in range(COUNT)]
    for name in names:
        images.keep(name, large(name))
    images.keep("0", large("0"))
    images.keep("new", large("new"))
    assert kept(images, "0", "1", *names[2:], "new") == [True, False, *[True] * (COUNT - 2), True]


def test_they_take_no_more_than_their_share_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.client.image_cache.TOTAL", 2 * LARGE)
    images = ImageCache()
    for name in ("a", "b", "c"):
        images.keep(name, large(name))
    images.keep("huge", large("huge", 4096))  # would drive out the others, and not fit
    images.keep("small", Raster(GRAY, 4, 4, bytes(16)))
    assert kept(images, "a", "b", "c", "huge", "small") == [False, True, True, False, False]


def test_an_image_of_another_shape_is_not_the_one_that_is_meant() -> None:
    images = ImageCache()
    images.keep("a", large("a", 2048))
    assert images.find("a", Reference(GRAY, 2048, 1024, key="a")) is None
    assert images.find("a", Reference(PixelFormat("Y", "u8", True), 1024, 2048, key="a")) is None
    assert images.find("a", Reference(GRAY, 1024, 2048, x=5, y=5, key="a")) is not None


def test_a_job_names_what_was_had_and_holds_the_rest() -> None:
    first, second = (Raster(GRAY, 1024, 1024, os.urandom(LARGE), x=place) for place in (1, 2))
    job, cached = with_digests(Job("a", {}, {"one": first, "two": second})), ImageCache()
    assert by_reference(job, cached) is job
    cached.keep(first.digest(), first)
    named = by_reference(job, cached).inputs
    assert named == {"one": Reference(GRAY, 1024, 1024, x=1, key=first.digest()), "two": second}
    assert job.inputs == {"one": first, "two": second}
