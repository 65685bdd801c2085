"""The method Deep copy-paste: the network of Portenier et al. 2019, "Smart, Deep Copy-Paste", on the Poisson solution.

The network looks at a small copy of the paste and its surroundings and answers with a color transform for every place,
and with how far Poisson's correction is to be trusted there, which is added at full size. It was trained on strong
changes of color, for which gray is often the safest answer: it is offered by name, and no default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.affine_field import transformed
from backend.imaging.downsample import reduced
from plugin.client.image import Box

from .. import Context
from ..networks import Network, find_network
from .encoded import Encoded

if TYPE_CHECKING:
    from torch import Tensor

    from models.papers.copy_paste import CopyPasteNet

NAME = "copy_paste"  # of the card
SURROUNDINGS = 0.5  # what is looked at around the paste, of its longer side
SIDES = (0.9, 1.25)  # of the card's input size: what is right is seen at both, and their errors differ
STEP = 8  # sides that the network sees are multiples of it


def network(context: Context) -> Network | None:
    """The network, whose card has the longest side that it is to see; None where its weights are missing."""
    return find_network(NAME, context)


def add_answer(
    net: Network,
    content: Encoded,
    image: AnyArray,
    solution: Encoded,
    mask: BoolArray,
    box: Box,
    context: Context,
) -> None:
    """Add what the network says to the Poisson solution, inside the mask.

    Args:
        net: the copy-paste network, and its card.
        content: H x W x C, what is pasted.
        image: H x W x C, what it is pasted onto.
        solution: H x W x C, changed in place.
        mask: H x W.
        box: the mask's.
        context: of the job.
    """
    context.progress(0.5, "Looking at light and color", None)
    answer = _predict(net, content, image, solution.pixels, mask, box, context)
    context.progress(0.7, "Adapting light and color", None)
    seen = answer.seen
    left, top = box.x - seen.x, box.y - seen.y
    part = (slice(top, top + box.height), slice(left, left + box.width))
    columns = slice(box.x, box.x + box.width)

    def window_of(rows: slice) -> tuple[slice, slice]:
        return slice(rows.start + seen.y, rows.stop + seen.y), columns

    def both(rows: slice) -> tuple[FloatArray, FloatArray]:
        before = content.at(window_of(rows))
        return before, solution.at(window_of(rows)) - before

    for rows, added in transformed(answer.field, (seen.width, seen.height), part, both):
        window = window_of(rows)
        solution.put(window, added + solution.at(window), mask[window])


@dataclass(frozen=True)
class _Answer:
    """What the network said: a field h x w x 13, and the box that it is stretched over."""

    field: FloatArray
    seen: Box


def _predict(
    net: Network,
    content: Encoded,
    image: AnyArray,
    solution: AnyArray,
    mask: BoolArray,
    box: Box,
    context: Context,
) -> _Answer:
    """The network's answer: the mean of what it says of the images at two sizes and of their mirror images."""
    import torch
    import torch.nn.functional as F

    seen = box.padded(round(SURROUNDINGS * max(box.width, box.height)), mask.shape)
    pasted = np.where(mask[seen.window][..., None], content.pixels[seen.window], image[seen.window])
    whole = mask[seen.window].astype(np.float32)
    fields = []
    for share in SIDES:
        shrink = min(1.0, share * net.card.input_size / max(seen.width, seen.height))
        size = (_even(seen.width * shrink), _even(seen.height * shrink))
        small = [_small(pixels, size, content.linear) for pixels in (pasted, solution[seen.window])]
        inside = (_resized(whole, size) >= 0.5).astype(np.float32)
        fields.append(_predict_field(net.net, small[0], inside, small[1], context))
    same_size = [F.interpolate(field[None], fields[-1].shape[1:], mode="bilinear") for field in fields]
    found: FloatArray = np.ascontiguousarray(torch.cat(same_size).mean(0).permute(1, 2, 0).cpu().numpy())
    return _Answer(found, seen)


def _predict_field(
    net: CopyPasteNet, pasted: FloatArray, mask: FloatArray, solution: FloatArray, context: Context
) -> Tensor:
    """What the network says of small images, 13 x h x w: the mean with what it says of their mirror images."""
    import torch

    def both_ways(image: FloatArray) -> Tensor:
        one = torch.from_numpy(np.ascontiguousarray(np.moveaxis(np.atleast_3d(image), 2, 0))).to(context.device)
        return torch.stack([one, one.flip(2)])

    kind = torch.device(context.device).type
    noise = torch.Generator(context.device).manual_seed(0)
    with torch.inference_mode(), torch.autocast(kind, torch.float16, enabled=context.half):
        answer, mirrored = net.transform(both_ways(pasted), both_ways(mask), both_ways(solution), noise)
    mean: Tensor = (answer + mirrored.flip(2)).float() / 2
    return mean


def _even(length: float) -> int:
    return max(STEP, round(length / STEP) * STEP)


def _small(pixels: AnyArray, size: tuple[int, int], linear: bool) -> FloatArray:
    encoded = Encoded(_resized(pixels, size).reshape(size[1], size[0], -1), linear).at(np.s_[:, :])
    return np.clip(encoded, 0, 1)


def _resized(pixels: AnyArray, size: tuple[int, int]) -> AnyArray:
    if size[0] <= pixels.shape[1] and size[1] <= pixels.shape[0]:
        return reduced(np.ascontiguousarray(pixels), size)
    larger: Any = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    result: AnyArray = larger
    return result
