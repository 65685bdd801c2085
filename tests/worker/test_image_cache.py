"""What the worker takes for an image that came by reference."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from backend.operations import OperationError
from backend.worker.devices import release
from backend.worker.image_cache import completed
from plugin.client.codec import Submit
from plugin.client.image import PixelFormat, Raster, Reference
from plugin.client.messages import ErrorCode, Job

RGBA = PixelFormat("RGBA", "u8")
LAYER = Raster(RGBA, 512, 512, bytearray(os.urandom(1 << 20)), 3, 4, b"a profile")
NAMED = Reference(RGBA, 512, 512, x=-7, y=9, key=LAYER.digest())


def submit(client: str = "one", **inputs: Raster) -> Submit:
    """A message as `decode` makes it: its images know their digests."""
    known = {name: replace(image, key=image.digest()) for name, image in inputs.items()}
    return Submit(client, Job("diagnose.identity", {}, known))


def by_reference(client: str = "one") -> Submit:
    return Submit(client, Job("diagnose.identity", {}, {"image": NAMED}))


def asks_again(message: Submit, cache: dict[Any, Any]) -> bool:
    try:
        completed(message, cache)
    except OperationError as error:
        assert error.code is ErrorCode.RESEND
        return True
    return False


def test_a_reference_is_the_image_at_its_own_offset() -> None:
    cache: dict[Any, Any] = {}
    completed(submit(image=LAYER), cache)
    assert completed(by_reference(), cache).inputs == {"image": LAYER.at(-7, 9)}


def test_an_image_that_was_never_sent_or_let_go_of_is_asked_for() -> None:
    cache: dict[Any, Any] = {}
    assert asks_again(by_reference(), cache)
    completed(submit(image=LAYER), cache)
    assert not asks_again(by_reference(), cache)
    release(cache)  # the worker idles, or memory has run out
    assert asks_again(by_reference(), cache)


def test_a_client_is_not_given_what_another_one_sent() -> None:
    cache: dict[Any, Any] = {}
    completed(submit(image=LAYER), cache)
    assert asks_again(by_reference("another"), cache)


def test_images_of_one_job_do_not_drive_out_what_it_names() -> None:
    cache: dict[Any, Any] = {}
    completed(submit(image=LAYER), cache)
    others = {str(number): Raster(RGBA, 512, 512, os.urandom(1 << 20)) for number in range(4)}
    message = submit(**others)
    message.job.inputs["image"] = NAMED
    assert completed(message, cache).inputs["image"] == LAYER.at(-7, 9)


def test_no_operation_can_change_what_is_kept() -> None:
    job = completed(submit(image=LAYER), {})
    with pytest.raises(TypeError, match="read-only"):
        memoryview(job.inputs["image"].data)[0] = 1


def test_what_is_kept_for_one_client_is_not_found_by_another_that_states_the_same_digest() -> None:
    """A client says what the digest of its image is; nobody computes it again."""
    planted, honest = (
        completed(submit(client, image=LAYER), {}, shared=False).inputs["image"].digest() for client in ("one", "two")
    )
    assert planted != honest
    again = completed(submit("two", image=LAYER), {}, shared=False).inputs["image"]
    assert again.digest() == honest
    assert completed(submit("two", image=LAYER), {}).inputs["image"].digest() == LAYER.digest()
