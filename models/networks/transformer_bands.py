"""The transformation network on images of any size, layer by layer in bands of rows.

An image is normalized with its own statistics, which are known only when a layer has seen all of it. So each layer is
run over the whole image, band after band, before the next one begins; what it gives is kept in 16 bits. The result
is that of the network on the whole image but for that rounding, at `kept_bytes` a pixel; convolutions in bfloat16
differ by another 0.2 steps of 8 bits on average. Where that is too much memory the layers of the image's own size are
computed twice instead of kept; and where even that is too much, what is kept is kept in files: the result is the same.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.transformer_net import SMALLEST, ConvNorm, Moments, TransformerNet, logits

Read = Callable[[int, int], Tensor]
"""Rows top to bottom of an image: 1 x 3 x rows x W, 0..1, float32, on the network's device."""

Write = Callable[[int, Tensor], None]
"""Takes rows of the result from a top row on: 1 x 3 x rows x W, 0..1."""

Size = tuple[int, int]
"""Height and width."""

BAND = 1 << 16  # pixels of a layer's output that are worked on at once: what fits into caches is quicker
ROWS = 32  # of a band, at least: its margins are computed twice
EPSILON = 1e-5  # added to variances


@dataclass
class _Sums:
    """Moments gathered band by band."""

    count: int = 0
    parts: list[tuple[int, Tensor]] = field(default_factory=list)  # of each band: pixels; means of x and of x squared

    def add(self, x: Tensor) -> None:
        pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
        if x.device.type == "cpu":  # in one pass, many times as quick
            unused = torch.zeros(channels), torch.ones(channels)  # float32, and so is what comes back
            mean, variance = torch.batch_norm_update_stats(x, *unused, 0.0)
            square = variance + mean * mean
        else:
            mean, square = (y.mean((0, 2, 3), dtype=torch.float32) for y in (x, x.float() ** 2))
        self.count += pixels
        self.parts.append((pixels, torch.stack([mean, square])))

    def moments(self) -> Moments:
        """Mean and variance, 1 x C x 1 x 1; summed up in float64 on the CPU, as not every device has that type."""
        device = self.parts[0][1].device
        total = torch.stack([part.cpu().double() * pixels for pixels, part in self.parts]).sum(0)
        mean, square = (total / self.count).view(2, 1, -1, 1, 1)
        return mean.float().to(device), (square - mean * mean).clamp(min=0).float().to(device)


class Shelf:
    """Room for 1 x C x H x W numbers, written and read by rows: in memory, or in an unnamed file of a folder."""

    def __init__(
        self, channels: int, size: Size, dtype: torch.dtype, device: torch.device, folder: Path | None = None
    ) -> None:
        self.channels, self.width, self.dtype, self.device = channels, size[1], dtype, device
        self.line = channels * size[1] * dtype.itemsize
        if folder is None:
            shape = (1, channels, *size)
            self.rows = torch.empty(shape, dtype=dtype, device=device, memory_format=torch.channels_last)
            self.file = None
        else:
            self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (as long as this)
            weakref.finalize(self, self.file.close)

    def write(self, top: int, rows: Tensor) -> None:
        """Rows from `top` on. Raises OSError when the disk is full."""
        if self.file is None:
            self.rows[:, :, top : top + rows.shape[2]] = rows
            return
        flat = rows[0].permute(1, 2, 0).to("cpu", self.dtype).contiguous()
        self.file.seek(top * self.line)
        self.file.write(flat.view(torch.uint8).numpy().tobytes())

    def read(self, top: int, bottom: int) -> Tensor:
        """Rows top to bottom, in memory: those of the shelf itself, or a copy."""
        if self.file is None:
            return self.rows[:, :, top:bottom]
        data = bytearray((bottom - top) * self.line)
        self.file.seek(top * self.line)
        self.file.readinto(data)
        flat = torch.frombuffer(data, dtype=self.dtype).view(bottom - top, self.width, self.channels)
        return flat.permute(2, 0, 1)[None].to(self.device)

    def clear(self) -> None:
        """Give the room back; nothing can be read any more."""
        self.rows = torch.empty(0)
        if self.file is not None:
            self.file.close()


class BandedNet:
    """A network and a code, ready for images whose sides are multiples of 4.

    step(fraction) is called after each band with how much is done, and may raise to stop the work. precision: of the
    convolutions, float32 or bfloat16; the sum that runs through the residual blocks, all statistics and the result are
    in float32 either way. folder: for what is kept between layers, in place of memory.
    """

    def __init__(
        self,
        net: TransformerNet,
        code: Tensor,
        step: Callable[[float], None] = lambda fraction: None,
        precision: torch.dtype = torch.float32,
        folder: Path | None = None,
    ) -> None:
        self.net, self.step, self.precision, self.folder = net, step, precision, folder
        self.kept = torch.float16 if precision == torch.float32 else precision  # between layers
        *self.parts, self.recall = torch.split(code.float(), net.sizes, dim=1)

    @torch.inference_mode()
    def run(self, read: Read, height: int, width: int, write: Write, lean: bool = False) -> None:
        """Run over an image from top to bottom.

        Args:
            read: gives the rows from and to, 1 x 3 x n x W, RGB 0..1.
            height: of the image.
            width: of the image.
            write: gets the number of the first row and the rows of the result, as they are done.
            lean: layers of the image's own size are computed twice instead of kept.

        Raises:
            OSError: the disk is full.
        """
        layers, seen = self.net.layers(), list[Moments]()
        own, cost = _Sums(), _Cost(layers, height * width, self.step)

        def image(top: int, bottom: int) -> Tensor:
            return (read(top, bottom) * 2 - 1).contiguous(memory_format=torch.channels_last)

        def streamed(top: int, bottom: int) -> Tensor:
            return stream.read(top, bottom)

        def convolved(rows: Read, size: Size) -> tuple[Read, Size]:
            """Reader of what the next layer gives, not yet normalized, and its size; its moments are in `seen`."""
            layer = layers[len(seen)]
            after = size[0] * layer.upsample // layer.conv.stride[0], size[1] * layer.upsample // layer.conv.stride[0]
            keep = not lean or after != (height, width) or layer is self.net.out
            kept, moments = self._convolve(layer, rows, size, after, keep, cost)
            seen.append(moments)
            if kept is None:
                return (lambda top, bottom: self._convolved(layer, rows, size, top, bottom)), after
            return (lambda top, bottom: kept.read(top, bottom).to(self.precision)), after

        def normalized(raw: Read) -> Read:
            """`conditional_instance_norm` in one pass, in the precision of what `raw` reads."""
            scale, shift = self.parts[len(seen) - 1][0].chunk(2)
            mean, variance = (moment.flatten() for moment in seen[-1])
            return lambda top, bottom: F.batch_norm(raw(top, bottom), mean, variance, scale, shift, eps=EPSILON)

        def activated(raw: Read) -> Read:
            inner = normalized(raw)
            return lambda top, bottom: F.relu_(inner(top, bottom))

        for top, bottom in _bands(height, width):
            own.add(logits(read(top, bottom)))
        rows: Read = image
        size = (height, width)
        for _ in self.net.down:
            raw, size = convolved(rows, size)
            rows = activated(raw)
        stream = self._shelf(layers[len(seen) - 1], size, torch.float32)
        for top, bottom in _bands(*size):
            stream.write(top, rows(top, bottom).float())
        for _ in range(self.net.config.blocks):
            raw, _ = convolved(streamed, size)
            raw, _ = convolved(activated(raw), size)
            change = normalized(raw)
            for top, bottom in _bands(*size):
                stream.write(top, stream.read(top, bottom) + change(top, bottom))
        rows = streamed
        for _ in self.net.up:
            raw, size = convolved(rows, size)
            rows = activated(raw)
            stream.clear()
        raw, _ = convolved(rows, size)
        for top, bottom in _bands(height, width):
            write(top, self.net.finish(raw(top, bottom), self.parts[-1], self.recall, seen[-1], own.moments()))

    def _convolve(
        self, layer: ConvNorm, rows: Read, size: Size, after: Size, keep: bool, cost: _Cost
    ) -> tuple[Shelf | None, Moments]:
        """All of a layer's convolution, where it is to be kept, and the moments of what it gave."""
        kept = self._shelf(layer, after, self.kept) if keep else None
        sums = _Sums()
        for top, bottom in _bands(*after):
            band = self._convolved(layer, rows, size, top, bottom)
            sums.add(band)
            if kept is not None:
                kept.write(top, band)
            cost.done(layer, band.shape[2] * band.shape[3])
        return kept, sums.moments()

    def _shelf(self, layer: ConvNorm, size: Size, dtype: torch.dtype) -> Shelf:
        """Room for what a layer gives."""
        return Shelf(len(layer.conv.weight), size, dtype, layer.conv.weight.device, self.folder)

    def _convolved(self, layer: ConvNorm, rows: Read, size: Size, top: int, bottom: int) -> Tensor:
        """Rows top to bottom of a layer's convolution of the image that `rows` reads, which is of `size`."""
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
