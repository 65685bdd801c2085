"""What is found and removed in one action in the real Krita: dust, other people, small objects; undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.krita.harness import Krita
from tests.editors.krita.user import ask_and_accept, open_photograph, press_ctrl_z, screenshot
from tests.jobs import street

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]


@pytest.mark.parametrize(
    ("action", "layer", "what"),
    [("fill.dust", "Healed", "dust"), ("fill.other_people", "Fill", "other"), ("fill.objects", "Fill", "other")],
)
def test_what_is_found_is_covered_by_one_layer(
    krita: Krita, tmp_path: Path, action: str, layer: str, what: str
) -> None:
    pixels, places = street(800)
    open_photograph(krita, tmp_path, "street", pixels)
    before = krita.get("snapshot()")
    if action == "fill.other_people":
        screenshot(krita, "remove-before")
    ask_and_accept(krita, action)
    if action == "fill.other_people":
        screenshot(krita, "remove-other-people")
    assert krita.get("names()").count(layer) == 1
    for name, (x, y) in places.items():
        blue, green, red, alpha = krita.get(
            "list(bytes(node(layer).pixelData(*place, 1, 1)))", layer=layer, place=[x, y]
        )
        assert alpha == (255 if name == what else 0), name
        if name == what:  # neither dark as the dust nor orange as the suit
            assert min(green, red) > 170 if what == "dust" else red - blue < 60
    press_ctrl_z(krita)
    krita.until("snapshot() == before", before=before)
