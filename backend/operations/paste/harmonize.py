"""Pasted content given the light and color of the image around it.

By default a paste whose seam is to vanish is cloned by Poisson's equation at full size, with the source's gradients
turned into the target's where both show the same scene around it. An object with an outline of its own goes through the
harmonizer's smooth color transform; nothing of what lies along its outline flows in. What lies at its own place already
stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging import Execution
from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.masks.regions import bounding_box
from backend.imaging.poisson.gradient_transfer import GradientTransfer
from backend.imaging.poisson.seamless_clone import seamless_clone
from plugin.client.image import Box

from .. import Context
from . import color_parameters, deep_copy_paste
from .encoded import Encoded, Surroundings

SURROUNDINGS = 0.5  # what is looked at around the paste, of its longer side
LEVEL = 1 / 255  # values that differ by no more are the same
BESIDE = 9  # pixels around the paste that are the same, too, where the content lies at its own place


@dataclass(frozen=True)
class Options:
    """How content is harmonized. method: auto, network, poisson, mixed or deep; edge: seamless or object;
    strength: 0 the content's own colors, 1 all of the change."""

    method: str = "auto"
    edge: str = "seamless"
    strength: float = 1.0


@dataclass(frozen=True)
class Circumstances:
    """What is known of a paste beside its images.

    Attributes:
        transfer: what the surroundings say of the two images' colors.
        alpha: H x W, the object's.
        below: what the harmonizer sees around the paste, if more than the image.
    """

    transfer: GradientTransfer | None = None
    alpha: FloatArray | None = None
    below: Surroundings | None = None


def harmonize(
    content: AnyArray,
    image: AnyArray,
    mask: BoolArray,
    linear: bool,
    options: Options,
    context: Context,
    known: Circumstances = Circumstances(),
) -> AnyArray:
    """The content with the image's light and color. Where weights are missing a note says what was done instead.

    Args:
        content: H x W x 1 or 3 (RGB), integers or 32-bit floats, valid one pixel beyond the mask.
        image: H x W x 1 or 3 of the content's type.
        mask: H x W, where the content is pasted.
        linear: whether both are linear light; else they are sRGB-encoded.
        options: of the method.
        context: of the job.
        known: of the paste beside these.

    Returns:
        Like `image` where the mask is not.
    """
    box = bounding_box(mask)
    if box is None or options.strength == 0:
        result = image.copy()
        np.copyto(result, content, where=mask[..., None])
        return result
    harmonizer = None
    if options.method == "network" or (options.method == "auto" and options.edge == "object"):
        harmonizer = color_parameters.network(context)
        if harmonizer is None:
            context.notes.append("The harmonizer is not on this machine: blended by Poisson cloning.")
    if harmonizer is not None:
        own, result = Encoded(content, linear), image.copy()
        opacity = mask.astype(np.float32) if known.alpha is None else known.alpha
        context.progress(0.1, "Comparing light and color", None)
        below = known.below or Surroundings(Encoded(image, linear), 0, 0)
        grid = color_parameters.predict_parameters(harmonizer, own, below, opacity, box, context)
        written = Encoded(result, linear)
        color_parameters.apply_parameters(grid, own, written, mask, box, options.strength, context)
        return result
    net = deep_copy_paste.network(context) if options.method == "deep" else None
    if net is None and options.method == "deep":
        context.notes.append("The copy-paste network is not on this machine: blended by Poisson cloning alone.")
    share = 0.5 if net is not None else 0.9
    result = seamless_clone(
        content,
        image,
        mask,
        mixed=options.method == "mixed",
        transfer=known.transfer.matrix if known.transfer is not None and options.method == "auto" else None,
        execution=Execution(
            context.device, lambda fraction: context.progress(share * fraction, "Blending", None), context.cancelled
        ),
    )
    own, solution = Encoded(content, linear), Encoded(result, linear)
    if net is not None:
        deep_copy_paste.add_answer(net, own, image, solution, mask, box, context)
    if options.strength != 1:
        _mix(solution, own, mask, box, options.strength)
    return result


def at_its_own_place(content: AnyArray, image: AnyArray, mask: BoolArray, known: BoolArray) -> bool:
    """Whether content and image are the same under the mask and around it: a part of an image pasted back.

    Args:
        content: H x W x C.
        image: H x W x C, of the content's type.
        mask: H x W, where the content is pasted.
        known: H x W, where the content exists.

    Returns:
        Whether they differ by no more than rounding.
    """
    box = bounding_box(mask)
    assert box is not None
    window = box.padded(BESIDE, mask.shape).window
    around = cv2.dilate(mask[window].view(np.uint8), np.ones((2 * BESIDE + 1, 2 * BESIDE + 1), np.uint8))
    compared = (around > 0) & (known[window] | mask[window])
    full = np.iinfo(content.dtype).max if content.dtype.kind == "u" else 1.0
    limit = max(LEVEL * full, 1.0) if content.dtype.kind == "u" else LEVEL
    for row in range(0, len(compared), 256):
        rows = slice(row, row + 256)
        one, other = (pixels[window][rows][compared[rows]] for pixels in (content, image))
        if one.size and np.abs(one.astype(np.float32) - other).max() > limit * 1.001:
            return False
    return True


def _mix(solution: Encoded, own: Encoded, mask: BoolArray, box: Box, strength: float) -> None:
    """The solution drawn back to the content's own colors."""
    before, after = own.at(box.window), solution.at(box.window)
    solution.put(box.window, before + np.float32(strength) * (after - before), mask[box.window])
