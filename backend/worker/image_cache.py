"""The worker's end of images by reference: those that came lately are kept, and taken for those that are named."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any

from plugin.client.codec import Submit
from plugin.client.image import Raster, Reference
from plugin.client.image_cache import ImageCache
from plugin.client.messages import ErrorCode, Job

from ..operations import OperationError

_KEY = "images"


def completed(message: Submit, cache: dict[Any, Any], shared: bool = True) -> Job:
    """The job with all its images, read-only; the large ones stay in `cache` until that is emptied.

    A client is only given what came from itself. An image's digest is the client's own word for what it holds: unless
    all clients are this user's (`shared`), it is made another one for each of them, so that nothing which is kept under
    it, such as features, is found by anybody else. Raises OperationError (RESEND) when an image is not there any more.
    """
    images: ImageCache = cache.setdefault(_KEY, ImageCache())
    inputs: dict[str, Raster] = {}
    for name, image in message.job.inputs.items():
        if not isinstance(image, Reference):
            inputs[name] = replace(image, data=memoryview(image.data).toreadonly())
        elif found := images.find(f"{message.client} {image.key}", image):
            inputs[name] = found.at(image.x, image.y)
        else:
            raise OperationError(
                ErrorCode.RESEND,
                "The backend no longer has an image that it had been sent before.",
                "Run the action again: the image is sent again.",
            )
    for image in inputs.values():
        images.keep(f"{message.client} {image.key}", image)
    if not shared:
        inputs = {name: replace(image, key=_own(image.key, message.client)) for name, image in inputs.items()}
    return replace(message.job, inputs=inputs)


def _own(digest: str, client: str) -> str:
    return blake2b(f"{client} {digest}".encode(), digest_size=16).hexdigest()
