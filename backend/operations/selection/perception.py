"""What the bundled network sees in a layer. An image is encoded once; subject, classes and any number of prompts are
then answered from its features, which the worker keeps for the last images by their content.

Maps are S x S float32 probabilities, 0..1: the network looks at a square of S pixels (the card's input size), whatever
the image's shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backend.imaging.arrays import AnyArray, FloatArray, UInt8Array
from backend.imaging.color.exposure import Exposure
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from backend.io.rasters import rgb
from plugin.client.image import Box, Raster

from .. import Context
from ..networks import load_network, precision
from ..public import probability_map, public_card

if TYPE_CHECKING:
    from torch import Tensor

NAME = "subject"  # of the card
KEPT = 6  # images (and close-ups) whose features stay: about 3 MB each
KEPT_BYTES = 64 << 20  # the largest image whose colors stay: the last one's
COLORS = "rgb_image"  # their key in the cache
SAME = 0.5 / 255  # colors that differ by less are one
REGION, INSIDE, OUTSIDE = 0, 1, 2  # channels of a prompt


def rgb_image(layer: Raster) -> AnyArray:
    """Color as H x W x 3 RGB, as networks want it, in the cheapest type: integers as they are, floats in 0..1.

    What is brighter than white is brought into that range by `exposure_of`.
    """
    image = rgb(layer)
    return image if image.dtype.kind == "u" else np.clip(Exposure.of(image).applied(image), 0, 1)


def exposure_of(layer: Raster) -> Exposure:
    """How `rgb_image` exposes a layer."""
    image = rgb(layer)
    return Exposure() if image.dtype.kind == "u" else Exposure.of(image)


def cached_rgb_image(layer: Raster, context: Context) -> AnyArray:
    """The same, kept for the next prompt on this layer unless it is very large."""
    key = layer.digest()
    kept: tuple[str, AnyArray] | None = context.cache.get(COLORS)
    if kept is None or kept[0] != key:
        context.cache.pop(COLORS, None)  # before the next one takes memory
        kept = key, rgb_image(layer)
        if kept[1].nbytes <= KEPT_BYTES:
            context.cache[COLORS] = kept
    return kept[1]


@dataclass(frozen=True)
class ImageEmbedding:
    """A layer, or a box of it, as the network sees it."""

    features: list[Tensor]
    box: Box  # in layer pixels
    image: AnyArray  # the same, S x S x 3 in the layer's own type
    plain: bool = False  # all of one color


class Perception:
    """The network on one layer. `pixels` is the layer as `rgb_image` gives it."""

    def __init__(self, layer: Raster, pixels: AnyArray, context: Context) -> None:
        self.pixels, self.context, self.key = pixels, context, layer.digest()
        self.whole = Box(0, 0, layer.width, layer.height)
        self.net, self.card = load_network(NAME, context)
        self.side = self.card.input_size

    def embedding(self, box: Box | None = None, mirrored: bool = False) -> ImageEmbedding:
        """Features of the layer (or of a box of it), from the cache where they are known."""
        import torch

        box = box or self.whole
        kept: dict[Any, ImageEmbedding] = self.context.cache.setdefault("embeddings", {})
        key = self._key(box, mirrored)
        if key not in kept:
            part = reduced(self.pixels[box.window], (self.side, self.side))
            unit = to_unit(part[:, ::-1] if mirrored else part)
            normalized = (unit - np.array(self.card.mean, np.float32)) / np.array(self.card.std, np.float32)
            image = torch.from_numpy(normalized.transpose(2, 0, 1)[None].astype(np.float32)).to(self.context.device)
            with inference(self.context):
                features = self.net.encode(image.contiguous(memory_format=torch.channels_last))
            while len(kept) >= KEPT:
                kept.pop(next(iter(kept)))
            plain = bool(np.abs(unit - unit[0, 0]).max() < SAME)
            kept[key] = ImageEmbedding(features, box, part, plain)
        return kept[key]

    def image(self, box: Box, size: tuple[int, int]) -> AnyArray:
        """The colors of a box at size (width, height), in the layer's own type; as the network saw it where it did."""
        seen: ImageEmbedding | None = self.context.cache.get("embeddings", {}).get(self._key(box, mirrored=False))
        if seen is not None and size == (self.side, self.side):
            return seen.image
        return reduced(self.pixels[box.window], size)

    def _key(self, box: Box, mirrored: bool) -> tuple[object, ...]:
        return (self.key, box, mirrored, self.context.device, self.context.half)

    def subject(self, high_quality: bool = False, box: Box | None = None) -> FloatArray:
        """Probability of being the subject of the layer or of a box of it, S x S; 0 where all is of one color.

        `high_quality` looks at the mirrored image, too.
        """
        seen = self.embedding(box)
        if seen.plain:
            return np.zeros((self.side, self.side), np.float32)
        found = _map(self.net.settled_subject, seen.features, self.context)
        if high_quality:
            mirrored = _map(self.net.settled_subject, self.embedding(box, mirrored=True).features, self.context)
            found = np.asarray(found + mirrored[:, ::-1], np.float32) / np.float32(2)
        return found

    def classes(self, box: Box | None = None) -> FloatArray:
        """Probability of each of `VOC_CLASSES` in the layer or in a box of it, S/8 x S/8 x 21; of the whole layer in
        another size where a public network gives them."""
        if box is None and (public := public_card("classes", self.context)) is not None:
            return probability_map(public, self.pixels, self.key, self.context)
        with inference(self.context):
            logits = self.net.classes(self.embedding(box).features)[0].float()
            found: FloatArray = logits.softmax(0).permute(1, 2, 0).cpu().numpy()
        return found

    def object(self, prompt: UInt8Array, channel: int, box: Box | None = None) -> FloatArray:
        """Probability of belonging to the object meant, S x S over the box.

        prompt: h x w of the box's size or any other: filled box or lasso for `REGION`, dots or strokes for `INSIDE`.
        """
        return self.prompted({channel: prompt}, box)

    def prompted(self, prompts: Mapping[int, UInt8Array], box: Box | None = None) -> FloatArray:
        """The same for several prompts at once, by channel; those for `OUTSIDE` mark what is not meant."""
        import torch

        embedding = self.embedding(box)
        maps = np.zeros((1, 3, self.side, self.side), np.float32)
        for channel, prompt in prompts.items():
            maps[0, channel] = to_unit(reduced(prompt, (self.side, self.side)))
            if channel != REGION:
                maps[0, channel] /= max(float(maps[0, channel].max()), 1e-6)
        asked = torch.from_numpy(maps).to(self.context.device)
        return _map(
            lambda features: self.net.object(features, asked).float().sigmoid(), embedding.features, self.context
        )


@contextmanager
def inference(context: Context) -> Iterator[None]:
    """No gradients; half precision where the context asks for it, else what is quickest on its device."""
    import torch

    kind, chosen = torch.device(context.device).type, torch.float16 if context.half else precision(context.device)
    with torch.inference_mode(), torch.autocast(kind, chosen, enabled=chosen != torch.float32):
        yield


def _map(head: Any, features: list[Tensor], context: Context) -> FloatArray:
    """The first channel, S x S, of what a part of the network answers."""
    with inference(context):
        found: FloatArray = head(features)[0, 0].float().cpu().numpy()
    return found
