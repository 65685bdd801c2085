"""Selections: where they lie, what their settings do, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import backend
from backend.io import image_files
from backend.io.rasters import raster, samples
from backend.operations import Context, OperationError
from backend.operations.selection.classical import grabcut_object, select_colors
from plugin.client.actions import BY_NAME, ResultKind, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

PHOTOGRAPHS = Path(backend.__file__).parent / "demo"
GRAY, RGB = PixelFormat("Y", "u8"), PixelFormat("RGB", "u8")


def scene(x: int = 0, y: int = 0, channels: str = "RGB") -> tuple[Raster, np.ndarray]:
    """A reddish disc on bluish ground, both noisy, and where the disc is."""
    rng = np.random.default_rng(1)
    rows, columns = np.ogrid[:90, :120]
    disc = (columns - 60) ** 2 + (rows - 45) ** 2 <= 25**2
    pixels = np.where(disc[..., None], [200, 60, 40], [40, 70, 160]) + rng.integers(-15, 15, (90, 120, 3))
    return raster(pixels.astype(np.uint8), PixelFormat(channels, "u8"), x, y), disc


def rectangle(x: int, y: int, width: int, height: int) -> Raster:
    return raster(np.full((height, width), 255, np.uint8), GRAY, x, y)


def run(name: str, layer: Raster, selection: Raster | None, **settings: Value) -> Raster:
    operation = {"select.object": grabcut_object, "select.colors": select_colors}[name]
    inputs = {"image": layer} | ({"selection": selection} if selection else {})
    (output,) = operation(Job(name, BY_NAME[name].check(dict(settings)), inputs), Context())
    assert output.kind is ResultKind.SELECTION
    assert output.raster.box == layer.box
    assert output.raster.format == GRAY
    return output.raster


def overlap(mask: Raster, truth: np.ndarray) -> float:
    """Intersection over union."""
    inside = samples(mask)[..., 0] >= 128
    return float((inside & truth).sum() / (inside | truth).sum())


@pytest.mark.parametrize("name", ["select.object", "select.colors"])
def test_the_object_in_the_box_is_found_wherever_the_layer_lies(name: str) -> None:
    layer, disc = scene(-30, 400)
    assert overlap(run(name, layer, rectangle(0, 415, 60, 60), clusters=2) if "colors" in name else
                   run(name, layer, rectangle(0, 415, 60, 60)), disc) > 0.95  # fmt: skip


def test_a_sketch_of_any_shape_serves_as_well_as_a_box() -> None:
    layer, disc = scene()
    rows, columns = np.ogrid[:90, :120]
    sketch = ((columns - 55) ** 2 + (rows - 48) ** 2 <= 28**2).astype(np.uint8) * 255
    assert overlap(run("select.object", layer, raster(sketch, GRAY, 0, 0)), disc) > 0.95


def test_bgra_and_deep_layers_select_the_same_as_rgb() -> None:
    layer, _ = scene()
    pixels = samples(layer)
    box = rectangle(25, 12, 70, 66)
    expected = bytes(run("select.object", layer, box).data)
    opaque = np.full((90, 120, 1), 255, np.uint8)
    bgra = raster(np.concatenate([pixels[..., ::-1], opaque], axis=2), PixelFormat("BGRA", "u8"), 0, 0)
    assert bytes(run("select.object", bgra, box).data) == expected
    deep = raster(pixels.astype(np.uint16) * 257, PixelFormat("RGB", "u16"), 0, 0)
    assert bytes(run("select.object", deep, box).data) == expected


def test_nothing_is_selected_where_the_layer_is_transparent() -> None:
    layer, _ = scene()
    alpha = np.full((90, 120, 1), 255, np.uint8)
    alpha[:, :60] = 0
    clear = raster(np.concatenate([samples(layer), alpha], axis=2), PixelFormat("RGBA", "u8"), 0, 0)
    mask = samples(run("select.object", clear, rectangle(25, 12, 70, 66)))[..., 0]
    assert not mask[:, :60].any()
    assert mask[45, 70] == 255


def test_hard_edges_are_in_or_out_and_soft_ones_between() -> None:
    layer, _ = scene()
    for name in ("select.object", "select.colors"):
        hard = samples(run(name, layer, rectangle(25, 12, 70, 66), edge="hard"))
        soft = samples(run(name, layer, rectangle(25, 12, 70, 66), edge="soft"))
        assert set(np.unique(hard)) <= {0, 255}
        assert len(np.unique(soft)) > 2


def test_growing_and_feathering() -> None:
    layer, _ = scene()
    box = rectangle(25, 12, 70, 66)
    area = int((samples(run("select.object", layer, box, edge="hard")) >= 128).sum())
    grown = int((samples(run("select.object", layer, box, grow=5)) >= 128).sum())
    shrunk = int((samples(run("select.object", layer, box, grow=-5)) >= 128).sum())
    assert grown == pytest.approx(np.pi * 30**2, rel=0.06)
    assert shrunk == pytest.approx(np.pi * 20**2, rel=0.06)
    assert shrunk < area < grown
    row = samples(run("select.object", layer, box, feather=10))[45, :, 0].astype(int)
    edge = row[30:60]
    assert (np.diff(edge) >= 0).all()
    assert 6 <= ((edge > 12) & (edge < 243)).sum() <= 24


def test_without_a_selection_the_middle_of_the_image_is_the_subject() -> None:
    layer, disc = scene()
    assert overlap(run("select.colors", layer, None, clusters=2), disc) > 0.95


@pytest.mark.parametrize(
    ("name", "selection", "message"),
    [
        ("select.object", rectangle(0, 0, 120, 90), "covers the whole"),
        ("select.object", rectangle(500, 500, 20, 20), "Nothing is selected"),
        ("select.object", raster(np.zeros((90, 120), np.uint8), GRAY, 0, 0), "Nothing is selected"),
        ("select.colors", rectangle(500, 500, 20, 20), "Nothing is selected"),
    ],
)
def test_useless_selections_are_refused_with_a_remedy(name: str, selection: Raster, message: str) -> None:
    layer, _ = scene()
    with pytest.raises(OperationError, match=message) as raised:
        run(name, layer, selection)
    assert raised.value.remedy


def test_the_patch_on_the_astronauts_suit() -> None:
    image = image_files.read(PHOTOGRAPHS / "astronaut.jpg")
    mask = samples(run("select.object", image, rectangle(124, 336, 92, 116), edge="hard"))[..., 0] >= 128
    rows, columns = np.ogrid[:512, :512]
    patch = (columns - 171) ** 2 + (rows - 385) ** 2 <= 37**2
    assert (mask & patch).sum() / (mask | patch).sum() > 0.9
