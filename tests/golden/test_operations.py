"""Every operation makes of its example what it made when its reference output was written."""

from __future__ import annotations

import pytest

from tests.golden import operations, references


@pytest.mark.parametrize("name", operations.names())
def test_an_operation_makes_what_it_made(name: str) -> None:
    worst, mean = operations.tolerances(name)
    found = references.differences(f"operation-{name}", operations.outputs(name), worst=worst, mean=mean)
    assert not found, "\n".join(found) + f"\nif that is meant: python -m tests.golden.regenerate operation-{name}"


def test_references_are_of_the_operations_there_are() -> None:
    wanted = {f"operation-{name}" for name in operations.names()}
    assert {path.stem for path in references.FOLDER.glob("operation-*.npz")} == wanted
