"""The transformation network on pictures of any size, layer by layer in bands of rows.

A picture is normalised with its own statistics, which are known only when a layer has seen all of it. So each layer is
run over the whole picture, band after band, before the next one begins; what it gives is kept in 16 bits. The result
is that of the network on the whole picture but for that rounding, at `kept_bytes` a pixel; convolutions in bfloat16
differ by another 0.2 steps of 8 bits on average. Where that is too much memory the layers of the picture's own size are
computed twice instead of kept; and where even that is too much, the statistics are measured on a reduced copy and the
picture is cut into slabs that overlap by more than the network can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.transformer_net import (
    SMALLEST,
    STRIDE,
    ConvNorm,
    Moments,
    TransformerNet,
    logits,
)

Read = Callable[[int, int], Tensor]
"""Rows top to bottom of a picture: 1 x 3 x rows x W, 0..1, float32, on the network's device."""

Write = Callable[[int, Tensor], None]
"""Takes rows of the result from a top row on: 1 x 3 x rows x W, 0..1."""

Size = tuple[int, int]
"""Height and width."""

BAND = 1 << 16  # pixels of a layer's output that are worked on at once: what fits into caches is quicker
ROWS = 32  # of a band, at least: its margins are computed twice
EPSILON = 1e-5  # added to variances
REACH = 96  # px: farther than this the network does not see, at 5 blocks


@dataclass
class _Sums:
    """Moments gathered band by band."""

    count: int = 0
    total: Tensor | float = 0.0
    square: Tensor | float = 0.0

    def add(self, x: Tensor) -> None:
        pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
        if x.device.type == "cpu":  # in one pass, many times as quick
            unused = torch.zeros(channels), torch.ones(channels)  # float32, and so is what comes back
            mean, variance = torch.batch_norm_update_stats(x, *unused, 0.0)
            square = variance + mean * mean
        else:
            mean, square = (y.mean((0, 2, 3), dtype=torch.float32) for y in (x, x.float() ** 2))
        self.count += pixels
        self.total = self.total + mean.double() * pixels
        self.square = self.square + square.double() * pixels

    def moments(self) -> Moments:
        mean, square = (torch.as_tensor(sum_ / self.count).view(1, -1, 1, 1) for sum_ in (self.total, self.square))
        return mean.float(), (square - mean * mean).clamp(min=0).float()


class BandedNet:
    """A network and a code, ready for pictures whose sides are multiples of 4.

    step(fraction) is called after each band with how much is done, and may raise to stop the work. precision: of the
    convolutions, float32 or bfloat16; the sum that runs through the residual blocks, all statistics and the result are
    in float32 either way.
    """

    def __init__(
        self,
        net: TransformerNet,
        code: Tensor,
        step: Callable[[float], None] = lambda fraction: None,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.net, self.step, self.precision = net, step, precision
        self.kept = torch.float16 if precision == torch.float32 else precision  # between layers
        *self.parts, self.recall = torch.split(code.float(), net.sizes, dim=1)

    @torch.inference_mode()
    def run(
        self,
        read: Read,
        height: int,
        width: int,
        write: Write | None,
        statistics: list[Moments] | None = None,
        lean: bool = False,
    ) -> list[Moments]:
        """Runs over the picture of `height` x `width`; returns the statistics it was normalised with.

        write: gets the result from top to bottom; None only measures. statistics: to be used in place of its own.
        lean: layers of the picture's own size are computed twice instead of kept.
        """
        layers, given = self.net.layers(), list(statistics or [])
        seen: list[Moments] = []
        own, cost = _Sums(), _Cost(layers, height * width, self.step)

        def image(top: int, bottom: int) -> Tensor:
            return (read(top, bottom) * 2 - 1).contiguous(memory_format=torch.channels_last)

        def streamed(top: int, bottom: int) -> Tensor:
            return stream[:, :, top:bottom]

        def convolved(rows: Read, size: Size) -> tuple[Read, Size]:
            """Reader of what the next layer gives, not yet normalised, and its size; its moments are in `seen`."""
            layer = layers[len(seen)]
            after = size[0] * layer.upsample // layer.conv.stride[0], size[1] * layer.upsample // layer.conv.stride[0]
            keep = not lean or after != (height, width) or layer is self.net.out
            kept, sums = self._convolve(layer, rows, size, after, keep, not given, cost)
            seen.append(given[len(seen)] if given else sums.moments())
            if kept is None:
                return (lambda top, bottom: self._convolved(layer, rows, size, top, bottom)), after
            return (lambda top, bottom: kept[:, :, top:bottom].to(self.precision)), after

        def normalised(raw: Read) -> Read:
            """`conditional_instance_norm` in one pass, in the precision of what `raw` reads."""
            scale, shift = self.parts[len(seen) - 1][0].chunk(2)
            mean, variance = (moment.flatten() for moment in seen[-1])
            return lambda top, bottom: F.batch_norm(raw(top, bottom), mean, variance, scale, shift, eps=EPSILON)

        def activated(raw: Read) -> Read:
            inner = normalised(raw)
            return lambda top, bottom: F.relu_(inner(top, bottom))

        if not given:
            for top, bottom in _bands(height, width):
                own.add(logits(read(top, bottom)))
        rows: Read = image
        size = (height, width)
        for _ in self.net.down:
            raw, size = convolved(rows, size)
            rows = activated(raw)
        stream = torch.cat([rows(*band).float() for band in _bands(*size)], dim=2)
        for _ in range(self.net.config.blocks):
            raw, _ = convolved(streamed, size)
            raw, _ = convolved(activated(raw), size)
            change = normalised(raw)
            for top, bottom in _bands(*size):
                stream[:, :, top:bottom] += change(top, bottom)
        rows = streamed
        for _ in self.net.up:
            raw, size = convolved(rows, size)
            rows = activated(raw)
            stream = torch.empty(0)  # gives its memory back
        raw, _ = convolved(rows, size)
        seen.append(given[-1] if given else own.moments())
        if write is not None:
            for top, bottom in _bands(height, width):
                write(top, self.net.finish(raw(top, bottom), self.parts[-1], self.recall, *seen[-2:]))
        return seen

    def _convolve(
        self, layer: ConvNorm, rows: Read, size: Size, after: Size, keep: bool, measure: bool, cost: _Cost
    ) -> tuple[Tensor | None, _Sums]:
        """All of a layer's convolution, where it is to be kept, and the sums of what it gave, where they are wanted."""
        weight, kept = layer.conv.weight, None
        if keep:
            shape = (1, len(weight), *after)
            kept = torch.empty(shape, dtype=self.kept, device=weight.device, memory_format=torch.channels_last)
        sums = _Sums()
        for top, bottom in _bands(*after):
            band = self._convolved(layer, rows, size, top, bottom)
            if measure:
                sums.add(band)
            if kept is not None:
                kept[:, :, top:bottom] = band
            cost.done(layer, band.shape[2] * band.shape[3])
        return kept, sums

    def _convolved(self, layer: ConvNorm, rows: Read, size: Size, top: int, bottom: int) -> Tensor:
        """Rows top to bottom of a layer's convolution of the picture that `rows` reads, which is of `size`."""
        up, stride, margin = layer.upsample, layer.conv.stride[0], layer.margin
        first, last = top * stride - margin, (bottom - 1) * stride + margin + 1
        above, below = max(0, -first), max(0, last - size[0] * up)
        start, stop = (first + above) // up, -(-(last - below) // up)
        x = rows(start, stop).to(self.precision)
        if up > 1:
            x = F.interpolate(x, scale_factor=up, mode="nearest")
            x = x[:, :, first + above - start * up : last - below - start * up]
        x = F.pad(x, [margin, margin, above, below], mode="reflect")
        return F.conv2d(x, layer.conv.weight.to(self.precision), stride=stride)


class _Cost:
    """Which share of the multiplications is done."""

    def __init__(self, layers: list[ConvNorm], pixels: int, step: Callable[[float], None]) -> None:
        self.step, self.sum = step, 0.0
        scale, self.whole = 1.0, 0.0
        for layer in layers:
            scale *= (layer.upsample / layer.conv.stride[0]) ** 2
            self.whole += layer.conv.weight.numel() * scale * pixels

    def done(self, layer: ConvNorm, pixels: int) -> None:
        self.sum += layer.conv.weight.numel() * pixels
        self.step(min(1.0, self.sum / self.whole))


def _bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    rows = max(ROWS, BAND // width)
    tops = list(range(0, height, rows))
    if len(tops) > 1 and height - tops[-1] < SMALLEST // 2:
        tops.pop()  # a last band too thin for a reflected margin joins the one before
    yield from zip(tops, [*tops[1:], height], strict=True)


def kept_bytes(width: int, lean: bool) -> int:
    """Bytes that a pixel takes at most between the layers of a network of that width."""
    return 2 * width + 8 if lean else 3 * width + 8


def slabs(height: int, width: int, pixels: int) -> Iterator[tuple[int, int, int, int]]:
    """(first, top, bottom, last) of slabs of at most about `pixels`: rows first..last are looked at for top..bottom.

    All are multiples of 4; slabs overlap by REACH on either side.
    """
    rows = max(4 * REACH, pixels // width - 2 * REACH) // STRIDE * STRIDE
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield max(0, top - REACH), top, bottom, min(height, bottom + REACH)
