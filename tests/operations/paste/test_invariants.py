"""What holds for every paste: sizes, depths, alphas and edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from backend.io.rasters import as_depth, raster, samples
from backend.operations import Context
from backend.operations.paste.paste import harmonize_layer
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

DEPTHS = ("u8", "u16", "f16", "f32")
LEVEL = 1 / 255


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return (cv2.resize(data.coffee(), (240, 160), interpolation=cv2.INTER_AREA) / 255).astype(np.float32)


def shape(size: tuple[int, int], soft: bool) -> np.ndarray:
    rows, columns = np.mgrid[: size[1], : size[0]] + 0.5
    distance = np.hypot((rows - size[1] / 2) / size[1], (columns - size[0] / 2) / size[0])
    alpha = np.clip((0.42 - distance) * min(size) / 4, 0, 1) if soft else (distance < 0.42)
    return alpha.astype(np.float32)


def layer(pixels: np.ndarray, depth: str, alpha: np.ndarray | None = None, x: int = 0, y: int = 0) -> Raster:
    name = {1: "Y", 3: "RGB"}[pixels.shape[2]] + ("" if alpha is None else "A")
    unit = pixels if alpha is None else np.dstack([pixels, alpha])
    return raster(as_depth(unit.astype(np.float32), depth), PixelFormat(name, depth), x, y)


def paste(source: Raster, target: Raster, selection: Raster | None = None, **options: Value) -> list[Raster]:
    inputs = {"source": source, "target": target} | ({"selection": selection} if selection else {})
    job = Job("paste.harmonize", BY_NAME["paste.harmonize"].check(options), inputs)
    return [output.raster for output in harmonize_layer(job, Context())]


def over(new: Raster, below: np.ndarray) -> np.ndarray:
    """The new layer composited over an image, both 0..1."""
    pixels = samples(new).astype(np.float64) / {"u8": 255, "u16": 65535}.get(new.format.depth, 1)
    result = below.astype(np.float64).copy()
    window = np.s_[new.y : new.y + new.height, new.x : new.x + new.width]
    result[window] += pixels[..., -1:] * (pixels[..., :-1] - result[window])
    return result


@pytest.mark.parametrize("edge", ["auto", "seamless", "object"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("kind", ["selection", "hard alpha", "soft alpha", "opaque rectangle"])
@pytest.mark.parametrize("size", [(90, 70), (31, 47)])
def test_the_same_content_at_its_own_place_changes_by_at_most_one_level(
    photograph: np.ndarray, kind: str, depth: str, edge: str, size: tuple[int, int]
) -> None:
    x, y = 60, 40
    part = photograph[y : y + size[1], x : x + size[0]]
    mask = shape(size, kind == "soft alpha")
    selection = raster((mask * 255).astype(np.uint8)[..., None], PixelFormat("Y", "u8"), x, y)
    alpha = mask if "alpha" in kind else None
    source = layer(part, depth, alpha, x, y)
    (new,) = paste(source, layer(photograph, depth), selection if kind == "selection" else None, edge=edge)
    assert np.abs(over(new, photograph) - photograph).max() <= LEVEL * 1.01


@pytest.mark.parametrize("depth", ["u8", "u16"])
@pytest.mark.parametrize("edge", ["seamless", "object"])
@pytest.mark.parametrize("method", ["auto", "poisson", "mixed"])
def test_white_on_white_stays_white(depth: str, edge: str, method: str) -> None:
    white = np.ones((80, 100, 3), np.float32)
    source = layer(white[:40, :50], depth, shape((50, 40), True), 20, 20)
    (new,) = paste(source, layer(white, depth), edge=edge, method=method)
    assert (over(new, white) == 1).all()


@pytest.mark.parametrize("edge", ["seamless", "object"])
def test_at_strength_0_it_is_the_plain_composite(photograph: np.ndarray, edge: str) -> None:
    other = np.ascontiguousarray(photograph[::-1, ::-1])[:70, :90] * np.float32([0.4, 0.7, 1])
    alpha = shape((90, 70), True)
    (new,) = paste(layer(other, "u8", alpha, 60, 40), layer(photograph, "u8"), edge=edge, strength=0.0)
    used = alpha if edge == "object" else (alpha >= 0.5)
    expected = photograph.copy()
    expected[40:110, 60:150] += used[..., None] * (other - photograph[40:110, 60:150])
    assert np.abs(over(new, photograph) - expected).max() < 2 * LEVEL


@pytest.mark.parametrize("color", [(0.8, 0.2, 0.2), (0.2, 0.6, 0.3), (0.2, 0.3, 0.8)])
@pytest.mark.parametrize("ground", [(0.7, 0.6, 0.4), (0.3, 0.4, 0.5), (0.5, 0.5, 0.5)])
def test_a_colored_object_does_not_come_out_gray(color: tuple[float, ...], ground: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 0.02, (120, 160, 1))
    target = np.clip(np.float32(ground) + grain, 0, 1).astype(np.float32)
    source = np.clip(np.float32(color) + grain[:60, :60], 0, 1).astype(np.float32)
    (new,) = paste(layer(source, "u8", shape((60, 60), True), 50, 30), layer(target, "u8"))
    found = samples(new)[25:35, 25:35, :3].astype(float).mean((0, 1)) / 255
    before, after = (max(c) - min(c) for c in (color, found))
    assert after > 0.4 * before
    assert np.argmax(found) == np.argmax(color)


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_a_paste_takes_on_the_grain_that_it_is_asked_to(depth: str) -> None:
    rng = np.random.default_rng(0)
    target = np.clip(0.5 + rng.normal(0, 0.04, (140, 160, 3)), 0, 1).astype(np.float32)
    source = layer(np.full((60, 60, 3), 0.6, np.float32), depth, shape((60, 60), True), 50, 40)
    clean, grainy = (paste(source, layer(target, depth), edge="object", grain=grain)[0] for grain in (False, True))
    full = {"u8": 255, "u16": 65535}[depth]
    levels = [(samples(new)[20:40, 20:40, :3] / full).std((0, 1)).mean() for new in (clean, grainy)]
    assert levels[0] < 0.01
    assert 0.03 < levels[1] < 0.05


def test_shadows_are_layers_of_their_own_below_the_paste(photograph: np.ndarray) -> None:
    source = layer(photograph[:60, :40], "u8", shape((40, 60), False), 100, 40)
    new, contact, cast = paste(source, layer(photograph, "u8"), shadow=50.0, cast_shadow=60.0, shadow_direction=0.0)
    assert cast.x + cast.width > new.x + new.width + 20
    for shadow, most in ((contact, 0.5), (cast, 0.6)):
        pixels = samples(shadow)
        assert pixels[..., :3].max() == 0
        assert pixels[..., 3].max() <= np.ceil(most * 255)
        assert pixels[..., 3].max() > 0.6 * most * 255
