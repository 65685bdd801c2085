"""Composing layers: from another layer, a subject placed, a portrait in a painting; shadows, sizes, depths, edges."""

from __future__ import annotations

import numpy as np
import pytest

from backend.io.rasters import DTYPES, coverage, raster, samples
from backend.operations import Context, OperationError
from backend.operations.paste import composite, paste, portrait
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job, Output

OPERATIONS = {
    "paste.harmonize": paste.harmonize_layer,
    "paste.apply": paste.harmonize_layer,
    "paste.clone": composite.clone_from_layer,
    "paste.subject": composite.composite_subject,
    "paste.portrait": portrait.portrait_into_painting,
}


def run(action: str, inputs: dict[str, Raster], **options: Value) -> list[Output]:
    parameters = BY_NAME[action].check({"method": "poisson", **options})
    return OPERATIONS[action](Job(action, parameters, inputs), Context())


def image(width: int = 120, height: int = 90, depth: str = "u8", channels: str = "RGB") -> Raster:
    """A slope of grays from left to right."""
    full = {"u8": 255, "u16": 65535}.get(depth, 1)
    slope = np.linspace(0.4, 0.6, width, dtype=np.float32)[None, :, None]
    pixels = np.broadcast_to(slope * full, (height, width, 1 if channels == "Y" else 3))
    return raster(pixels.astype(DTYPES[depth]), PixelFormat(channels, depth))


def figure(x: int = 0, y: int = 0, depth: str = "u8") -> Raster:
    """A red disc of 40 pixels with a soft edge in the middle of a clear 60 x 60 layer."""
    full = {"u8": 255, "u16": 65535}.get(depth, 1)
    rows, columns = np.mgrid[:60, :60] - 29.5
    alpha = np.clip(20.5 - np.hypot(rows, columns), 0, 1)
    pixels = np.dstack([np.full_like(alpha, 0.8), alpha * 0 + 0.2, alpha * 0 + 0.2, alpha]) * full
    return raster(pixels.astype(DTYPES[depth]), PixelFormat("RGBA", depth), x, y)


def selection(x: int, y: int, width: int, height: int) -> Raster:
    return raster(np.full((height, width), 255, np.uint8), PixelFormat("Y", "u8"), x, y)


def test_an_object_keeps_its_soft_edge_and_a_patch_does_not() -> None:
    inputs = {"source": figure(30, 20), "target": image()}
    (kept,) = run("paste.harmonize", inputs, edge="object")
    (patch,) = run("paste.harmonize", inputs, edge="seamless")
    soft = samples(kept.raster)[..., 3]
    assert ((soft > 0) & (soft < 255)).sum() > 60
    assert set(np.unique(samples(patch.raster)[..., 3])) == {0, 255}


def test_a_selected_objects_edge_is_followed_and_cleaned_of_its_old_background() -> None:
    rows, columns = np.mgrid[:120, :120] - 59.5
    disc = np.clip(30.5 - np.hypot(rows, columns), 0, 1)[..., None]
    pixels = disc * np.array([0.9, 0.2, 0.2]) + (1 - disc) * np.array([0.1, 0.2, 0.9])
    source = raster((pixels * 255).astype(np.uint8), PixelFormat("RGB", "u8"), 40, 30)
    rough = np.where(np.hypot(rows, columns) < 32, 255, 0).astype(np.uint8)
    inputs = {"source": source, "target": image(200, 180), "selection": raster(rough, PixelFormat("Y", "u8"), 40, 30)}
    (output,) = run("paste.harmonize", inputs, edge="object", strength=0.0)
    layer = samples(output.raster).astype(int)
    found = np.zeros((120, 120))
    x, y = output.raster.x - 40, output.raster.y - 30
    found[y : y + len(layer), x : x + layer.shape[1]] = layer[..., 3] / 255
    assert np.abs(found - disc[..., 0]).mean() < np.abs(rough / 255 - disc[..., 0]).mean() / 2
    edge = (layer[..., 3] > 100) & (layer[..., 3] < 250)
    assert edge.any()
    assert np.median(layer[..., 2][edge]) < 80  # the blue is gone


def test_from_another_layer_it_comes_where_it_lies_or_into_the_selection() -> None:
    inputs = {"image": image(), "source": figure(30, 20)}
    (there,) = run("paste.clone", inputs)
    assert there.raster.box == (40, 30, 40, 40)
    (fitted,) = run("paste.clone", inputs | {"selection": selection(10, 10, 20, 60)})
    assert fitted.raster.box == (10, 30, 20, 20)


@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
def test_a_subject_is_scaled_and_placed_by_its_lowest_point(depth: str) -> None:
    inputs = {"image": image(depth=depth), "source": figure(depth=depth)}
    (output,) = run("paste.subject", inputs, x=25.0, y=80.0, size=50.0, shadow=0.0)
    layer = output.raster
    assert layer.format == PixelFormat("RGBA", depth)
    assert abs(layer.height - 45) <= 1
    assert abs(layer.y + layer.height - 72) <= 1
    assert abs(layer.x + layer.width / 2 - 30) <= 1
    assert (coverage(layer)[20:25, 20:25] == 1).all()


def test_a_selection_says_where_a_subject_goes() -> None:
    inputs = {"image": image(), "source": figure(), "selection": selection(60, 30, 30, 50)}
    outputs = run("paste.subject", inputs, shadow=0.0)
    assert outputs[0].raster.box == (60, 40, 30, 30)


def test_enlarging_does_not_darken_a_soft_edge() -> None:
    clear = samples(figure()).copy()
    clear[clear[..., 3] == 0] = 0  # as editors leave erased pixels
    source = raster(clear, PixelFormat("RGBA", "u8"))
    (output,) = run("paste.subject", {"image": image(), "source": source}, size=90.0, shadow=0.0, strength=0.0)
    layer = samples(output.raster)
    edge = (layer[..., 3] > 40) & (layer[..., 3] < 220)
    assert layer[..., 0][edge].min() > 190


def test_the_shadow_is_a_layer_of_its_own_below_the_subject() -> None:
    inputs = {"image": image(), "source": figure()}
    subject, shadow = run("paste.subject", inputs, shadow=50.0, size=50.0)
    assert (subject.name, shadow.name) == ("Harmonized", "Contact shadow")
    dark = samples(shadow.raster)
    assert not dark[..., :3].any()
    assert abs(int(dark[..., 3].max()) - 128) <= 1
    y, x = np.unravel_index(dark[..., 3].argmax(), dark.shape[:2])
    assert abs(shadow.raster.y + y - (subject.raster.y + subject.raster.height)) <= 2
    assert abs(shadow.raster.x + x - (subject.raster.x + subject.raster.width / 2)) <= 3


@pytest.mark.parametrize("action", ["paste.subject", "paste.portrait"])
def test_what_is_placed_by_hand_comes_as_it_is_and_whole(action: str) -> None:
    own = samples(figure())[10:50, 10:50]  # the disc, which is 40 pixels high
    options: dict[str, Value] = {"by_hand": True, "size": 40 / 0.9}
    options |= {"x": 0.0}
    if action == "paste.portrait":
        options |= {"style": "colors", "palette": 0.0, "place": "given"}
    (output,) = run(action, {"image": image(), "source": figure()}, **options)
    assert output.name == "Object"
    assert output.raster.x < -15 and output.raster.width >= 40  # beyond the canvas, too
    found = samples(output.raster)
    inner = found[found[..., 3] > 127]
    assert abs(len(inner) - (own[..., 3] > 127).sum()) < 60
    assert (inner[:, :3] == own[20, 20, :3]).all()


def test_what_a_border_cuts_off_is_put_at_the_same_border() -> None:
    cut = samples(figure())[:40, 20:]  # the disc without its lower and its left part
    source = raster(cut.copy(), PixelFormat("RGBA", "u8"), 5, 7)
    assert composite.borders(source, source) == ["lower", "left"]
    context = Context()
    options = BY_NAME["paste.subject"].check({"method": "poisson", "size": 30.0, "shadow": 0.0})
    inputs = {"image": image(), "source": source}
    (free,) = composite.composite_subject(Job("paste.subject", options, inputs), context)
    assert any("lower and left border" in note for note in context.notes)
    (held,) = run("paste.subject", inputs, size=30.0, shadow=0.0, at_border=True)
    assert held.raster.x == 0 and held.raster.y + held.raster.height == 90
    assert free.raster.x > 20


def test_applying_harmonizes_what_was_placed_and_gives_it_a_shadow() -> None:
    inputs = {"source": figure(30, 20), "target": image()}
    applied, shadow = run("paste.apply", inputs)
    (same,) = run("paste.harmonize", inputs, edge="object")
    assert bytes(applied.raster.data) == bytes(same.raster.data)
    assert shadow.name == "Contact shadow"


def test_a_portrait_goes_where_it_hides_least_and_takes_on_the_palette() -> None:
    rng = np.random.default_rng(0)
    busy = rng.integers(0, 255, (150, 240, 3), np.uint8)
    busy[:, 130:] = (40, 90, 60)
    painting = raster(busy, PixelFormat("RGB", "u8"))
    inputs = {"image": painting, "source": figure()}
    (plain,) = run("paste.portrait", inputs, size=50.0, palette=0.0, strength=0.0, style="colors")
    (painted,) = run("paste.portrait", inputs, size=50.0, palette=100.0, strength=0.0, style="colors")
    assert plain.raster.x >= 125
    assert plain.raster.box == painted.raster.box
    before, after = (samples(o.raster)[20:50, 20:50, :3].astype(float).mean((0, 1)) for o in (plain, painted))
    mean = busy.reshape(-1, 3).mean(0)
    assert np.abs(after - mean).mean() < 0.4 * np.abs(before - mean).mean()


def test_a_portrait_goes_where_it_is_told_to() -> None:
    (output,) = run("paste.portrait", {"image": image(), "source": figure()}, place="given", x=20.0, y=60.0, size=40.0)
    layer = output.raster
    assert abs(layer.y + layer.height - 54) <= 1
    assert abs(layer.x + layer.width / 2 - 24) <= 1


def test_an_empty_layer_is_refused() -> None:
    empty = raster(np.zeros((20, 20, 4), np.uint8), PixelFormat("RGBA", "u8"))
    with pytest.raises(OperationError, match="transparent everywhere"):
        run("paste.clone", {"image": image(), "source": empty})


def test_gray_images_take_a_subject() -> None:
    outputs = run("paste.subject", {"image": image(channels="Y"), "source": figure()})
    assert [o.raster.format.channels for o in outputs] == ["RGBA", "RGBA"]
