"""An image as bytes: what every layer, selection and mask is while it travels.

Rows are packed without padding, top to bottom; samples are little endian; integers span 0..2^bits-1, floats are
nominally 0..1. Alpha is straight (not premultiplied). Offsets are in image coordinates.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from math import ceil
from typing import NamedTuple

Bytes = bytes | bytearray | memoryview

CHANNELS = {"Y": 1, "YA": 2, "RGB": 3, "RGBA": 4, "BGR": 3, "BGRA": 4}
"""Channel orders and how many samples a pixel of each has. `Y` is gray, `A` alpha."""

DEPTHS = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}
"""Sample types and their size in bytes."""

_BLOCK = 1 << 20  # bytes under one checksum

MAX_SIDE = 1 << 17
"""Longest side of an image that is accepted, in pixels."""


class Box(NamedTuple):
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Index of this rectangle in an H x W [x C] array; x and y must not be negative."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)

    def padded(self, pixels: int, shape: tuple[int, ...]) -> Box:
        """Grown by `pixels` on all sides, cut to an image of `shape` (H, W, ...)."""
        left, top = max(self.x - pixels, 0), max(self.y - pixels, 0)
        right = min(self.x + self.width + pixels, shape[1])
        bottom = min(self.y + self.height + pixels, shape[0])
        return Box(left, top, max(right - left, 0), max(bottom - top, 0))


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How one pixel is stored: channel order, sample type, and whether color is linear light or sRGB-encoded."""

    channels: str
    depth: str
    linear: bool = False

    def __post_init__(self) -> None:
        if self.channels not in CHANNELS or self.depth not in DEPTHS:
            raise ValueError(
                f"unknown pixel format '{self.channels} {self.depth}': channels are one of {', '.join(CHANNELS)}, "
                f"sample types one of {', '.join(DEPTHS)}"
            )

    @property
    def bytes_per_pixel(self) -> int:
        return CHANNELS[self.channels] * DEPTHS[self.depth]

    @property
    def has_alpha(self) -> bool:
        return self.channels.endswith("A")

    def __str__(self) -> str:
        return f"{self.channels} {self.depth}{' linear' if self.linear else ''}"

    @classmethod
    def parse(cls, text: str) -> PixelFormat:
        """The inverse of `str`: "BGRA u8", "RGBA f32 linear". Raises ValueError on anything else."""
        words = text.split(" ")
        if len(words) not in (2, 3) or words[2:] not in ([], ["linear"]):
            raise ValueError(f"unknown pixel format {text!r}: write it like 'RGBA u8' or 'RGB f32 linear'")
        return cls(words[0], words[1], len(words) == 3)


@dataclass(frozen=True, slots=True)
class Raster:
    """A rectangle of pixels at an offset, with its color profile.

    `data` holds exactly `width * height * format.bytes_per_pixel` bytes and may be any buffer; it is never copied.
    `profile` is an ICC profile, empty when the image has none (then it is taken as sRGB).
    `key` is the digest where it is known already.
    """

    format: PixelFormat
    width: int
    height: int
    data: Bytes
    x: int = 0
    y: int = 0
    profile: bytes = b""
    key: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        self._check_sides()
        view = memoryview(self.data)
        if not view.c_contiguous:
            raise ValueError("the rows of an image must lie one after the other, without gaps")
        if view.nbytes != self.nbytes:
            raise ValueError(
                f"{view.nbytes} bytes of pixels, but {self.width} x {self.height} in "
                f"'{self.format}' needs {self.nbytes}"
            )

    def _check_sides(self) -> None:
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise ValueError(f"an image of {self.width} x {self.height} pixels: sides must be 1 to {MAX_SIDE}")

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels."""
        return self.width * self.height * self.format.bytes_per_pixel

    @property
    def box(self) -> Box:
        """Where it lies, in image coordinates."""
        return Box(self.x, self.y, self.width, self.height)

    def at(self, x: int, y: int) -> Raster:
        """The same pixels at another offset."""
        return replace(self, x=x, y=y)

    def digest(self) -> str:
        """Content key of the pixels and their format: equal images have equal digests wherever they lie.

        BLAKE2b over the CRC-32s of 1 MiB blocks: at memory speed, good enough to tell images apart and to notice a
        damaged transfer; it is no signature.
        """
        if self.key:
            return self.key
        from hashlib import blake2b  # not above: with OpenSSL behind it, it is slow to load

        view = memoryview(self.data).cast("B")
        half = len(view) // _BLOCK // 2 * _BLOCK
        if half > 4 * _BLOCK:
            from concurrent.futures import ThreadPoolExecutor  # not above: it would double the time of loading

            with ThreadPoolExecutor(1) as second:  # crc32 runs beside other threads
                rest = second.submit(_checksums, view[half:])
                sums = _checksums(view[:half]) + rest.result()
        else:
            sums = _checksums(view)
        head = f"{self.format} {self.width} {self.height} {zlib.crc32(self.profile)} "
        return blake2b(head.encode() + sums, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Reference(Raster):
    """An image named by its key alone: the receiver has it, or asks for it.

    It has a place of its own, but no pixels here; its profile is the named image's.
    """

    data: Bytes = b""
    key: str = field(kw_only=True)

    def __post_init__(self) -> None:
        self._check_sides()


def _checksums(view: memoryview) -> bytes:
    return b"".join(zlib.crc32(view[i : i + _BLOCK]).to_bytes(4, "little") for i in range(0, len(view), _BLOCK))


def intersection(a: Box, b: Box) -> Box | None:
    """The part that both boxes cover, None where they do not meet."""
    left, top = max(a.x, b.x), max(a.y, b.y)
    right, bottom = min(a.x + a.width, b.x + b.width), min(a.y + a.height, b.y + b.height)
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def grown(box: Box, margin: float, least: int = 0) -> Box:
    """The box with a border of `margin` times its longer side, rounded up, and of `least` pixels at least."""
    border = max(ceil(margin * max(box.width, box.height)), least)
    return Box(box.x - border, box.y - border, box.width + 2 * border, box.height + 2 * border)


def bounds(samples: Bytes, width: int, height: int) -> Box | None:
    """Smallest box around the non-zero ones of `width * height` one-byte samples, None when all are zero."""
    data = bytes(samples)
    start, end = len(data) - len(data.lstrip(b"\0")), len(data.rstrip(b"\0"))
    if end == 0:
        return None
    top, bottom = start // width, (end - 1) // width
    left, right = width, 0
    for row in range(top * width, (bottom + 1) * width, width):
        head = data[row : row + left]
        left = min(left, len(head) - len(head.lstrip(b"\0")))
        right += len(data[row + right : row + width].rstrip(b"\0"))
    return Box(left, top, right - left, bottom - top + 1)
