"""Selections and cutouts with the bundled network, on real photographs."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from skimage import data

from backend.io.rasters import DTYPES, as_depth, raster, samples
from backend.operations import Context, OperationError, find
from backend.operations.networks import cache_key
from backend.operations.selection.perception import Perception
from backend.operations.selection.subject import areas, is_dots, predict_subject
from backend.operations.selection.surroundings import cut_off
from plugin.client.actions import BY_NAME, ResultKind, Value
from plugin.client.image import Box, PixelFormat, Raster
from plugin.client.messages import Job, Output

GRAY, RGB = PixelFormat("Y", "u8"), PixelFormat("RGB", "u8")
CONTEXT = Context()  # one for all: the network is read once, as in a worker


@cache
def photograph(name: str) -> np.ndarray:
    return {"astronaut": data.astronaut, "chelsea": data.chelsea}[name]()


def layer(name: str, pixel_format: PixelFormat = RGB, x: int = 0, y: int = 0) -> Raster:
    pixels = photograph(name)
    channels = pixel_format.channels
    if channels.startswith("B"):
        pixels = pixels[..., ::-1]
    if channels.startswith("Y"):
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
    if channels.endswith("A"):
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return raster(as_depth(pixels.astype(np.float32) / 255, pixel_format.depth), pixel_format, x, y)


def run(name: str, image: Raster, selection: Raster | None = None, **settings: Value) -> list[Output]:
    inputs = {"image": image} | ({"selection": selection} if selection else {})
    return find(name)(Job(name, BY_NAME[name].check(dict(settings)), inputs), CONTEXT)


def mask(name: str, image: Raster, selection: Raster | None = None, **settings: Value) -> np.ndarray:
    (output,) = run(name, image, selection, **settings)
    assert output.kind is ResultKind.SELECTION
    assert (output.raster.format, output.raster.box) == (GRAY, image.box)
    return samples(output.raster)[..., 0]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a > 127) & (b > 127)).sum() / ((a > 127) | (b > 127)).sum())


def test_the_subject_of_a_portrait() -> None:
    found = mask("select.subject", layer("astronaut"))
    assert found[110, 225] == 255  # her face
    assert found[330, 150] == 255  # her suit
    assert found[200, 330] == 0  # the wall beside her
    assert found[60, 120] == 0
    edge = (found > 0) & (found < 255)
    assert 0.001 < edge.mean() < 0.2  # soft along the outline alone


def test_a_subject_far_away_is_looked_at_from_closer_by() -> None:
    shape, scene = np.zeros((800, 1200), bool), np.full((800, 1200, 3), (120, 150, 190), np.uint8)
    alpha = cv2.resize(mask("select.subject", layer("astronaut")), (160, 160), interpolation=cv2.INTER_AREA) / 255
    small = cv2.resize(photograph("astronaut"), (160, 160), interpolation=cv2.INTER_AREA)
    there = scene[640:, 450:610]
    there[:] = small * alpha[..., None] + there * (1 - alpha[..., None])
    shape[640:, 450:610] = alpha > 0.5
    image = raster(scene, RGB)
    prediction = predict_subject(Job("select.subject", {}, {"image": image}), CONTEXT)
    assert prediction.box.width < 300 and prediction.box.height < 240
    found = np.zeros(shape.shape, np.float32)
    found[prediction.box.window] = cv2.resize(prediction.probability, (prediction.box.width, prediction.box.height))
    at_once = cv2.resize(Perception(image, scene, CONTEXT).subject(), (1200, 800))
    assert iou(255 * found, 255 * shape) > iou(255 * at_once, 255 * shape) + 0.02
    assert not mask("select.subject", image)[:500].any()


def test_what_goes_on_beyond_what_was_looked_at_is_noticed() -> None:
    whole, box = Box(0, 0, 400, 300), Box(100, 0, 300, 300)  # the layer's border on all sides but the left one
    shown = np.zeros((320, 320), np.float32)
    shown[100:200, 40:] = 1
    assert not cut_off(shown, box, whole)
    shown[100:200] = 1
    assert cut_off(shown, box, whole)
    assert not cut_off(shown, whole, whole)


def test_the_background_is_what_the_subject_leaves() -> None:
    subject, background = (mask(f"select.{what}", layer("astronaut")).astype(int) for what in ("subject", "background"))
    assert np.abs(subject + background - 255).max() <= 1


@pytest.mark.parametrize("text", ["BGRA u8", "RGB u16", "RGBA f32", "RGB f16", "Y u8", "YA u16"])
def test_every_format_shows_the_same_subject(text: str) -> None:
    expected = mask("select.subject", layer("astronaut"))
    least = 0.85 if text.startswith("Y") else 0.99
    assert iou(mask("select.subject", layer("astronaut", PixelFormat.parse(text), -40, 25)), expected) > least


def test_nothing_is_selected_where_the_layer_is_transparent() -> None:
    pixels = np.dstack([photograph("astronaut"), np.full((512, 512), 255, np.uint8)])
    pixels[:, :200, 3] = 0
    found = mask("select.subject", raster(pixels, PixelFormat("RGBA", "u8"), 0, 0))
    assert not found[:, :200].any()
    assert found[330, 260] == 255


def test_a_dot_a_box_and_a_lasso_mean_the_same_cat() -> None:
    cat = layer("chelsea")
    box = raster(np.full((290, 350), 255, np.uint8), GRAY, 10, 5)
    dot = raster(np.full((8, 8), 255, np.uint8), GRAY, 220, 120)
    rough = np.zeros((300, 451), np.uint8)
    cv2.ellipse(rough, (200, 150), (205, 160), 0, 0, 360, 255, -1)
    by_box, by_dot, by_lasso = (mask("select.object", cat, s) for s in (box, dot, raster(rough, GRAY, 0, 0)))
    assert iou(by_box, by_lasso) > 0.85
    assert iou(by_box, by_dot) > 0.75
    assert by_box[150, 200] == 255


def test_dots_are_told_from_outlines() -> None:
    canvas = np.zeros((400, 600), np.uint8)
    canvas[100:110, 200:212] = canvas[300:306, 400:406] = 255
    assert is_dots(canvas)
    canvas[50:150, 300:420] = 255
    assert not is_dots(canvas)


def test_a_second_prompt_does_not_encode_the_image_again() -> None:
    context = Context()
    action, astronaut = BY_NAME["select.object"], layer("astronaut")

    def ask(left: int) -> None:
        box = raster(np.full((500, 400), 255, np.uint8), GRAY, left, 10)
        find(action.name)(Job(action.name, action.check({}), {"image": astronaut, "selection": box}), context)

    ask(20)
    net, _ = context.cache[cache_key("subject")]
    net.encode = None  # would fail if it were asked
    ask(60)


def test_the_cat_is_a_cat_and_no_boat() -> None:
    cat = mask("select.class", layer("chelsea"), class_name="cat")
    assert cat[150, 200] == 255
    assert cat[20, 430] == 0
    assert iou(cat, mask("select.class", layer("chelsea"))) == 1  # it is the largest, too
    with pytest.raises(OperationError, match="No boat") as caught:
        run("select.class", layer("chelsea"), class_name="boat")
    assert "cat" in caught.value.remedy


def test_classes_come_with_their_share_and_a_thumbnail() -> None:
    first = run("select.classes", layer("chelsea"))[0]
    assert first.name.startswith("cat: ")
    assert max(first.raster.width, first.raster.height) == 96
    assert 20 < int(first.name.split()[1]) < 95


def test_areas_are_sorted_and_leave_out_the_background() -> None:
    maps = np.zeros((10, 10, 21), np.float32)
    maps[..., 0] = 0.5
    maps[:2, :, 8] = maps[2:7, :, 15] = 1
    assert areas(maps) == {"person": 0.5, "cat": 0.2}


def test_refining_moves_a_sloppy_edge_to_where_the_image_has_it() -> None:
    rows, columns = np.ogrid[:300, :400]
    truth = np.clip(100.5 - np.hypot(rows - 150, columns - 200), 0, 1)
    rng = np.random.default_rng(3)
    ground = [rng.normal(level, 0.02, (300, 400, 3)) for level in (0.75, 0.3)]
    pixels = (np.clip(truth[..., None] * ground[0] + (1 - truth[..., None]) * ground[1], 0, 1) * 255).astype(np.uint8)
    sloppy = ((np.hypot(rows - 153, columns - 204) < 104) * 255).astype(np.uint8)
    refined = mask("select.refine", raster(pixels, RGB, 0, 0), raster(sloppy, GRAY, 0, 0), width=16.0)
    before, after = (np.abs(m / 255 - truth).mean() for m in (sloppy, refined))
    assert after < 0.25 * before


@pytest.mark.parametrize("text", ["RGB u8", "BGRA u8", "RGBA u16", "RGBA f32", "Y u8"])
def test_without_background_the_layer_keeps_its_place_and_format(text: str) -> None:
    before = layer("astronaut", PixelFormat.parse(text), 7, -3)
    (output,) = run("cutout.background", before)
    after = output.raster
    assert output.kind is ResultKind.LAYER
    assert after.box == before.box
    assert (
        str(after.format) == text if before.format.has_alpha else after.format.channels == before.format.channels + "A"
    )
    old, new = samples(before), samples(after)
    alpha = new[..., -1].astype(np.float32) / (1 if text.endswith("f32") else np.iinfo(DTYPES[text.split()[1]]).max)
    sure = alpha == 1
    assert 0.3 < sure.mean() < 0.8
    assert (alpha == 0).mean() > 0.2
    np.testing.assert_array_equal(new[sure][:, :-1], old[sure][:, : new.shape[2] - 1])


def test_a_cutout_carries_no_halo() -> None:
    """Green cloth behind a gray disc leaves no green in its edge."""
    rows, columns = np.ogrid[:240, :240]
    alpha = np.clip((90 - np.hypot(rows - 120, columns - 120)) / 12 + 0.5, 0, 1)[..., None]
    pixels = np.rint(alpha * [128, 128, 128] + (1 - alpha) * [20, 220, 40]).astype(np.uint8)
    selection = raster(np.rint(alpha[..., 0] * 255).astype(np.uint8), GRAY, 0, 0)
    (output,) = run("cutout.background", raster(pixels, RGB, 0, 0), selection)
    cut = samples(output.raster).astype(int)
    edge = (cut[..., 3] > 40) & (cut[..., 3] < 255)
    green = np.abs(cut[..., 1] - cut[..., 0])[edge]
    assert green.mean() < 12
    assert np.abs(pixels.astype(int)[..., 1] - pixels[..., 0])[edge].mean() > 50  # what it was before


def test_background_as_a_mask_and_the_subject_on_a_small_layer() -> None:
    (as_mask,) = run("cutout.background", layer("astronaut", x=5), **{"as": "mask"})
    assert (as_mask.kind, as_mask.raster.box) == (ResultKind.LAYER_MASK, (5, 0, 512, 512))
    dot = np.zeros((512, 512), np.uint8)
    dot[100:140, 200:260] = 255
    (cut,) = run("cutout.subject", layer("astronaut", x=5), raster(dot, GRAY, 5, 0))
    assert (cut.kind, cut.raster.box) == (ResultKind.LAYER, (205, 100, 60, 40))


def test_an_empty_selection_is_refused_with_what_to_do() -> None:
    nothing = raster(np.zeros((512, 512), np.uint8), GRAY, 0, 0)
    for name in ("select.object", "select.refine", "cutout.subject"):
        with pytest.raises(OperationError, match="selected") as caught:
            run(name, layer("astronaut"), nothing)
        assert caught.value.remedy
