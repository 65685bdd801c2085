"""Letters for the fields of dialogs."""

import pytest

from plugin.client.actions import ACTIONS, Action, Source
from plugin.client.mnemonics import with_keys


def test_each_takes_its_first_free_letter() -> None:
    assert with_keys(["Edge", "Width", "Colors"], "hrco") == ["_Edge", "_Width", "Co_lors"]


def test_one_without_a_free_letter_gets_that_of_another_that_has_more() -> None:
    assert with_keys(["Ab", "A"], "") == ["A_b", "_A"]
    assert with_keys(["A", "A"], "") == ["_A", "A"]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_field_of_every_dialog_of_gimp_has_a_letter(action: Action) -> None:
    """Help, Reset, Cancel, OK, Load and Save Settings, and Before have theirs."""
    labels = [wanted.label for wanted in action.inputs if wanted.source is Source.OTHER]
    labels += [f"{p.label} ({p.unit.strip()})" if p.unit.strip() else p.label for p in action.parameters]
    marked = with_keys(labels, "hrcolsb")
    letters = [label[label.index("_") + 1].lower() for label in marked]
    assert len(set(letters)) == len(labels)
    assert not set(letters) & set("hrcolsb")
