"""The table of actions: what dialogs start with."""

from plugin.client.actions import BY_NAME


def test_filling_again_is_another_try_with_seeds_that_were_not_used() -> None:
    action = BY_NAME["fill.selection"]
    first = action.check({"seed": 5, "variants": 3, "grow": 9})
    assert action.following(first) == first | {"seed": 8}
    assert action.following(action.check({"seed": 2**31 - 8}))["seed"] == 0


def test_values_that_give_no_other_try_stay() -> None:
    action = BY_NAME["select.subject"]
    values = action.check({})
    assert action.following(values) == values
