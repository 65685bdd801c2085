"""Objects one by one, and people but the subject."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from backend.io.rasters import from_array, samples
from backend.operations import Context, OperationError, find
from backend.operations.selection.instances import Instance, _distinct
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Box
from plugin.client.messages import Job, Output
from tests.jobs import two_people

CONTEXT = Context()
BOTH = np.hstack([data.astronaut()[:300, 80:400], data.chelsea()])
FACE, FUR = (120, 145), (170, 460)  # row and column


def run(name: str, image: np.ndarray, **settings: Value) -> list[Output]:
    action = BY_NAME[name]
    return find(name)(Job(name, action.check(settings), {"image": from_array(image, x=-4, y=6)}), CONTEXT)


def mask(name: str, image: np.ndarray, **settings: Value) -> np.ndarray:
    (output,) = run(name, image, **settings)
    assert output.raster.box == (-4, 6, image.shape[1], image.shape[0])
    return samples(output.raster)[..., 0]


def test_a_person_and_a_cat_are_two_objects() -> None:
    listed = run("select.objects_found", BOTH)
    classes = [output.name.split(": ")[1].split(",")[0] for output in listed]
    assert {"person", "cat"} <= set(classes)
    assert [output.name.split(":")[0] for output in listed] == [str(n + 1) for n in range(len(listed))]
    shares = [float(output.name.split(", ")[1].split()[0]) for output in listed]
    assert shares == sorted(shares, reverse=True)
    both = mask("select.objects", BOTH)
    cat = mask("select.objects", BOTH, found=str(classes.index("cat") + 1))
    person = mask("select.objects", BOTH, found=str(classes.index("person") + 1))
    assert both[FACE] == both[FUR] == cat[FUR] == person[FACE] == 255
    assert cat[FACE] == person[FUR] == 0
    assert ((person > 127) & (cat > 127)).mean() < 0.01


def test_a_number_too_high_is_refused_with_how_many_there_are() -> None:
    with pytest.raises(OperationError, match="No object 12") as caught:
        run("select.objects", BOTH, found="12")
    assert "from 1 to" in caught.value.remedy


def test_where_there_is_nothing_nothing_is_listed() -> None:
    plain = np.full((60, 90, 3), 128, np.uint8)
    assert run("select.objects_found", plain) == []
    with pytest.raises(OperationError, match="No object was found"):
        run("select.objects", plain)


def _instance(inside: np.ndarray) -> tuple[float, Instance, np.ndarray]:
    return 0.9, Instance(inside.astype(np.float32), Box(0, 0, 40, 40), float(inside.mean()), "object"), inside


def square(left: int, right: int) -> np.ndarray:
    inside = np.zeros((40, 40), bool)
    inside[10:30, left:right] = True
    return inside


def test_a_group_gives_way_to_its_members_and_a_part_to_its_whole() -> None:
    group, first, second, part = square(0, 40), square(0, 19), square(20, 40), square(2, 6)
    kept = _distinct([_instance(m) for m in (group, first, second)])
    assert len(kept) == 2 and not any((inside == group).all() for _, inside in kept)
    kept = _distinct([_instance(m) for m in (first, part)])
    assert len(kept) == 1 and (kept[0][1] == first).all()
    kept = _distinct([_instance(m) for m in (first, square(0, 18), second)])
    assert len(kept) == 2


def test_other_people_are_all_but_the_subject() -> None:
    people = two_people(800)
    width = people.shape[1]
    subject, others = mask("select.subject", people), mask("select.other_people", people)
    assert subject[:, : width // 2].mean() > 60
    assert others[:, width * 5 // 8 :].mean() > 40
    assert others[:, : width // 2].mean() < 5


def test_small_objects_are_those_beside_the_subject() -> None:
    people = two_people(800)
    listed = run("fill.objects_found", people)
    assert any(": person, " in output.name for output in listed)
    assert all(float(output.name.split(", ")[1].split()[0]) <= 10 for output in listed)
    for output in listed:  # nothing of the subject, which fills the left half
        bright = samples(output.raster)[..., 3] > 128
        assert bright[:, : bright.shape[1] // 2].mean() < 0.05
    with pytest.raises(OperationError, match="No small object 12") as caught:
        run("fill.objects", people, found="12")
    assert f"from 1 to {len(listed)}" in caught.value.remedy


def test_one_person_alone_has_no_others() -> None:
    for image in (data.astronaut(), data.chelsea()):
        with pytest.raises(OperationError, match="No other person"):
            run("select.other_people", image)
