"""The worker's end of images by reference: those that came lately are kept, and taken for those that are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from plugin.client.codec import Submit
from plugin.client.image import Raster, Reference
from plugin.client.image_cache import ImageCache
from plugin.client.messages import ErrorCode, Job

from ..operations import OperationError

_KEY = "images"


def completed(message: Submit, cache: dict[Any, Any]) -> Job:
    """The job with all its images, read-only; the large ones stay in `cache` until that is emptied.

    A client is only given what came from itself. Raises OperationError (RESEND) when an image is not there any more.
    """
    images: ImageCache = cache.setdefault(_KEY, ImageCache())
    inputs: dict[str, Raster] = {}
    for name, picture in message.job.inputs.items():
        if not isinstance(picture, Reference):
            inputs[name] = replace(picture, data=memoryview(picture.data).toreadonly())
        elif found := images.find(f"{message.client} {picture.key}", picture):
            inputs[name] = found.at(picture.x, picture.y)
        else:
            raise OperationError(
                ErrorCode.RESEND,
                "The backend no longer has an image that it had been sent before.",
                "Run the action again: the image is sent again.",
            )
    for picture in inputs.values():
        images.keep(f"{message.client} {picture.key}", picture)
    return replace(message.job, inputs=inputs)
