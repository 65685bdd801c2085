"""The table of actions: what dialogs start with."""

from itertools import combinations

import pytest

from plugin.client.actions import ACTIONS, BY_NAME, Action, Source


def test_filling_again_is_another_try_with_seeds_that_were_not_used() -> None:
    action = BY_NAME["fill.selection"]
    first = action.check({"seed": 5, "variants": 3, "grow": 9})
    assert action.following(first) == first | {"seed": 8}
    assert action.following(action.check({"seed": 2**31 - 8}))["seed"] == 0


def test_values_that_give_no_other_try_stay() -> None:
    action = BY_NAME["select.subject"]
    values = action.check({})
    assert action.following(values) == values


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_older_names_of_parameters_are_taken(action: Action) -> None:
    for parameter in action.parameters:
        for alias in parameter.aliases:
            assert action.check({alias: parameter.default}) == action.check({})
            with pytest.raises(ValueError, match="twice"):
                action.check({alias: parameter.default, parameter.name: parameter.default})


def test_an_older_name_sets_the_parameter() -> None:
    action = BY_NAME["fill.selection"]
    assert action.check({"traces": False, "reach": 40}) == action.check({"shadow_halo": False, "sampling_radius": 40})


def test_no_name_stands_for_two_actions_or_two_parameters() -> None:
    for one, other in combinations(ACTIONS, 2):
        assert not {one.procedure, *one.old_procedures} & {other.procedure, *other.old_procedures}
    for action in ACTIONS:
        names = [name for p in action.parameters for name in (p.name, *p.aliases)]
        assert len(names) == len(set(names))


def test_settings_without_effect_are_told_by_the_others() -> None:
    fill, subject = BY_NAME["fill.selection"], BY_NAME["paste.subject"]
    assert fill.without_effect(fill.check({})) == set()
    assert fill.without_effect(fill.check({"area": "everywhere", "grow": 0})) == {"sampling_radius", "shadow_halo"}
    shadow = {"shadow_direction", "shadow_length"}
    assert subject.without_effect(subject.check({}) | {"selection": True}) == {"x", "y", "size", "at_border"} | shadow
    assert subject.without_effect(subject.check({"cast_shadow": 20.0}) | {"selection": False}) == set()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_what_takes_away_an_effect_is_another_setting_or_input(action: Action) -> None:
    inputs = {wanted.name for wanted in action.inputs}
    by_name = {parameter.name: parameter for parameter in action.parameters}
    for parameter in action.parameters:
        for name, value in parameter.no_effect_when:
            assert name != parameter.name
            assert name in inputs or by_name[name].check(value) == value


def test_one_click_needs_nothing_that_only_a_dialog_can_ask_for() -> None:
    at_once = {action.name for action in ACTIONS if action.one_click}
    assert {"select.subject", "cutout.background", "fill.selection", "fill.object", "paste.harmonize"} <= at_once
    for name in at_once:
        assert not any(wanted.source is Source.OTHER and wanted.required for wanted in BY_NAME[name].inputs)
