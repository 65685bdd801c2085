"""A job in the command line's own process ends as it would behind the broker."""

from __future__ import annotations

import pytest

from backend.cli import CommandError, Exit
from backend.cli.runner import InProcess
from plugin.client.actions import Value
from tests.backends import identity


@pytest.mark.parametrize(
    ("parameters", "inputs", "code", "words"),
    [
        ({"fault": "error"}, True, Exit.JOB_FAILED, "the fault that was asked for.* fault in Inlay"),
        ({"fault": "memory"}, True, Exit.JOB_FAILED, "not enough memory"),
        ({"seconds": -1.0}, True, Exit.USAGE, "between 0 and 600"),
        ({}, False, Exit.BAD_INPUT, "missing"),
    ],
)
def test_what_fails_has_the_workers_message_and_its_exit_code(
    parameters: dict[str, Value], inputs: bool, code: Exit, words: str
) -> None:
    images = identity().inputs if inputs else {}
    with pytest.raises(CommandError, match=words) as raised:
        InProcess().run("diagnose.identity", parameters, images, lambda fraction, message: None)
    assert raised.value.code == code


def test_memory_that_is_short_is_stepped_down_and_noted() -> None:
    result = InProcess().run("diagnose.identity", {"fault": "tight"}, identity().inputs, lambda fraction, message: None)
    assert "Memory was short" in result.notes[0]
