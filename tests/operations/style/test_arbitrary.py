"""A layer as the style: in one pass, by optimization with previews and what a cancel keeps; and custom styles."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from backend.imaging import Cancelled
from backend.io.rasters import as_depth, colors, from_array, samples
from backend.operations import Context, OperationError, find
from backend.operations.networks import FEATURES, Network, cache_key
from backend.operations.style import arbitrary, gatys
from backend.operations.style.gatys import enlarged
from models.networks.feature_net import FeatureNet
from models.networks.style_predictor import AnyStyle, AnyStyleConfig
from models.zoo import custom_styles, store
from models.zoo.custom_styles import CustomStyle
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import ErrorCode, Job

from .networks import painting, small_network
from .test_stylize import layer, left_half

GRAY, RGB, RGBA = PixelFormat("Y", "u8"), PixelFormat("RGB", "u8"), PixelFormat("RGBA", "u16")


def stripes(tint: tuple[float, float, float] = (1.0, 0.6, 0.2), size: int = 40) -> Raster:
    bars = (np.arange(size) // 4 % 2)[None, :, None] * np.float32(tint) * np.ones((size, 1, 1), np.float32)
    return from_array(as_depth(bars, "u8"), x=200)


def context(**changes: object) -> Context:
    """A worker that has loaded small networks with random weights."""
    torch.manual_seed(0)
    net = AnyStyle(AnyStyleConfig(4, 1, 1 / 8, 10)).eval().requires_grad_(False)
    net.predictor.head.weight.normal_(std=0.5)
    features = FeatureNet(1 / 8).requires_grad_(False)
    card = store.find_card(FEATURES)
    cache = {cache_key(arbitrary.NAME): Network(net, None), cache_key(FEATURES): Network(features, card)}
    return Context(cache=cache, **changes)  # type: ignore[arg-type]  # the caller names Context's own


def run(action: str, image: Raster, style: Raster | None, given: Context, selection: Raster | None = None,
        **settings: Value) -> Raster:  # fmt: skip
    inputs = {"image": image} | ({"style": style} if style else {}) | ({"selection": selection} if selection else {})
    (output,) = find(action)(Job(action, BY_NAME[action].check(dict(settings)), inputs), given)
    return output.raster


@pytest.mark.parametrize("form", [RGB, RGBA, PixelFormat("Y", "f32"), PixelFormat("BGRA", "f16", linear=True)])
@pytest.mark.parametrize("action", ["style.layer", "style.gatys"])
def test_results_are_of_the_layers_format_and_place(action: str, form: PixelFormat) -> None:
    settings: dict[str, Value] = {"steps": 2, "size": 64} if action == "style.gatys" else {}
    image = layer(form)
    result = run(action, image, stripes(), context(), **settings)
    assert (result.format, result.box, result.profile) == (image.format, image.box, image.profile)
    if form.has_alpha:
        assert (samples(result)[..., -1] == samples(image)[..., -1]).all()


def test_another_style_gives_another_image_and_none_the_layer_itself() -> None:
    given, image = context(), layer()
    found = [colors(run("style.layer", image, stripes(tint), given)) for tint in ((1, 0.6, 0.2), (0.1, 0.3, 1))]
    assert np.abs(found[0] - found[1]).mean() > 0.01
    plain = run("style.layer", image, stripes(), given, strength=0.0)
    assert bytes(plain.data) == bytes(image.data)


@pytest.mark.parametrize("action", ["style.layer", "style.gatys"])
def test_only_the_region_changes(action: str) -> None:
    image = layer()
    settings: dict[str, Value] = {"steps": 6} if action == "style.gatys" else {}
    result = run(action, image, stripes(), context(), left_half(), region="selection", **settings)
    before, after = samples(image), samples(result)
    assert (after[:, 35:] == before[:, 35:]).all()
    assert (after[:, :35] != before[:, :35]).any()


def test_a_style_is_read_once_and_small_ones_are_refused() -> None:
    given, image = context(), layer()
    reads: list[int] = []
    given.cache[cache_key(arbitrary.NAME)].net.predictor.register_forward_hook(lambda *_: reads.append(1))
    run("style.layer", image, stripes(), given)
    run("style.layer", image, stripes(), given, strength=50.0)
    assert len(reads) == 1
    with pytest.raises(OperationError, match="too small") as raised:
        run("style.layer", image, stripes(size=8), given)
    assert raised.value.remedy


def test_every_step_shows_the_image_and_comes_nearer_to_the_style() -> None:
    shown: list[tuple[float, Raster]] = []

    def progress(fraction: float, message: str = "", preview: Raster | None = None) -> None:
        if preview is not None:
            shown.append((fraction, preview))

    image, style = layer(), stripes((1.0, 0.1, 0.1))
    result = run("style.gatys", image, style, context(progress=progress), steps=25, strength=1000.0)
    assert len(shown) == 25
    fractions = [fraction for fraction, _ in shown]
    assert fractions == sorted(fractions)
    assert (shown[-1][1].x, shown[-1][1].y) == (image.x, image.y)
    far, near = (np.abs(colors(r).mean((0, 1)) - colors(style).mean((0, 1))).sum() for r in (image, result))
    assert near < far


def test_a_cancel_keeps_the_best_so_far_for_a_job_that_goes_on() -> None:
    steps: list[float] = []
    given = context(progress=lambda fraction, message="", preview=None: steps.append(fraction))
    given.cancelled = lambda: len(steps) > 6
    image, style = layer(), stripes()
    with pytest.raises(Cancelled):
        run("style.gatys", image, style, given, steps=30)
    given.cancelled = lambda: False
    kept = given.cache[gatys.KEPT][1]
    result = run("style.gatys", image, style, given, start="kept", steps=1, preserve_tones=0.0)
    best = kept[0].permute(1, 2, 0).numpy()
    assert best.shape == (50, 70, 3)
    assert np.abs(colors(result) - best).max() < 0.01
    assert bytes(result.data) != bytes(image.data)
    with pytest.raises(OperationError, match="stopped a moment ago") as raised:
        run("style.gatys", image, stripes((0, 1, 0)), given, start="kept")
    assert raised.value.code is ErrorCode.BAD_INPUT


def test_when_time_is_up_the_best_so_far_is_the_result() -> None:
    given = context()
    run("style.gatys", layer(), stripes(), given, steps=5000, limit=0.2)
    assert "Time was up" in given.notes[0]


def test_a_larger_layer_keeps_its_finest_detail() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((80, 120, 3), 128, np.uint8)
    noisy = (flat + rng.integers(-30, 30, (80, 120, 1))).astype(np.uint8)
    small = np.full((40, 60, 3), 0.25, np.float32)
    assert np.abs(enlarged(small, flat).astype(int) - 64).max() <= 1
    found = enlarged(small, noisy).astype(float)
    assert np.corrcoef(found[..., 0].ravel(), noisy[..., 0].ravel())[0, 1] > 0.6
    assert abs(found.mean() - 64) < 2
    same = rng.random((80, 120, 3)).astype(np.float32)
    assert (enlarged(same, flat) == as_depth(same, "u8")).all()


def test_where_memory_is_short_it_paints_smaller() -> None:
    sizes: list[tuple[int, int]] = []

    def progress(fraction: float, message: str = "", preview: Raster | None = None) -> None:
        if preview is not None:
            sizes.append((preview.width, preview.height))

    image = layer(RGB, 200, 280)
    run("style.gatys", image, stripes(), context(progress=progress, budget=9_000_000), steps=3)
    assert max(max(size) for size in sizes) < 200


@pytest.mark.parametrize("action", ["style.layer", "style.gatys"])
def test_without_its_weights_it_says_so(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "locate", lambda card: None)
    monkeypatch.setattr(store, "names", lambda: ["vgg16"])
    with pytest.raises(OperationError, match="missing") as raised:
        run(action, layer(), stripes(), Context())
    assert raised.value.remedy


def test_a_custom_style_is_one_more_of_the_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path))
    card = SimpleNamespace(sha256="a" * 64, bundled=True)
    monkeypatch.setattr(store, "find_card", lambda name: card)
    with pytest.raises(OperationError, match="none yet") as raised:
        run("style.custom", layer(), None, painting(), name="mine")
    assert "train-style" in raised.value.remedy
    custom_styles.write(CustomStyle("mine", "mine.jpg", small_network().codes[3:4]))
    assert custom_styles.names() == ["mine"]
    found = run("style.custom", layer(), None, painting(), name="mine")
    third = list(small_network().config.styles)[3]
    (same,) = find("style.preset")(
        Job("style.preset", BY_NAME["style.preset"].check({"style": third}), {"image": layer()}), painting()
    )
    assert bytes(found.data) == bytes(same.raster.data)
    card.sha256 = "b" * 64
    with pytest.raises(OperationError, match="Train it again"):
        run("style.custom", layer(), None, painting(), name="mine")


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "wave", "../x", "photograph", "-a", "a\nb"])
def test_names_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(custom_styles.CustomStyleError):
        custom_styles.check_name(name)


NAMES = ["Grandma's Kitchen?", "con", "..", "a. b.", "Küche", "100 %3F", "x" * 64]


@pytest.mark.parametrize("name", NAMES)
def test_any_other_name_is_kept_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(store, "find_card", lambda name: SimpleNamespace(sha256="a" * 64, bundled=True))
    custom_styles.run_folder(name).mkdir(parents=True)
    path = custom_styles.write(CustomStyle(name, "mine.jpg", small_network().codes[3:4]))
    assert path.parent == custom_styles.folder() == custom_styles.run_folder(name).parent
    assert not set(path.name) & set('<>:"|?*')
    assert custom_styles.names() == custom_styles.runs() == [name]
    assert custom_styles.read(name).painting == "mine.jpg"


def test_custom_styles_are_listed_with_thumbnails_of_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(store, "find_card", lambda name: SimpleNamespace(sha256="a" * 64, bundled=True))
    action = BY_NAME["style.customs"]
    assert find(action.name)(Job(action.name, {}, {"image": layer()}), painting()) == []
    for number, name in ((3, "second"), (2, "Another: one")):
        custom_styles.write(CustomStyle(name, "mine.jpg", small_network().codes[number : number + 1]))
    outputs = find(action.name)(Job(action.name, {}, {"image": layer()}), painting())
    assert [output.name for output in outputs] == ["Another: one: mine.jpg", "second: mine.jpg"]
    assert len({bytes(output.raster.data) for output in outputs}) == 2
