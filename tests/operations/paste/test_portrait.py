"""A portrait in a painting: its style, its palette, its place; and life without the network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.imaging.arrays import AnyArray
from backend.io.rasters import coverage, samples
from backend.operations import Context
from backend.operations.paste import composite, portrait
from models.zoo import store
from models.zoo.cards import CardError
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster
from plugin.client.messages import Job

from ..style import test_arbitrary
from . import test_composite


def paint(context: Context, **options: Value) -> Raster:
    """The red disc in a gray slope; light and color are not adapted: all that changes is how it is painted."""
    settings: dict[str, Value] = {"method": "poisson", "strength": 0.0, "palette": 0.0, "size": 50.0}
    parameters = BY_NAME["paste.portrait"].check({**settings, **options})
    inputs = {"image": test_composite.image(200, 150), "source": test_composite.figure()}
    (output,) = portrait.portrait_into_painting(Job("paste.portrait", parameters, inputs), context)
    return output.raster


def test_the_person_is_painted_as_the_painting_is() -> None:
    plain, painted = paint(Context(), style="colors"), paint(test_arbitrary.context())
    assert plain.box == painted.box
    inside = coverage(plain) == 1
    assert np.array_equal(coverage(plain), coverage(painted))
    change = np.abs(samples(plain)[..., :3].astype(int) - samples(painted)[..., :3])[inside]
    assert change.mean() > 5


@pytest.mark.parametrize(("height", "stroke"), [(150, 60 / 800), (4000, 60 / 2000)])
def test_strokes_are_the_paintings_and_finer_where_they_would_hide_a_face(
    height: int, stroke: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photograph 60 pixels high that is to have half of the painting's height."""
    strokes = []

    def stylized(image: AnyArray, net: object, weights: object, stroke: float, *_: object) -> AnyArray:
        strokes.append(stroke)
        return image

    monkeypatch.setattr(portrait, "stylized", stylized)
    monkeypatch.setattr(portrait, "STROKES", (0.0, 8.0))
    parameters = BY_NAME["paste.portrait"].check({"size": 50.0})
    job = Job("paste.portrait", parameters, {})
    portrait.repainted(test_composite.figure(), test_composite.image(200, height), job, test_arbitrary.context())
    assert strokes == [pytest.approx(stroke)]


def test_without_the_network_the_colors_are_taken_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise CardError(name)

    monkeypatch.setattr(store, "find_card", missing)
    context = Context()
    assert bytes(paint(context).data) == bytes(paint(Context(), style="colors").data)
    assert any("only the colors" in note for note in context.notes)


@pytest.mark.parametrize(("cut_off", "stands"), [(True, True), (False, False)])
def test_who_is_cut_off_below_is_known(cut_off: bool, stands: bool) -> None:
    source = test_composite.image(60, 60)
    person = test_composite.figure()
    if cut_off:
        person = replace(person, height=40, data=memoryview(samples(person)[:40].tobytes()), y=20)
    assert composite.borders(person, source) == ["lower"] * stands
