"""Styles on layers: any format and place, regions, strength, sizes; what is said when the weights are missing."""

from __future__ import annotations

import errno
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from backend.imaging import Cancelled
from backend.io.rasters import as_depth, colors, coverage, raster, samples
from backend.operations import Context, OperationError
from backend.operations.style import network, stylize
from backend.operations.style.network import mixture
from backend.operations.style.stylize import opaque, style_background, style_preset, style_previews, style_subject
from models.networks import transformer_bands
from models.networks.transformer_bands import kept_bytes
from models.zoo import cards
from models.zoo.style_presets import PHOTOGRAPH, PRESETS
from plugin.client.actions import BY_NAME, ResultKind, Value
from plugin.client.actions.style import STYLES
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

from .networks import painting, small_network

GRAY, RGB = PixelFormat("Y", "u8"), PixelFormat("RGB", "u8")


def scene(height: int = 50, width: int = 70) -> np.ndarray:
    """Smooth noise, H x W x 3, 0..1."""
    import cv2

    rng = np.random.default_rng(3)
    return cv2.resize(rng.random((6, 8, 3), np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def layer(form: PixelFormat = RGB, height: int = 50, width: int = 70) -> Raster:
    pixels = scene(height, width)
    if form.channels[0] == "Y":
        pixels = pixels[..., :1]
    if form.has_alpha:
        alpha = np.ones((height, width, 1), np.float32)
        alpha[:, : width // 4] = 0
        pixels = np.dstack([pixels, alpha])
    return raster(as_depth(pixels, form.depth), form, -7, 11, b"profile")


def left_half(height: int = 50, width: int = 70) -> Raster:
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return raster(mask, GRAY, -7, 11)


def run(image: Raster, selection: Raster | None = None, context: Context | None = None, **settings: Value) -> Raster:
    inputs = {"image": image} | ({"selection": selection} if selection else {})
    job = Job("style.preset", BY_NAME["style.preset"].check(dict(settings)), inputs)
    (output,) = style_preset(job, context or painting())
    assert output.kind is ResultKind.LAYER
    return output.raster


def test_the_menu_offers_what_the_network_has_learned() -> None:
    assert [name for name, _ in STYLES] == list(PRESETS)


@pytest.mark.parametrize("channels", ["Y", "YA", "RGB", "BGRA"])
@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
def test_format_place_alpha_and_profile_survive(channels: str, depth: str) -> None:
    image = layer(PixelFormat(channels, depth))
    result = run(image)
    assert (result.format, result.box, result.profile) == (image.format, image.box, image.profile)
    assert np.array_equal(coverage(result), coverage(image))
    assert np.abs(colors(result) - colors(image)).mean() > 0.02


def test_depths_agree() -> None:
    eight, deep = (colors(run(layer(PixelFormat("RGB", depth)))) for depth in ("u8", "f32"))
    assert np.abs(eight - deep).mean() < 0.02  # rounding to 8 bits, as random weights magnify it
    linear = np.asarray(run(raster(scene() ** 2.2, PixelFormat("RGB", "f32", linear=True))).data)
    assert np.isfinite(linear.view(np.float32)).all()


def test_what_hides_under_transparency_has_no_say() -> None:
    image = layer(PixelFormat("RGBA", "u8"))
    other = samples(image).copy()
    other[:, : image.width // 4, :3] = 255
    assert np.array_equal(opaque(image), opaque(raster(other, image.format, image.x, image.y)))


def test_strength_goes_from_the_photograph_to_the_style() -> None:
    image, context = layer(), painting()
    assert bytes(run(image, context=context, strength=0).data) == bytes(image.data)
    full = colors(run(image, context=context))
    half = colors(run(image, context=context, strength=50))
    assert not np.array_equal(half, full)
    assert np.abs(half - (colors(image) + full) / 2).mean() > 0.01  # not a cross-fade of pixels
    assert mixture("wave", 0.25) == {PHOTOGRAPH: 0.75, "wave": 0.25}
    assert mixture("wave", 1, "hat", 0.25) == {"wave": 0.75, "hat": 0.25}
    assert mixture("wave", 1, "wave", 0.25) == {"wave": 1}


def test_presets_differ_and_mix() -> None:
    image, context = layer(), painting()
    wave, hat = (colors(run(image, context=context, style=name)) for name in ("wave", "hat"))
    assert np.abs(wave - hat).mean() > 0.02
    mixed = colors(run(image, context=context, style="wave", second_style="hat", mix=100))
    assert np.abs(mixed - hat).mean() < 1e-6


def test_kept_colors_are_the_layers() -> None:
    image = layer()
    result = run(image, keep_colors=True)
    before, after = colors(image), colors(result)
    inside = ((after > 0.02) & (after < 0.98)).all(2)  # chroma is cut where it does not fit
    for a, b in ((0, 1), (2, 1)):
        change = (after[..., a] - after[..., b]) - (before[..., a] - before[..., b])
        assert np.abs(change[inside]).max() < 3 / 255
    assert np.abs(after - before).mean() > 0.02


def test_large_strokes_are_the_network_on_a_smaller_copy() -> None:
    image, context = layer(height=64, width=96), painting()
    small, large = (colors(run(image, context=context, stroke=size)) for size in (100.0, 400.0))

    def roughness(painted: np.ndarray) -> float:
        return float(np.abs(np.diff(painted, n=2, axis=0)).mean())

    assert roughness(large) < roughness(small) / 2
    assert colors(run(image, context=context, stroke=50.0)).shape == small.shape


def test_only_the_selection_changes() -> None:
    image = layer()
    result = samples(run(image, left_half(), region="selection"))
    assert np.array_equal(result[:, 35:], samples(image)[:, 35:])
    assert (result[:, :35] != samples(image)[:, :35]).any(2).mean() > 0.5
    with pytest.raises(OperationError, match="Nothing is selected"):
        run(image, region="selection")


def test_background_and_subject_are_what_the_selection_leaves_and_means() -> None:
    image, whole = layer(), samples(run(layer()))
    for operation, changed in ((style_background, np.s_[:, 35:]), (style_subject, np.s_[:, :35])):
        name = operation.__name__.replace("_", ".")
        job = Job(name, BY_NAME[name].check({}), {"image": image, "selection": left_half()})
        (output,) = operation(job, painting())
        expected = samples(image).copy()
        expected[changed] = whole[changed]
        assert np.array_equal(samples(output.raster), expected)


def test_the_subject_of_a_photograph_is_left_as_it_is() -> None:
    """The bundled subject network and the style network side by side, on the astronaut."""
    import backend
    from backend.io import image_files

    photo = image_files.read(Path(backend.__file__).parent / "demo" / "astronaut.jpg")
    result, before = samples(run(photo, region="background")), samples(photo)
    face, corner = np.s_[100:160, 190:250], np.s_[30:200, 10:90]
    assert np.array_equal(result[face], before[face])
    assert (result[corner] != before[corner]).any(2).mean() > 0.9


@pytest.mark.parametrize(("height", "width"), [(3, 5), (61, 47)])
def test_any_size_will_do(height: int, width: int) -> None:
    assert run(layer(height=height, width=width)).box == (-7, 11, width, height)


def test_short_memory_changes_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    image = layer(height=120, width=160)
    whole = colors(run(image))
    needed = 120 * 160 * kept_bytes(4, lean=True)
    assert needed < 120 * 160 * kept_bytes(4, lean=False)
    lean = colors(run(image, context=painting(budget=needed)))
    assert np.abs(lean - whole).mean() < 1 / 255
    monkeypatch.setattr(transformer_bands, "BAND", 2048)
    bands = colors(run(image, context=painting(budget=needed)))
    assert np.abs(bands - whole).mean() < 1 / 255


def test_an_image_too_large_for_memory_is_kept_in_files_and_shows_no_seam(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundled network on a photograph, its layers kept in files in bands of rows, and all at once in memory."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "inlay"))
    photo = raster(np.ascontiguousarray(data.astronaut()[:320, 100:356]), RGB)
    whole = colors(run(photo, context=Context()))
    used: list[object] = []
    monkeypatch.setattr(transformer_bands, "BAND", 2048)
    made = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **given: used.append(given["dir"]) or made(**given))
    pieces = colors(run(photo, context=Context(budget=320 * 256 * kept_bytes(16, lean=True) // 2)))
    assert used and set(used) == {tmp_path / "inlay"}
    assert np.abs(pieces - whole).mean() < 0.25 / 255
    rows = np.abs(pieces - whole).mean((1, 2))
    assert rows.max() < 1 / 255  # nowhere a line across
    assert not list((tmp_path / "inlay").iterdir())


def test_a_full_disk_is_said_with_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "inlay"))

    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(OperationError, match="GiB on the disk") as raised:
        run(layer(), context=painting(budget=1000))
    assert str(tmp_path / "inlay") in raised.value.remedy


def test_progress_rises_and_cancel_stops_within_a_band() -> None:
    seen: list[float] = []
    context = painting(progress=lambda fraction, message, preview: seen.append(fraction))
    run(layer(), context=context)
    assert seen == sorted(seen)
    assert seen[-1] <= 1
    start = time.monotonic()
    with pytest.raises(Cancelled):
        run(layer(height=600, width=800), context=painting(cancelled=lambda: time.monotonic() - start > 0.05))


def test_each_preset_has_a_thumbnail() -> None:
    image = layer(PixelFormat("RGBA", "u16"), 90, 300)
    outputs = style_previews(Job("style.previews", {}, {"image": image}), painting())
    assert [output.name.partition(": ")[0] for output in outputs] == list(PRESETS)
    assert outputs[0].name == "wave: c. 1831"
    assert {max(o.raster.width, o.raster.height) for o in outputs} == {stylize.PREVIEW}
    assert not samples(outputs[0].raster)[:, 5, 3].any()  # transparent where the layer is
    assert len({bytes(output.raster.data) for output in outputs}) == len(PRESETS)


def test_thumbnails_and_results_leave_white_light_and_night_dark() -> None:
    noise = np.random.default_rng(0).normal(0, 2, (120, 160, 3))
    levels = {}
    for name, level in (("white", 245), ("night", 12)):
        image = raster(np.clip(noise + level, 0, 255).astype(np.uint8), PixelFormat("RGB", "u8"))
        outputs = style_previews(Job("style.previews", {}, {"image": image}), Context())
        levels[name] = {o.name.partition(": ")[0]: samples(o.raster)[..., :3].mean() for o in outputs}
        result = run(image, context=Context(), style="wave")
        assert abs(samples(result)[..., :3].mean() - levels[name]["wave"]) < 20
    assert set(levels["white"]) == set(PRESETS)
    assert min(levels["white"].values()) > 170
    assert max(levels["night"].values()) < 90


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    with pytest.raises(OperationError, match="missing") as raised:
        run(layer(), context=Context())
    assert "Reinstall Inlay" in raised.value.remedy


def test_the_network_is_loaded_once() -> None:
    context = painting()
    assert network.network(context) is network.network(context)
    assert small_network().config.styles[0] == PHOTOGRAPH
