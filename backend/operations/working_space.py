"""How operations see images, whatever the editor's are, and how their results become like the editor's again.

The one place for three rules. Color: an operation works on sRGB-encoded values; another profile's, or linear light,
are converted, beyond 0..1 where need be, and its results are converted back. Alpha: what is hidden below alpha 0 goes
on from what is visible around it, so that it changes nothing that can be seen. Samples that are not numbers are hidden.
A pixel that an operation leaves alone comes back bit-identical.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backend.imaging.arrays import AnyArray
from backend.imaging.color.lookup import LookupTransform
from backend.imaging.color.profiles import ProfileError, Transform, transform
from backend.imaging.hidden import continued
from backend.io.rasters import DTYPES, as_depth, raster, samples
from plugin.client.image import CHANNELS, PixelFormat, Raster, intersection
from plugin.client.messages import Job, Output

if TYPE_CHECKING:
    from .context import Context, Operation

MASKS = ("selection",)  # inputs that are no color
KEPT_BYTES = 64 << 20  # the largest converted image that is kept for the next job on it
ROWS = 256  # compared at a time
UNREADABLE = "A color profile cannot be used: {reason} The colors are taken as sRGB."


class WorkingProfile(bytes):
    """The profile of a converted image, which its results carry: they become as `origin` is."""

    origin: Raster
    working: Raster


def in_working_space(operation: Operation) -> Operation:
    """The operation on the editor's own images."""

    def run(job: Job, context: Context) -> list[Output]:
        problems: list[str] = []
        inputs = {
            name: image if name in MASKS else converted_input(image, context, problems)
            for name, image in job.inputs.items()
        }
        outputs = operation(replace(job, inputs=inputs), context)
        context.notes += [UNREADABLE.format(reason=reason) for reason in dict.fromkeys(problems)]
        return [replace(output, raster=restored(output.raster)) for output in outputs]

    return run


def converted_input(image: Raster, context: Context, problems: list[str]) -> Raster:
    """An image as operations see it; the very same where it is that already. What is wrong with its profile is added
    to `problems`."""
    found = _transform(image, problems)
    hidden = _hidden(image)
    if found is None and hidden is None:
        return image
    key = f"{image.digest()} in working space"
    kept: Raster | None = context.cache.get("working space")
    if kept is None or kept.key != key or kept.box != image.box:
        kept = _working(image, found, hidden, key)
        if kept.nbytes <= KEPT_BYTES:
            context.cache["working space"] = kept
    return kept


def restored(result: Raster) -> Raster:
    """A result in the profile, depth and channel order of the image whose profile it carries."""
    if not isinstance(result.profile, WorkingProfile):
        return result
    origin, working = result.profile.origin, result.profile.working
    if result is working:
        return origin
    found = _transform(origin, [])
    pixels = samples(result)
    colors = CHANNELS[result.format.channels] - result.format.has_alpha
    form = result.format
    if found is not None:
        unit = found.from_srgb(pixels[..., :colors].astype(np.float32, copy=False))
        form = PixelFormat(form.channels, origin.format.depth, origin.format.linear)
        own = as_depth(unit, form.depth)
        if form.has_alpha:
            own = np.concatenate([own, as_depth(pixels[..., -1:], form.depth)], axis=2)
    else:
        own = pixels.copy()
    if origin.format.channels[0] == "B" and form.channels[0] == "R":
        form = replace(form, channels=form.channels.replace("RGB", "BGR"))
        own = own[..., [2, 1, 0, 3][: own.shape[2]]]
    if CHANNELS[origin.format.channels] - origin.format.has_alpha == colors:
        _unchanged_as_they_were(own, result, working, origin)
    return raster(own, form, result.x, result.y, origin.profile)


def _unchanged_as_they_were(own: AnyArray, result: Raster, working: Raster, origin: Raster) -> None:
    """Puts the original's samples where the operation left the working ones alone, but for pixels that are cleared."""
    both = intersection(result.box, working.box)
    if both is None:
        return
    x, y, width, height = both
    after, before, original = samples(result), samples(working), samples(origin)
    colors = after.shape[2] - result.format.has_alpha
    for top in range(y, y + height, ROWS):
        stop = min(top + ROWS, y + height)
        there = np.s_[top - result.y : stop - result.y, x - result.x : x - result.x + width]
        here = np.s_[top - working.y : stop - working.y, x - working.x : x - working.x + width]
        same = (after[there][..., :colors] == before[here][..., :colors]).all(2)
        if working.format.has_alpha:
            alpha = after[there][..., -1] if result.format.has_alpha else before.dtype.type(0)
            same &= alpha == before[here][..., -1]
        if result.format.has_alpha:
            same &= after[there].any(2)
        np.copyto(own[there][..., :colors], original[here][..., :colors], where=same[..., None])


def _working(image: Raster, found: Transform | LookupTransform | None, hidden: AnyArray | None, key: str) -> Raster:
    form, pixels = image.format, samples(image)
    colors = CHANNELS[form.channels] - form.has_alpha
    if found is not None:
        kind = "Y" if colors == 1 else "RGB"
        order = [2, 1, 0] if form.channels[0] == "B" else slice(None)
        shown = pixels[..., :colors] if hidden is None else np.where(hidden[..., None], 0, pixels[..., :colors])
        pixels = _joined(found.to_srgb(shown.astype(pixels.dtype)[..., order]), pixels, form.has_alpha)
        form = PixelFormat(kind + "A" * form.has_alpha, "f32")
    if hidden is not None:
        alpha = np.where(hidden, 0, pixels[..., -1]).astype(pixels.dtype) if form.has_alpha else None
        seen = continued(pixels[..., :colors], hidden)
        pixels = seen if alpha is None else np.dstack([seen, alpha])
    profile = WorkingProfile(image.profile)
    made = raster(pixels.astype(DTYPES[form.depth], copy=False), form, image.x, image.y, profile)
    made = replace(made, key=key)
    profile.origin, profile.working = image, made
    return made


def _joined(colors: AnyArray, pixels: AnyArray, has_alpha: bool) -> AnyArray:
    return np.dstack([colors, as_depth(pixels[..., -1], "f32")]) if has_alpha else colors


def _hidden(image: Raster) -> AnyArray | None:
    """Where nothing can be seen, H x W: below alpha 0 or not a number; None where that is nowhere."""
    pixels = samples(image)
    hidden: AnyArray | None = None
    if image.format.has_alpha and pixels[..., -1].min() <= 0:
        hidden = pixels[..., -1] <= 0
    if pixels.dtype.kind == "f" and not np.isfinite(pixels.sum(dtype=np.float64)):
        nonfinite = np.logical_not(np.isfinite(pixels).all(2))
        hidden = nonfinite if hidden is None else hidden | nonfinite
    return hidden


def _transform(image: Raster, problems: list[str]) -> Transform | LookupTransform | None:
    form = image.format
    try:
        return transform(bytes(image.profile), form.linear, form.channels[0] == "Y")
    except ProfileError as error:
        problems.append(str(error))
        return transform(b"", form.linear, form.channels[0] == "Y")
