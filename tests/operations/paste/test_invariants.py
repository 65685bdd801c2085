"""What holds for every paste: sizes, depths, alphas and edges."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from skimage import data

from backend.cli.paste import over as composited
from backend.io.rasters import as_depth, raster, samples, scaled
from backend.operations import Context, OperationError
from backend.operations.paste.paste import harmonize_layer
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

CONTEXT = Context()  # one for all: networks are read once
DEPTHS = ("u8", "u16", "f16", "f32")
LEVEL = 1 / 255
FULL = {"u8": 255, "u16": 65535}


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
    return [output.raster for output in harmonize_layer(job, CONTEXT)]


def over(new: Raster, below: np.ndarray) -> np.ndarray:
    """The new layer composited over an image, both 0..1."""
    pixels = samples(new).astype(np.float64) / FULL.get(new.format.depth, 1)
    result = below.astype(np.float64).copy()
    window = np.s_[new.y : new.y + new.height, new.x : new.x + new.width]
    result[window] += pixels[..., -1:] * (pixels[..., :-1] - result[window])
    return result


EDGES = st.sampled_from(["auto", "seamless", "object"])
SIDES = st.tuples(st.integers(9, 110), st.integers(9, 90))  # of what is pasted: width, height
PLACES = st.tuples(st.integers(0, 239), st.integers(0, 159))
KINDS = st.sampled_from(["selection", "hard alpha", "soft alpha", "opaque rectangle"])
each_draw = settings(max_examples=20, deadline=None, derandomize=True, phases=[Phase.generate])


def at_home(place: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """A place at which all of a paste lies over the photograph."""
    return min(place[0], 240 - size[0]), min(place[1], 160 - size[1])


@each_draw
@given(kind=KINDS, depth=st.sampled_from(DEPTHS), edge=EDGES, size=SIDES, place=PLACES)
def test_the_same_content_at_its_own_place_changes_by_at_most_one_level(
    photograph: np.ndarray, kind: str, depth: str, edge: str, size: tuple[int, int], place: tuple[int, int]
) -> None:
    x, y = at_home(place, size)
    part = photograph[y : y + size[1], x : x + size[0]]
    mask = shape(size, kind == "soft alpha")
    selection = raster((mask * 255).astype(np.uint8)[..., None], PixelFormat("Y", "u8"), x, y)
    alpha = mask if "alpha" in kind else None
    source = layer(part, depth, alpha, x, y)
    (new,) = paste(source, layer(photograph, depth), selection if kind == "selection" else None, edge=edge)
    assert np.abs(over(new, photograph) - photograph).max() <= LEVEL * 1.01


@each_draw
@given(
    depth=st.sampled_from(["u8", "u16"]),
    edge=EDGES,
    method=st.sampled_from(["auto", "poisson", "mixed"]),
    soft=st.booleans(),
    size=SIDES,
)
def test_white_on_white_stays_white(depth: str, edge: str, method: str, soft: bool, size: tuple[int, int]) -> None:
    white = np.ones((140, 150, 3), np.float32)
    source = layer(white[: size[1], : size[0]], depth, shape(size, soft), 20, 20)
    (new,) = paste(source, layer(white, depth), edge=edge, method=method)
    assert (over(new, white) == 1).all()


@each_draw
@given(
    depth=st.sampled_from(DEPTHS),
    edge=EDGES,
    method=st.sampled_from(["auto", "network", "poisson", "mixed"]),
    kind=KINDS,
    size=SIDES,
    place=PLACES,
)
def test_pixels_outside_of_what_is_pasted_are_bit_identical(
    photograph: np.ndarray, depth: str, edge: str, method: str, kind: str, size: tuple[int, int], place: tuple[int, int]
) -> None:
    other = np.ascontiguousarray(photograph[::-1, ::-1])[: size[1], : size[0]] * np.float32([0.4, 0.7, 1])
    mask = shape(size, kind == "soft alpha")
    selection = raster((mask * 255).astype(np.uint8)[..., None], PixelFormat("Y", "u8"), *place)
    target = layer(photograph, depth)
    inputs = {"source": layer(other, depth, mask if "alpha" in kind else None, *place), "target": target}
    if kind == "selection":
        inputs["selection"] = selection
    parameters = BY_NAME["paste.harmonize"].check({"edge": edge, "method": method})
    try:
        outputs = harmonize_layer(Job("paste.harmonize", parameters, inputs), CONTEXT)
    except OperationError as error:
        assert "Nothing is left" in error.message  # at the border, where the shape shows next to nothing
        return
    new = outputs[0].raster
    result = samples(composited(new, target))
    pasted = np.zeros(photograph.shape[:2], bool)
    if kind == "selection" and edge != "seamless":  # the edge follows the object that was selected roughly
        pasted[new.y : new.y + new.height, new.x : new.x + new.width] = samples(new)[..., -1] > 0
    else:
        x, y = place
        seen = pasted[y : y + size[1], x : x + size[0]]
        seen[...] = kind == "opaque rectangle" or (mask > 0)[: seen.shape[0], : seen.shape[1]]
    assert np.array_equal(result[~pasted], samples(target)[~pasted])


@each_draw
@given(depth=st.sampled_from(DEPTHS), edge=st.sampled_from(["seamless", "object"]), soft=st.booleans(), size=SIDES)
def test_at_strength_0_it_is_the_plain_composite(
    photograph: np.ndarray, depth: str, edge: str, soft: bool, size: tuple[int, int]
) -> None:
    other = np.ascontiguousarray(photograph[::-1, ::-1])[: size[1], : size[0]] * np.float32([0.4, 0.7, 1])
    alpha = shape(size, soft)
    (new,) = paste(layer(other, depth, alpha, 60, 40), layer(photograph, depth), edge=edge, strength=0.0)
    used = alpha if edge == "object" else (alpha >= 0.5)
    expected = photograph.copy()
    part = expected[40 : 40 + size[1], 60 : 60 + size[0]]
    part += used[..., None] * (other - part)
    assert np.abs(over(new, photograph) - expected).max() < 2 * LEVEL


@each_draw
@given(
    hue=st.floats(0, 1, exclude_max=True),
    ground=st.tuples(*[st.floats(0.25, 0.75)] * 3),
    depth=st.sampled_from(DEPTHS),
    soft=st.booleans(),
    side=st.integers(24, 90),
)
def test_a_colored_object_does_not_come_out_gray(
    hue: float, ground: tuple[float, float, float], depth: str, soft: bool, side: int
) -> None:
    color = colorsys.hsv_to_rgb(hue, 0.7, 0.7)
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 0.02, (120, 160, 1))
    target = np.clip(np.float32(ground) + grain, 0, 1).astype(np.float32)
    source = np.clip(np.float32(color) + grain[:side, :side], 0, 1).astype(np.float32)
    (new,) = paste(layer(source, depth, shape((side, side), soft), 50, 20), layer(target, depth), edge="object")
    middle = np.s_[side // 2 - 5 : side // 2 + 5, side // 2 - 5 : side // 2 + 5]
    found = samples(new)[middle][..., :3].astype(np.float64).mean((0, 1)) / FULL.get(depth, 1)
    before, after = (max(c) - min(c) for c in (color, found))
    assert after > 0.2 * before
    turned = abs(colorsys.rgb_to_hsv(*np.clip(found, 0, 1))[0] - hue)
    assert min(turned, 1 - turned) < 1 / 6  # turns


@each_draw
@given(value=st.floats(0.1, 0.9), depth=st.sampled_from(DEPTHS), edge=EDGES, soft=st.booleans(), size=SIDES)
def test_a_gray_object_on_a_gray_image_stays_gray(
    photograph: np.ndarray, value: float, depth: str, edge: str, soft: bool, size: tuple[int, int]
) -> None:
    gray = photograph.mean(2, keepdims=True)
    source = layer(np.full((size[1], size[0], 1), value, np.float32), depth, shape(size, soft), 60, 40)
    (new,) = paste(source, layer(gray, depth), edge=edge)
    assert new.format.channels == "YA"


@each_draw
@given(
    color=st.tuples(*[st.integers(40, 255)] * 3),
    depth=st.sampled_from(DEPTHS),
    factor=st.floats(0.23, 3.0),
    size=st.tuples(st.integers(12, 90), st.integers(12, 90)),
    hidden=st.sampled_from([0.0, 1.0]),
)
def test_a_layer_is_scaled_without_what_is_hidden_below_alpha_0(
    color: tuple[int, int, int], depth: str, factor: float, size: tuple[int, int], hidden: float
) -> None:
    alpha = shape(size, False)
    pixels = np.where(alpha[..., None] > 0, np.float32(color) / 255, np.float32(hidden))
    small = samples(scaled(layer(pixels, depth, alpha), factor)).astype(np.float64) / FULL.get(depth, 1)
    shown = small[..., 3] > 0.02
    assert shown.any()
    assert np.abs(small[shown][:, :3] - np.float32(color) / 255).max() <= (LEVEL if depth != "u8" else 3 * LEVEL)


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_a_paste_takes_on_the_grain_that_it_is_asked_to(depth: str) -> None:
    rng = np.random.default_rng(0)
    target = np.clip(0.5 + rng.normal(0, 0.04, (140, 160, 3)), 0, 1).astype(np.float32)
    source = layer(np.full((60, 60, 3), 0.6, np.float32), depth, shape((60, 60), True), 50, 40)
    clean, grainy = (paste(source, layer(target, depth), edge="object", grain=grain)[0] for grain in (False, True))
    levels = [(samples(new)[20:40, 20:40, :3] / FULL[depth]).std((0, 1)).mean() for new in (clean, grainy)]
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
