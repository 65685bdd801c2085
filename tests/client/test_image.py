"""Images as bytes."""

from __future__ import annotations

import array
import os

import pytest

from plugin.client.image import CHANNELS, DEPTHS, MAX_SIDE, PixelFormat, Raster

RGBA = PixelFormat("RGBA", "u8")


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("linear", [False, True])
def test_a_format_is_read_as_it_is_written(channels: str, depth: str, linear: bool) -> None:
    pixel_format = PixelFormat(channels, depth, linear)
    assert PixelFormat.parse(str(pixel_format)) == pixel_format
    assert pixel_format.bytes_per_pixel == CHANNELS[channels] * DEPTHS[depth]
    assert pixel_format.has_alpha == ("A" in channels)


@pytest.mark.parametrize("text", ["", "RGBA", "RGBA u8 ", "RGBA u8 dark", "u8 RGBA", "RGBA  u8", "ARGB u8"])
def test_an_unknown_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unknown pixel format"):
        PixelFormat.parse(text)


@pytest.mark.parametrize(("width", "height"), [(0, 4), (4, 0), (-1, -16), (MAX_SIDE + 1, 1)])
def test_a_side_out_of_range_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="sides must be"):
        Raster(RGBA, width, height, bytes(64))


def test_bytes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 64"):
        Raster(RGBA, 4, 4, bytes(63))
    with pytest.raises(ValueError, match="without gaps"):
        Raster(RGBA, 4, 4, memoryview(bytes(128))[::2])


def test_any_buffer_of_the_right_size_is_taken() -> None:
    floats = memoryview(array.array("f", range(12)))
    assert Raster(PixelFormat("RGB", "f32"), 2, 2, floats).nbytes == 48


def test_the_digest_is_of_the_content_wherever_it_lies() -> None:
    data = os.urandom(64)
    raster = Raster(RGBA, 4, 4, data)
    assert raster.digest() == raster.at(9, -9).digest() == Raster(RGBA, 4, 4, bytearray(data)).digest()
    others = [
        Raster(RGBA, 2, 8, data),
        Raster(PixelFormat("BGRA", "u8"), 4, 4, data),
        Raster(PixelFormat("RGBA", "u8", True), 4, 4, data),
        Raster(RGBA, 4, 4, data, profile=b"x"),
        Raster(RGBA, 4, 4, data, profile=b"x" * 200 + b"y"),
        Raster(RGBA, 4, 4, data, profile=b"x" * 200 + b"z"),
        Raster(RGBA, 4, 4, data[::-1]),
    ]
    assert len({raster.digest(), *(other.digest() for other in others)}) == 8


@pytest.mark.parametrize("megabytes", [1, 9, 12, 13])
def test_one_byte_anywhere_changes_the_digest_of_a_large_image(megabytes: int) -> None:
    data = bytearray(megabytes << 20)
    first = Raster(RGBA, 1024, megabytes << 8, bytes(data)).digest()
    assert Raster(RGBA, 1024, megabytes << 8, bytes(data)).digest() == first
    for place in (0, len(data) // 2, len(data) - 1):
        data[place] ^= 1
        assert Raster(RGBA, 1024, megabytes << 8, data).digest() != first
        data[place] ^= 1
