"""Filling a selection and removing a subject: formats, places, what stays as it is, refusals."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from backend.imaging import Cancelled
from backend.imaging.color.spaces import to_unit
from backend.io.rasters import DTYPES, as_depth, raster, samples
from backend.operations import Context, OperationError, find
from plugin.client.actions import BY_NAME, Extent, ResultKind, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job, Output

GRAY, RGB, RGBA = (PixelFormat(name, "u8") for name in ("Y", "RGB", "RGBA"))


def fill(
    image: Raster, selection: Raster, context: Context | None = None, source: Raster | None = None, **settings: Value
) -> list[Output]:
    inputs = {"image": image, "selection": selection} | ({"source": source} if source else {})
    action = BY_NAME["fill.selection"]
    outputs = find(action.name)(Job(action.name, action.check(dict(settings)), inputs), context or Context())
    assert all(output.kind is ResultKind.LAYER for output in outputs)
    return outputs


def striped(form: PixelFormat, width: int = 120, height: int = 90, x: int = 0, y: int = 0) -> Raster:
    """Vertical stripes of two colors, 8 pixels wide, with a blot of a third in the middle."""
    stripe = (np.arange(width) // 8 % 2)[None, :, None]
    unit = np.where(stripe, [0.8, 0.6, 0.4], [0.2, 0.3, 0.5]) * np.ones((height, 1, 1))
    unit[40:50, 50:60] = [1.0, 0.0, 1.0]
    if form.channels[0] == "Y":
        unit = unit[..., :1]
    if form.channels[0] == "B":
        unit = unit[..., ::-1]
    if form.has_alpha:
        unit = np.concatenate([unit, np.ones_like(unit[..., :1])], axis=2)
    return raster(as_depth(unit.astype(np.float32), form.depth), form, x, y)


def blot(x: int = 0, y: int = 0) -> Raster:
    return raster(np.full((12, 12, 1), 255, np.uint8), GRAY, x + 49, y + 39)


@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
@pytest.mark.parametrize("channels", ["Y", "YA", "RGB", "RGBA", "BGR", "BGRA"])
def test_a_blot_is_removed_in_every_format(channels: str, depth: str) -> None:
    form = PixelFormat(channels, depth, linear=depth == "f16")
    (output,) = fill(striped(form), blot())
    layer = output.raster
    assert layer.format == PixelFormat(channels.removesuffix("A") + "A", depth, form.linear)
    assert layer.box == (43, 33, 24, 24)
    full = {"u8": 255, "u16": 65535}.get(depth, 1)
    found = samples(layer).astype(np.float64) / full
    clean = samples(striped(form)).astype(np.float64)[60, 43:67, : len(channels.removesuffix("A"))] / full
    inner = found[5:-5, 5:-5, :-1]
    assert np.abs(inner - clean[5:-5]).max() < 0.02
    assert (found[5:-5, 5:-5, -1] == 1).all()
    assert samples(layer).dtype == DTYPES[depth]


def test_the_edge_is_feathered_inwards_and_grows_as_asked() -> None:
    (output,) = fill(striped(RGB), blot(), grow=10, feather=3.0)
    alpha = samples(output.raster)[..., 3]
    assert output.raster.box == (39, 29, 32, 32)
    assert alpha[16, 0] == 64  # a quarter, on the way to 1 over four pixels
    assert alpha[16, 3] == 255
    assert alpha[0, 0] == 0  # beyond the rounded corner
    (sharp,) = fill(striped(RGB), blot(), grow=0, feather=0.0)
    assert sharp.raster.box == (49, 39, 12, 12)
    assert (samples(sharp.raster)[..., 3] == 255).all()


def test_a_shadow_beside_the_hole_is_removed_with_it_unless_that_is_not_wanted() -> None:
    pixels = np.random.default_rng(0).normal(150, 4, (120, 160, 3)).clip(0, 255).astype(np.uint8)
    pixels[40:70, 60:100] = [200, 30, 30]
    pixels[70:81, 62:98] //= 3  # its shadow
    thing = raster(np.full((30, 40, 1), 255, np.uint8), GRAY, 60, 40)
    image = raster(pixels, RGB)
    (whole,) = fill(image, thing)
    assert whole.raster.y + whole.raster.height > 81
    layer = samples(whole.raster)
    assert layer[layer[..., 3] == 255, :3].min() > 110
    (part,) = fill(image, thing, shadow_halo=False)
    assert part.raster.box == (54, 34, 52, 42)
    (exact,) = fill(image, thing, grow=0)
    assert exact.raster.box == thing.box


def test_offsets_count_by_their_differences_alone() -> None:
    (here,) = fill(striped(RGB), blot())
    (there,) = fill(striped(RGB, x=-30, y=70), blot(-30, 70))
    assert there.raster.box == (here.raster.x - 30, here.raster.y + 70, here.raster.width, here.raster.height)
    assert bytes(there.raster.data) == bytes(here.raster.data)


def test_a_selection_at_the_border_is_sharp_there() -> None:
    selection = raster(np.full((10, 10, 1), 255, np.uint8), GRAY, 0, 0)
    (output,) = fill(striped(RGB), selection, grow=4, feather=2.0)
    assert output.raster.box == (0, 0, 14, 14)
    assert (samples(output.raster)[:8, 0, 3] == 255).all()


@pytest.mark.parametrize("depth", ["u16", "f32"])
def test_what_eight_bits_cannot_hold_goes_on_in_the_fill(depth: str) -> None:
    """A slope of 40 of 65,535 steps; in floats far brighter than white."""
    slope = np.broadcast_to(np.linspace(0, 40 / 65535, 120)[None, :, None], (90, 120, 3))
    unit = (0.5 if depth == "u16" else 6.0) + slope
    pixels = np.rint(unit * 65535).astype(np.uint16) if depth == "u16" else unit.astype(np.float32)
    (output,) = fill(raster(pixels, PixelFormat("RGB", depth)), blot(), feather=0.0)
    full = 65535 if depth == "u16" else 1
    found = samples(output.raster)[4:16, 4:16, :3].astype(np.float64) / full
    assert np.abs(found - unit[39:51, 49:61]).max() < 30 / 65535
    assert len(np.unique(found)) > 3


def test_several_holes_share_a_layer_that_is_clear_between_them() -> None:
    mask = np.zeros((90, 120, 1), np.uint8)
    mask[5:15, 5:15] = mask[60:80, 90:110] = 255
    (output,) = fill(striped(RGB), raster(mask, GRAY), grow=0, feather=0.0)
    assert output.raster.box == (5, 5, 105, 75)
    found = samples(output.raster)
    assert ((found[..., 3] == 255) == (mask[5:80, 5:110, 0] == 255)).all()
    clean = samples(striped(RGB))[0, 5:110].astype(int)
    inside = found[..., 3] == 255
    assert np.abs(found[..., :3].astype(int) - clean[None])[inside].mean() < 6


def test_the_fill_is_as_transparent_as_what_is_around_it() -> None:
    """Half-transparent pixels around a hole: the fill has their alpha and their color."""
    pixels = samples(striped(RGBA)).copy()
    pixels[..., 3] = 160
    (output,) = fill(raster(pixels, RGBA), blot())
    found = samples(output.raster)[7:17, 7:17]
    assert (found[..., 3] == 160).all()
    assert np.abs(found[..., :3].astype(int) - samples(striped(RGBA))[60, 50:60, :3]).max() < 6
    (copy,) = fill(raster(pixels, RGBA), blot(), **{"as": "copy"})
    assert copy.raster.box == (0, 0, 120, 90)
    assert (samples(copy.raster)[..., 3] == 160).all()


def test_variants_are_layers_that_differ() -> None:
    rng = np.random.default_rng(0)
    image = raster(rng.integers(0, 255, (90, 120, 3), np.uint8), RGB)
    outputs = fill(image, blot(), variants=3)
    assert [output.name for output in outputs] == ["Fill 1 of 3", "Fill 2 of 3", "Fill 3 of 3"]
    assert len({bytes(output.raster.data) for output in outputs}) == 3
    (second,) = fill(image, blot(), seed=1)
    assert bytes(second.raster.data) == bytes(outputs[1].raster.data)


def test_transparent_parts_and_what_is_not_painted_are_no_source() -> None:
    pixels = samples(striped(RGBA)).copy()
    pixels[:, :40] = [0, 255, 0, 0]  # clear, with a color of its own
    pixels[:, 80:, :3] = [255, 255, 0]
    painted = np.zeros((90, 120, 1), np.uint8)
    painted[:, 78:] = 255
    (without,) = fill(raster(pixels, RGBA), blot())
    assert samples(without.raster)[..., :3][..., 1].max() < 200
    (only,) = fill(raster(pixels, RGBA), blot(), source=raster(painted, GRAY))
    middle = samples(only.raster)[8:12, 8:12, :3].astype(int)
    assert np.abs(middle - [255, 255, 0]).max() < 8


def test_the_whole_layer_is_a_source_when_asked_for() -> None:
    pixels = np.full((60, 400, 3), 120, np.uint8)
    pixels[:, 330:] = [255, 0, 0]
    painted = np.zeros((60, 400, 1), np.uint8)
    painted[:, 335:] = 255
    selection, source = raster(np.full((10, 10, 1), 255, np.uint8), GRAY, 20, 20), raster(painted, GRAY)
    with pytest.raises(OperationError, match="Nothing is left") as raised:
        fill(raster(pixels, RGB), selection, source=source)
    assert "sampling area" in raised.value.remedy
    (output,) = fill(raster(pixels, RGB), selection, source=source, area="everywhere")
    assert samples(output.raster)[9, 9, 0] > 200
    action = BY_NAME["fill.selection"]
    assert action.suited({"area": "everywhere"}).extent is Extent.LAYER
    assert action.suited({"area": "around"}).extent is Extent.SELECTION


def test_what_a_large_layer_costs_goes_with_the_hole() -> None:
    """100 megapixels."""
    pixels = np.broadcast_to(np.uint8([90, 120, 150]), (10000, 10000, 3)).copy()
    pixels[5000:5030, 5000:5030] = 255
    layer = raster(pixels, RGB)
    selection = raster(np.full((30, 30, 1), 255, np.uint8), GRAY, 5000, 5000)
    (output,) = fill(layer, selection)
    assert output.raster.box == (4994, 4994, 42, 42)
    assert np.abs(samples(output.raster)[..., :3].astype(int) - [90, 120, 150]).max() <= 1


@pytest.mark.parametrize(
    ("selection", "printed"),
    [
        (raster(np.zeros((10, 10, 1), np.uint8), GRAY), "Nothing is selected"),
        (raster(np.full((5, 5, 1), 255, np.uint8), GRAY, 500, 500), "Nothing is selected"),
        (raster(np.full((90, 120, 1), 255, np.uint8), GRAY), "Nothing is left"),
        (raster(np.full((84, 114, 1), 255, np.uint8), GRAY, 3, 3), "Nothing is left"),
    ],
)
def test_what_cannot_be_filled_is_refused_with_a_remedy(selection: Raster, printed: str) -> None:
    with pytest.raises(OperationError, match=printed) as raised:
        fill(striped(RGB), selection)
    assert raised.value.code is ErrorCode.BAD_INPUT
    assert raised.value.remedy


@pytest.mark.parametrize(("size", "rim"), [((3, 2), 1), ((90, 120), 6), ((40, 14), 3)])
@pytest.mark.parametrize("method", ["auto", "patches", "network"])
def test_images_without_a_whole_patch_are_filled_smoothly(size: tuple[int, int], rim: int, method: str) -> None:
    height, width = size
    inside = raster(np.full((height - rim, width - rim, 1), 255, np.uint8), GRAY)
    context = Context()
    pixels = np.full((*size, 3), 99, np.uint8)
    pixels[: height - rim, : width - rim] = 255
    (output,) = fill(raster(pixels, RGB), inside, context, grow=0, method=method)
    assert np.abs(samples(output.raster)[..., :3].astype(int) - 99).max() <= 24
    small = min(height - rim, width - rim) < 7
    assert small or method == "network" or any("smoothly" in note for note in context.notes)


def test_the_only_pixel_cannot_be_filled() -> None:
    with pytest.raises(OperationError, match="Nothing is left") as raised:
        fill(raster(np.full((1, 1, 3), 99, np.uint8), RGB), raster(np.full((1, 1, 1), 255, np.uint8), GRAY))
    assert raised.value.remedy


def test_the_pixels_of_a_checkerboard_are_filled() -> None:
    image = data.chelsea()[:90, :120]
    holes = np.zeros((90, 120, 1), np.uint8)
    holes[::2, ::2] = holes[1::2, 1::2] = 255
    broken = np.where(holes > 0, np.uint8(255), image)
    (output,) = fill(raster(broken, RGB), raster(holes, GRAY), **{"as": "copy"})
    found = samples(output.raster).astype(int)
    assert np.abs(found - image)[holes[..., 0] > 0].mean() < 6
    assert np.array_equal(found[holes[..., 0] == 0], image[holes[..., 0] == 0])


def damage(kind: str, shape: tuple[int, int]) -> np.ndarray:
    rng, mask = np.random.default_rng(0), np.zeros(shape, np.uint8)
    if kind == "dust":
        mask[rng.random(shape) < 0.004] = 255
    elif kind == "clumps":
        mask[cv2.dilate((rng.random(shape) < 0.001).astype(np.uint8), np.ones((2, 2))) > 0] = 255
    else:
        for _ in range(6):
            (x, u), (y, v) = rng.integers(0, shape[1], 2).tolist(), rng.integers(0, shape[0], 2).tolist()
            cv2.line(mask, (x, y), (u, v), 255, {"hair": 1, "scratches": 2}[kind])
    return mask


@pytest.mark.parametrize(("grow", "depth"), [(0, "u8"), (6, "f32")])
@pytest.mark.parametrize("kind", ["dust", "clumps", "hair", "scratches"])
def test_dust_and_scratches_are_healed_and_the_rest_is_left_alone(kind: str, grow: int, depth: str) -> None:
    image = as_depth(data.chelsea()[:200, :280], depth)
    mask = damage(kind, image.shape[:2])
    hole = mask > 0
    broken = image.copy()
    broken[hole] = as_depth(np.uint8([255]), depth)
    (output,) = fill(
        raster(broken, PixelFormat("RGB", depth)), raster(mask[..., None], GRAY), grow=grow, **{"as": "copy"}
    )
    found = samples(output.raster)
    telea = cv2.inpaint(as_depth(broken, "u8"), mask, 3, cv2.INPAINT_TELEA)
    errors = [np.abs(to_unit(x) - to_unit(image))[hole].mean() for x in (found, telea)]
    assert errors[0] < 1.2 * errors[1]
    assert (found != broken).any(2)[~hole].mean() < 0.01


@pytest.mark.parametrize("level", [64, 128, 255])
def test_a_gray_mask_is_a_weight(level: int) -> None:
    """A quarter selected is a quarter filled; growth keeps a soft edge soft."""
    selection = raster(np.full((12, 12, 1), level, np.uint8), GRAY, 49, 39)
    (output,) = fill(striped(RGB), selection, feather=0.0)
    alpha = samples(output.raster)[..., 3]
    assert output.raster.box == (43, 33, 24, 24)
    assert alpha.max() == level
    assert set(np.unique(alpha)) == {0, level}
    slope = np.clip(np.linspace(-40, 300, 40), 0, 255).astype(np.uint8)
    soft = raster(np.repeat(slope[None, :, None], 20, 0), GRAY, 20, 30)
    (output,) = fill(striped(RGB), soft, grow=4, feather=0.0)
    assert len(np.unique(samples(output.raster)[10, :, 3])) > 15


def test_a_copy_is_the_layer_with_its_hole_filled_and_nothing_else_changed() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (90, 120, 4), np.uint8)
    image = raster(pixels, PixelFormat("BGRA", "u8"), 3, 4)
    (over,), (copy,) = (fill(image, blot(3, 4), **{"as": kind}) for kind in ("layer", "copy"))
    x, y, width, height = over.raster.box
    outside = np.ones((90, 120), bool)
    outside[y - 4 : y - 4 + height, x - 3 : x - 3 + width] = samples(over.raster)[..., 3] == 0
    assert np.array_equal(samples(copy.raster)[outside], pixels[outside])
    assert BY_NAME["fill.selection"].suited({"as": "copy"}).extent is Extent.LAYER


@pytest.mark.parametrize("level", [1, 3])
def test_a_mask_of_labels_gets_a_hint(level: int) -> None:
    with pytest.raises(OperationError) as raised:
        fill(striped(RGB), raster(np.full((12, 12, 1), level, np.uint8), GRAY, 49, 39))
    assert ("255 in place of 1" in raised.value.remedy) == (level == 1)


def test_a_mask_that_may_be_inverted_gets_a_hint() -> None:
    mask = np.full((90, 120, 1), 255, np.uint8)
    mask[20:40, 20:40] = 0
    context = Context()
    fill(striped(RGB), raster(mask, GRAY), context, grow=0, method="network")
    assert any("invert" in note for note in context.notes)


def test_progress_rises_and_shows_the_coarse_result_and_a_cancel_stops_it() -> None:
    fractions: list[float] = []
    previews: list[Raster] = []

    def progress(fraction: float, message: str = "", preview: Raster | None = None) -> None:
        if preview is not None:
            previews.append(preview)
        else:
            fractions.append(fraction)

    selection = raster(np.full((40, 60, 1), 255, np.uint8), GRAY, 30, 25)
    fill(striped(RGB), selection, Context(progress=progress), variants=2)
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert previews[0].width < 120
    with pytest.raises(Cancelled):
        fill(striped(RGB), blot(), Context(cancelled=lambda: True))


def test_the_subject_is_found_and_removed() -> None:
    action = BY_NAME["fill.subject"]
    image = raster(data.astronaut()[:, :450], RGB, 7, 9)
    context = Context()
    selecting = Job("select.subject", BY_NAME["select.subject"].check({}), {"image": image})
    (subject,) = find("select.subject")(selecting, context)
    settings = action.check({"sampling_radius": 40})
    (output,) = find(action.name)(Job(action.name, settings, {"image": image}), context)
    x, y = output.raster.x - image.x, output.raster.y - image.y
    window = np.s_[y : y + output.raster.height, x : x + output.raster.width]
    before, found = samples(image)[window], samples(output.raster)
    person = samples(subject.raster)[window][..., 0] > 128
    assert (found[person][:, 3] == 255).all()
    assert np.abs(found[person][:, :3].astype(int) - before[person]).mean() > 25


def test_where_nothing_is_found_to_erase_it_says_so() -> None:
    flat = raster(np.full((200, 200, 3), 128, np.uint8), RGB)
    action = BY_NAME["fill.subject"]
    with pytest.raises(OperationError, match="subject") as raised:
        find(action.name)(Job(action.name, action.check({}), {"image": flat}), Context())
    assert raised.value.code is ErrorCode.NOTHING_FOUND
    assert "outline" in raised.value.remedy


def test_an_object_is_removed_by_a_dot_on_it() -> None:
    image = raster(data.rocket(), RGB)
    dot = raster(np.full((8, 8, 1), 255, np.uint8), GRAY, 316, 226)
    action = BY_NAME["fill.object"]
    inputs = {"image": image, "selection": dot}
    (output,) = find(action.name)(Job(action.name, action.check({}), inputs), Context())
    layer = output.raster
    sky = samples(layer)[226 - layer.y, 320 - layer.x]  # where the white rocket was
    assert sky[3] == 255
    assert sky[0] < 80
    assert samples(image)[226, 320, 0] > 120
    with pytest.raises(OperationError):
        find(action.name)(Job(action.name, action.check({}), inputs | {"selection": replace(dot, x=900)}), Context())
