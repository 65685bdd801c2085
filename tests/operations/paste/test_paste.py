"""Blending a layer into the image below: alignment, formats, masks, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.io.rasters import DTYPES, raster, samples
from backend.operations import Context, OperationError
from backend.operations.paste import paste
from plugin.client.actions import BY_NAME, ResultKind, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job

RGB, RGBA, GRAY = (PixelFormat(name, "u8") for name in ("RGB", "RGBA", "Y"))


def blend(
    source: Raster, target: Raster, selection: Raster | None = None, method: str = "poisson", **options: Value
) -> Raster:
    inputs = {"source": source, "target": target} | ({"selection": selection} if selection else {})
    parameters = BY_NAME["paste.harmonize"].check({"method": method, **options})
    (output,) = paste.harmonize_layer(Job("paste.harmonize", parameters, inputs), Context())
    assert output.kind is ResultKind.LAYER
    return output.raster


def plain(width: int, height: int, color: tuple[int, ...], x: int = 0, y: int = 0) -> Raster:
    name = {1: "Y", 3: "RGB", 4: "RGBA"}[len(color)]
    return raster(np.full((height, width, len(color)), color, np.uint8), PixelFormat(name, "u8"), x, y)


def bumpy(width: int, height: int, base: int, x: int = 0, y: int = 0) -> Raster:
    """A level with a bright bar in its middle."""
    pixels = np.full((height, width, 3), base, np.uint8)
    pixels[height // 2 - 2 : height // 2 + 2, 4 : width - 4] += 40
    return raster(pixels, RGB, x, y)


def test_a_pasted_layer_takes_the_level_of_the_image_and_keeps_its_own_detail() -> None:
    layer = blend(bumpy(40, 30, 20, 10, 15), plain(80, 60, (150, 150, 150)))
    pixels = samples(layer)
    assert layer.box == (10, 15, 40, 30)
    assert layer.format == RGBA
    assert (pixels[..., 3] == 255).all()
    assert np.abs(pixels[2, 2, :3].astype(int) - 150).max() <= 2
    assert np.abs(pixels[15, 20, :3].astype(int) - 190).max() <= 2


def test_offsets_of_all_three_may_differ_and_only_their_differences_count() -> None:
    source, target = bumpy(40, 30, 20, 10, 15), plain(80, 60, (150, 120, 90))
    selection = plain(20, 20, (255,), 15, 20)
    there = blend(source, target, selection)
    assert there.box == (15, 20, 20, 20)
    moved = [replace(r, x=r.x - 100, y=r.y + 33) for r in (source, target, selection)]
    again = blend(*moved)
    assert again.box == (-85, 53, 20, 20)
    assert bytes(again.data) == bytes(there.data)


def test_what_lies_beyond_the_image_is_left_out() -> None:
    layer = blend(bumpy(40, 30, 20, 60, -10), plain(80, 60, (150, 150, 150)))
    assert layer.box == (60, 0, 20, 20)


def test_a_transparent_surrounding_of_the_source_does_not_bleed_in() -> None:
    pixels = np.zeros((30, 30, 4), np.uint8)  # black, clear
    pixels[10:20, 10:20] = (200, 200, 200, 255)
    layer = blend(raster(pixels, RGBA, 5, 5), plain(60, 60, (100, 100, 100)))
    assert layer.box == (15, 15, 10, 10)
    assert np.abs(samples(layer)[..., :3].astype(int) - 100).max() <= 2


@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
@pytest.mark.parametrize("channels", ["Y", "YA", "RGB", "RGBA", "BGR", "BGRA"])
def test_the_new_layer_has_the_sources_format_with_alpha(channels: str, depth: str) -> None:
    count = PixelFormat(channels, depth).bytes_per_pixel // np.dtype(DTYPES[depth]).itemsize
    full = {"u8": 255, "u16": 65535}.get(depth, 1)
    color = np.linspace(0.3, 0.5, count)
    color[-1] = 1 if channels.endswith("A") else color[-1]
    source = raster(np.full((10, 10, count), color * full), PixelFormat(channels, depth), 5, 5)
    below = np.linspace(0.6, 0.8, count)
    below[-1] = 1 if channels.endswith("A") else below[-1]
    target = raster(np.full((20, 20, count), below * full), PixelFormat(channels, depth), 0, 0)
    layer = blend(source, target)
    assert layer.format == PixelFormat(channels.removesuffix("A") + "A", depth)
    colors = samples(layer)[..., :-1].astype(np.float64) / full
    assert np.abs(colors - below[: colors.shape[2]]).max() < 0.01
    assert (samples(layer)[..., -1] == full).all()


def test_a_gray_layer_on_a_colored_image_becomes_colored() -> None:
    layer = blend(plain(10, 10, (80,), 5, 5), plain(30, 30, (200, 100, 50)))
    assert layer.format.channels == "RGBA"
    assert np.abs(samples(layer)[..., :3].astype(int) - [200, 100, 50]).max() <= 2


def test_transparent_parts_of_the_image_do_not_darken_the_layer() -> None:
    target = plain(60, 30, (120, 120, 120, 255))
    pixels = samples(target).copy()
    pixels[:, 30:] = 0
    layer = blend(plain(40, 10, (120, 120, 120), 10, 10), raster(pixels, RGBA, 0, 0))
    assert np.abs(samples(layer)[..., :3].astype(int) - 120).max() <= 2


def test_mixed_gradients_keep_what_stands_behind_a_flat_layer() -> None:
    target = bumpy(60, 40, 100)
    flat = plain(30, 20, (30, 30, 30), 15, 10)
    kept = samples(blend(flat, target, method="mixed"))[10, 10, :3].astype(int)
    lost = samples(blend(flat, target))[10, 10, :3].astype(int)
    assert np.abs(kept - 140).max() <= 3
    assert np.abs(lost - 140).min() > 15


@pytest.mark.parametrize(
    ("source", "selection", "message"),
    [
        (plain(10, 10, (1, 2, 3), 100, 100), None, "does not lie over"),
        (plain(10, 10, (1, 2, 3, 0), 5, 5), None, "Nothing is left"),
        (plain(10, 10, (1, 2, 3), 5, 5), plain(3, 3, (255,), 30, 30), "Nothing is left"),
        (plain(10, 10, (1, 2, 3), 5, 5), plain(40, 40, (0,)), "Nothing is left"),
        (plain(60, 60, (1, 2, 3), -5, -5), None, "covers all"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(source: Raster, selection: Raster | None, message: str) -> None:
    with pytest.raises(OperationError, match=message) as raised:
        blend(source, plain(40, 40, (9, 9, 9)), selection)
    assert raised.value.code is ErrorCode.BAD_INPUT
    assert raised.value.remedy
