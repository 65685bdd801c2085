"""Images that need not travel again: the last large ones that a client has sent over its connection.

The client and the worker each keep an `ImageCache` of the same images in the same order. So the client knows which of
them the worker has, and may name these by their digests. What it cannot know (the worker is a new one, or ran out of
memory, or worked for others) makes the worker ask for them with `ErrorCode.RESEND`.
"""

from __future__ import annotations

from dataclasses import replace

from .image import Raster, Reference
from .messages import Job

LARGE = 1 << 20
"""Bytes of pixels from which on an image is kept; a smaller one is sent again at no cost worth saving."""

COUNT = 4
"""How many images are kept."""

TOTAL = 256 << 20
"""How many bytes of pixels they have at most, taken together."""


class ImageCache:
    """The last large images, by a name that tells them apart. Oldest first."""

    def __init__(self) -> None:
        self._images: dict[str, Raster] = {}

    def keep(self, name: str, image: Raster) -> None:
        """Make an image the last one, if it is large, letting go of the oldest where they become too many."""
        if not LARGE <= image.nbytes <= TOTAL:
            return
        self._images.pop(name, None)
        self._images[name] = image
        while len(self._images) > COUNT or sum(kept.nbytes for kept in self._images.values()) > TOTAL:
            del self._images[next(iter(self._images))]

    def find(self, name: str, image: Raster) -> Raster | None:
        """The image of that name, if it has the shape and the format of `image`."""
        kept = self._images.get(name)
        wanted = (image.format, image.width, image.height)
        return kept if kept is not None and (kept.format, kept.width, kept.height) == wanted else None


def with_digests(job: Job) -> Job:
    """The same job, its images with their digests, which are so computed once."""
    inputs = {name: replace(image, key=image.digest()) for name, image in job.inputs.items()}
    return replace(job, inputs=inputs)


def references(job: Job) -> dict[str, Reference]:
    """The images of a job with digests, by the names of the inputs, without their pixels."""
    return {
        name: Reference(image.format, image.width, image.height, x=image.x, y=image.y, key=image.key)
        for name, image in job.inputs.items()
    }


def by_reference(job: Job, cached: ImageCache) -> Job:
    """A job with digests, its images that are in `cached` by reference; the job itself where none is."""
    known = {name: image for name, image in references(job).items() if cached.find(image.key, image)}
    return replace(job, inputs=job.inputs | known) if known else job
