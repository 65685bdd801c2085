"""Pasted content given the light and color of the picture around it.

The Poisson solution at full size is where all methods start. The copy-paste network looks at a small copy of the
paste and its surroundings and answers with a color transform for every place, and with how far Poisson's correction is
to be trusted there, which is added at full size: detail is the content's own, whatever the size. At the outline of a
patch its answer fades out, so that the seam stays closed as Poisson closes it, and the patch goes over into the picture
within a few pixels, so that its detail does not end at a line.

An object that keeps its edge has colors of its own, which the network, trained on parts of one picture, would take for
a change to be undone, and Poisson stains it with what happens to lie along its outline. It takes on the light alone of
the answer: exposure and half of the tint, as they change over much of its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging.color.affine_field import ROWS, fading, transformed
from backend.imaging.color.gains import light_gains, relit
from backend.imaging.color.spaces import Float, linear_to_srgb, srgb_to_linear, to_unit
from backend.imaging.downsample import reduced
from backend.imaging.masks.regions import Box, bounding_box
from backend.imaging.matting.guided_filter import resize_part
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.io.rasters import Pixels

from .. import Context
from ..networks import Network, find_network

if TYPE_CHECKING:
    from torch import Tensor

    from models.papers.copy_paste import CopyPasteNet

NAME = "harmonize"  # of the card
SURROUNDINGS = 0.5  # what is looked at around the paste, of its longer side
SIDES = (0.9, 1.25)  # of the card's input size: what is right is seen at both, and their errors differ
RIM = 3  # pixels along a patch's outline that are left as the picture has them
JOINT = 4.0  # pixels within the rim in which the picture goes over into the patch
SLIM = 0.03  # of the paste's size: the joint of a small one is no wider
LIGHT = 0.3  # over so much of an object's size its light is averaged
SEAM = 0.005  # within so much of the paste's size the network's answer fades in
STEP = 8  # sides that the network sees are multiples of it

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Look:
    """How content is made to belong. method: auto, deep, poisson or mixed; cutout: the content is an object with an
    edge of its own, not a patch whose seam is to vanish; strength: 0 the content's own colors, 1 all of the change."""

    method: str = "auto"
    cutout: bool = False
    strength: float = 1.0


def harmonized(content: Pixels, picture: Pixels, mask: Mask, linear: bool, look: Look, context: Context) -> Pixels:
    """The content with the picture's light and color: like `picture` where the mask is not.

    content, picture: H x W x 1 or 3 of one type (not half), valid one pixel beyond the mask; linear: whether they are
    linear light, else sRGB-encoded. Without the network's weights `auto` is Poisson, and a note says so.
    """
    net = network(context) if look.method in ("auto", "deep") else None
    if net is None and look.method in ("auto", "deep"):
        context.notes.append("The network for blending is not on this machine: blended by Poisson cloning alone.")
    if net is not None and not look.cutout:
        mask = _within(mask)
    share = 0.5 if net is not None else 0.9
    base = seamless_clone(
        content,
        picture,
        mask,
        mixed=look.method == "mixed",
        device=context.device,
        progress=lambda fraction: context.progress(share * fraction, "Blending", None),
        cancelled=context.cancelled,
    )
    box = bounding_box(mask)
    if box is None or (net is None and look.strength == 1):
        return base
    own = _Encoded(content, linear)
    if net is None:
        _mix(base, own, mask, box, look.strength)
        return base
    context.progress(0.5, "Looking at light and color", None)
    answer = _look(net, content, picture, base, mask, box, linear, context)
    context.progress(0.7, "Adapting light and color", None)
    if look.method == "auto" and look.cutout:
        _light(answer, base, own, mask, box, look.strength)
    else:
        seam = _seam(_Encoded(picture, linear), mask, box) if look.method == "auto" else None
        _add(answer, base, own, mask, box, seam, look.strength)
    return base


def _within(mask: Mask) -> Mask:
    """The mask without its rim, but for where it goes on beyond the picture's border; a mask of a rim alone as it is.

    Along the outline of a patch the picture goes on best as it was: what it is cut from and what it comes to lie on
    differ most there. `cv2.seamlessClone` leaves out as much.
    """
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=RIM).astype(bool)
    return inner if inner.any() else mask


def network(context: Context) -> Network | None:
    """The network, whose card has the longest side that it is to see; None where its weights are missing."""
    return find_network(NAME, context)


class _Encoded:
    """Part of a picture as H x W x 3 float32, sRGB-encoded, whatever the picture's own values; and back."""

    def __init__(self, pixels: Pixels, linear: bool) -> None:
        self.pixels, self.linear = pixels, linear

    def at(self, window: tuple[slice, slice]) -> Float:
        unit = to_unit(np.ascontiguousarray(self.pixels[window]))
        if self.linear:
            unit = linear_to_srgb(unit)
        return np.repeat(unit, 3, 2) if unit.shape[2] == 1 else unit

    def put(self, window: tuple[slice, slice], values: Float, mask: Mask) -> None:
        """Write where the mask is; integers are rounded and clipped."""
        if self.pixels.shape[2] == 1:
            values = values.mean(2, keepdims=True)
        if self.linear:
            values = srgb_to_linear(values)
        kind = self.pixels.dtype
        if kind.kind == "u":
            full = np.iinfo(kind).max
            values = np.rint(np.clip(values * np.float32(full), 0, full))
        np.copyto(self.pixels[window], values.astype(kind), where=mask[..., None])


@dataclass(frozen=True)
class _Answer:
    """What the network has seen and said. field: h x w x 13; seen: the box that it is stretched over; content, base:
    H x W x 3, sRGB-encoded small copies of that box with the content pasted and blended by Poisson; mask: H x W."""

    field: Float
    seen: Box
    content: Float
    base: Float
    mask: Float


def _look(
    net: Network,
    content: Pixels,
    picture: Pixels,
    base: Pixels,
    mask: Mask,
    box: Box,
    linear: bool,
    context: Context,
) -> _Answer:
    """The network's answer: the mean of what it says of the pictures at two sizes and of their mirror images."""
    import torch
    import torch.nn.functional as F

    seen = box.padded(round(SURROUNDINGS * max(box.width, box.height)), mask.shape)
    pasted = np.where(mask[seen.window][..., None], content[seen.window], picture[seen.window])
    whole = mask[seen.window].astype(np.float32)
    fields = []
    for share in SIDES:
        shrink = min(1.0, share * net.card.input_size / max(seen.width, seen.height))
        size = (_even(seen.width * shrink), _even(seen.height * shrink))
        small = [_small(pixels, size, linear) for pixels in (pasted, base[seen.window])]
        inside = (_resized(whole, size) >= 0.5).astype(np.float32)
        fields.append(_said(net.net, small[0], inside, small[1], context))
    alike = [F.interpolate(field[None], fields[-1].shape[1:], mode="bilinear") for field in fields]
    found: Float = np.ascontiguousarray(torch.cat(alike).mean(0).permute(1, 2, 0).cpu().numpy())
    return _Answer(found, seen, small[0], small[1], inside)


def _said(net: CopyPasteNet, pasted: Float, mask: Float, base: Float, context: Context) -> Tensor:
    """What the network says of small pictures, 13 x h x w: the mean with what it says of their mirror images."""
    import torch

    def both_ways(picture: Float) -> Tensor:
        one = torch.from_numpy(np.ascontiguousarray(np.moveaxis(np.atleast_3d(picture), 2, 0))).to(context.device)
        return torch.stack([one, one.flip(2)])

    kind = torch.device(context.device).type
    noise = torch.Generator(context.device).manual_seed(0)
    with torch.inference_mode(), torch.autocast(kind, torch.float16, enabled=context.half):
        said, mirrored = net.transform(both_ways(pasted), both_ways(mask), both_ways(base), noise)
    mean: Tensor = (said + mirrored.flip(2)).float() / 2
    return mean


def _even(length: float) -> int:
    return max(STEP, round(length / STEP) * STEP)


def _small(pixels: Pixels, size: tuple[int, int], linear: bool) -> Float:
    encoded = _Encoded(_resized(pixels, size).reshape(size[1], size[0], -1), linear).at(np.s_[:, :])
    return np.clip(encoded, 0, 1)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if size[0] <= pixels.shape[1] and size[1] <= pixels.shape[0]:
        return reduced(np.ascontiguousarray(pixels), size)
    larger: Any = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    result: Pixels = larger
    return result


@dataclass(frozen=True)
class _Seam:
    """How a patch ends. answer: how much of the network's answer counts; patch: how much of the patch, the rest being
    the picture; both H x W over the paste's box, 0 outside of the mask."""

    picture: _Encoded
    answer: Float
    patch: Float


def _seam(picture: _Encoded, mask: Mask, box: Box) -> _Seam:
    size = float(np.sqrt(mask.sum()))
    patch = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)[box.window]
    patch = np.minimum(patch / np.float32(min(JOINT, SLIM * size) + 0.5), 1)  # half a pixel lies outside
    return _Seam(picture, fading(mask, max(1.0, SEAM * size))[box.window], patch)


def _add(
    answer: _Answer, base: Pixels, own: _Encoded, mask: Mask, box: Box, seam: _Seam | None, strength: float
) -> None:
    """What the network says, added to the Poisson solution inside the mask."""
    seen, target = answer.seen, _Encoded(base, own.linear)
    left, top = box.x - seen.x, box.y - seen.y
    part = (slice(top, top + box.height), slice(left, left + box.width))
    columns = slice(box.x, box.x + box.width)

    def window_of(rows: slice) -> tuple[slice, slice]:
        return slice(rows.start + seen.y, rows.stop + seen.y), columns

    def both(rows: slice) -> tuple[Float, Float]:
        before = own.at(window_of(rows))
        return before, target.at(window_of(rows)) - before

    for rows, added in transformed(answer.field, (seen.width, seen.height), part, both):
        window = window_of(rows)
        here = slice(rows.start - top, rows.stop - top)
        if seam is not None:
            added *= seam.answer[here, :, None]
        added += target.at(window)
        if strength != 1:
            before = own.at(window)
            added = before + np.float32(strength) * (added - before)
        if seam is not None:
            old = seam.picture.at(window)
            added = old + seam.patch[here, :, None] * (added - old)
        target.put(window, added, mask[window])


def _light(answer: _Answer, base: Pixels, own: _Encoded, mask: Mask, box: Box, strength: float) -> None:
    """The content in the light that the network's answer has, written over the Poisson solution inside the mask."""
    seen, target = answer.seen, _Encoded(base, own.linear)
    height, width = answer.mask.shape
    whole = (slice(0, height), slice(0, width))

    def both(rows: slice) -> tuple[Float, Float]:
        return answer.content[rows], answer.base[rows] - answer.content[rows]

    added = np.concatenate([strip for _, strip in transformed(answer.field, (width, height), whole, both)])
    spread = max(1.0, LIGHT * float(np.sqrt(answer.mask.sum())))
    gains = light_gains(answer.content, answer.base + added, answer.mask, spread)
    left, top = box.x - seen.x, box.y - seen.y
    for row in range(0, box.height, ROWS):
        rows = slice(row, min(row + ROWS, box.height))
        window = slice(rows.start + box.y, rows.stop + box.y), slice(box.x, box.x + box.width)
        part = slice(rows.start + top, rows.stop + top), slice(left, left + box.width)
        before = own.at(window)
        after = relit(before, resize_part(gains, (seen.width, seen.height), *part))
        if strength != 1:
            after = before + np.float32(strength) * (after - before)
        target.put(window, after, mask[window])


def _mix(base: Pixels, own: _Encoded, mask: Mask, box: Box, strength: float) -> None:
    """The solution drawn back to the content's own colors."""
    target = _Encoded(base, own.linear)
    before, after = own.at(box.window), target.at(box.window)
    target.put(box.window, before + np.float32(strength) * (after - before), mask[box.window])
