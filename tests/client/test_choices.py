"""The dynamic choices of a parameter."""

from __future__ import annotations

from plugin.client.actions import ACTIONS, BY_NAME, Kind, ResultKind
from plugin.client.choices import dynamic_choices, dynamic_parameter
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Output, Result

PREVIEW = Raster(PixelFormat("RGBA", "u8"), 2, 1, bytes(8))
GRAY = Raster(PixelFormat("Y", "u8"), 2, 1, bytes(2))


def listed(*outputs: tuple[str, Raster]) -> Result:
    return Result("", tuple(Output(ResultKind.LAYER, name, raster) for name, raster in outputs))


def test_what_is_in_the_image_is_offered_in_its_order_after_the_default() -> None:
    parameter = dynamic_parameter(BY_NAME["select.class"])
    assert parameter is not None
    found = dynamic_choices(parameter, listed(("dining table: 40 %", PREVIEW), ("cat: 9 %", PREVIEW)))
    assert [(offer.value, offer.label, offer.note) for offer in found] == [
        ("largest", "Largest", ""),
        ("dining table", "Dining table", "40 %"),
        ("cat", "Cat", "9 %"),
    ]
    assert [offer.preview for offer in found] == [None, PREVIEW, PREVIEW]


def test_a_default_that_is_listed_keeps_its_place_and_its_thumbnail() -> None:
    parameter = dynamic_parameter(BY_NAME["style.preset"])
    assert parameter is not None and parameter.default == "wave"
    found = dynamic_choices(parameter, listed(("scream: Munch", PREVIEW), ("wave: Hokusai", PREVIEW)))
    assert [(offer.value, offer.note, offer.preview) for offer in found] == [
        ("scream", "Munch", PREVIEW),
        ("wave", "Hokusai", PREVIEW),
    ]


def test_what_is_no_choice_or_no_thumbnail_in_color_is_left_out() -> None:
    parameter = dynamic_parameter(BY_NAME["select.class"])
    assert parameter is not None
    found = dynamic_choices(parameter, listed(("dragon: 40 %", PREVIEW), ("cat: 9 %", GRAY)))
    assert [offer.value for offer in found] == ["largest"]


def test_what_offers_choices_is_a_hidden_action_on_the_same_layer_with_nothing_to_ask() -> None:
    asked = [(action, parameter) for action in ACTIONS if (parameter := dynamic_parameter(action))]
    assert asked
    for action, parameter in asked:
        listing = BY_NAME[parameter.choice_provider]
        assert parameter.kind in (Kind.CHOICE, Kind.TEXT)
        assert listing.hidden and not listing.parameters
        assert set(listing.inputs) <= set(action.inputs)


def test_a_text_may_be_whatever_is_listed_and_nothing_else() -> None:
    parameter = dynamic_parameter(BY_NAME["style.custom"])
    assert parameter is not None
    found = dynamic_choices(parameter, listed(("Blue: light: mine.jpg", PREVIEW), ("b: x", GRAY)))
    assert [(offer.value, offer.label, offer.note) for offer in found] == [("Blue: light", "Blue: light", "mine.jpg")]
    assert dynamic_choices(parameter, listed()) == []
