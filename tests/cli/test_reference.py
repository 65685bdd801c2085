"""docs/actions.md says what the table of actions says."""

from __future__ import annotations

from backend.cli import reference
from plugin.client.actions import ACTIONS


def test_the_file_is_up_to_date() -> None:
    assert reference.FILE.read_text(encoding="utf-8") == reference.text(), "run python -m backend.cli.reference"


def test_every_visible_action_and_setting_is_in_it() -> None:
    text = reference.text()
    for action in ACTIONS:
        assert (f"`{action.procedure}`" in text) == (not action.hidden)
        if not action.hidden:
            assert all(f"(`{parameter.name}`)" in text for parameter in action.parameters)
