"""What the network takes to be in a hole: structure and colors, at up to 512 pixels, without texture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray
from backend.imaging.masks.regions import bounding_box

from .. import Context
from ..networks import Network, find_network
from ..public import filled, public_card

if TYPE_CHECKING:
    from models.papers.pconv import PConvUNet

NAME = "fill"  # of the network's card
LEAST = 64  # pixels around the hole that it sees at least; else as many as the hole is long
LONGEST = 512  # side of the largest image that the network sees
HOLE = 0.5  # it sees holes of this side (the root of their area) at most, of the card's input size: those it has learnt


def network(context: Context) -> Network | None:
    """The network of the role, public or bundled, whose card has the side in pixels that it was trained at; None where
    its weights are not on this machine. Raises OperationError when they are damaged."""
    public = public_card("inpainting", context)
    return find_network(NAME if public is None else public.name, context)


def structure_prior(
    image: FloatArray, hole: AnyArray, known: AnyArray, network: Network, context: Context
) -> FloatArray:
    """The image as smooth as the network sees it, with what it puts into the hole.

    Args:
        image: H x W x 3, 0..1, sRGB-encoded.
        hole: H x W, where to fill.
        known: H x W, where the image means anything; nowhere in the hole.
        network: of partial convolutions, and its card.
        context: of the job.

    Returns:
        H x W x 3 float32, 0..1.
    """
    contract = network.card.contract  # of a public network, which has learned holes of all sizes
    box = bounding_box(hole)
    assert box is not None  # there is a hole
    near = box.padded(max(LEAST, box.width, box.height), hole.shape)
    shrink = min(1.0, LONGEST / max(near.width, near.height))
    if contract is None:
        shrink = min(shrink, HOLE * network.card.input_size / float(np.sqrt(hole.sum())))
    size = (max(1, round(hole.shape[1] * shrink)), max(1, round(hole.shape[0] * shrink)))
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(np.clip(image, 0, 1) * known[..., None], size, interpolation=cv2.INTER_AREA)
    small = total / np.maximum(share, 1e-3)[..., None]
    top, left = int(near.y * shrink), int(near.x * shrink)
    seen = np.s_[top : top + math.ceil(near.height * shrink), left : left + math.ceil(near.width * shrink)]
    if contract is None:
        answer = _answer(network.net, small[seen], share[seen] > 0.5, context)
    else:
        answer = filled(network.card, small[seen].astype(np.float32), share[seen] > 0.5, context)
    small[seen] = np.where(share[seen][..., None] > 0.5, small[seen], answer)  # the paper's answers with all of it anew
    enlarged = cv2.resize(small, (hole.shape[1], hole.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(enlarged, 0, 1), np.float32)


def _answer(net: PConvUNet, visible: FloatArray, known: AnyArray, context: Context) -> FloatArray:
    """The network's image, h x w x 3: the mean of what it says of the image and of its mirror image, which is
    nearer to the truth than either. visible: h x w x 3, 0..1; known: h x w."""
    import torch

    block = 2**net.depth  # what is added to the sides to have multiples of this is a hole, too
    room = tuple((0, -side % block) for side in known.shape)
    image = torch.from_numpy(np.pad(visible, (*room, (0, 0))).transpose(2, 0, 1)[None].astype(np.float32))
    mask = torch.from_numpy(np.pad(known, room)[None, None].astype(np.float32))
    kind = torch.device(context.device).type
    with torch.inference_mode(), torch.autocast(kind, torch.float16, enabled=context.half):
        image, mask = image.to(context.device), mask.to(context.device)
        answer, mirrored = net(torch.cat([image, image.flip(3)]), torch.cat([mask, mask.flip(3)])).float().clamp(0, 1)
        answer = (answer + mirrored.flip(2)) / 2
    found: FloatArray = answer[:, : known.shape[0], : known.shape[1]].permute(1, 2, 0).cpu().numpy()
    return found
