"""Every contract is read as when its reference output was written, and other channels or ranges would be noticed."""

from __future__ import annotations

from typing import Any

import pytest

from models.zoo.cards import find_card, names
from tests.golden import contracts, references


def differences(name: str, **changes: Any) -> list[str]:
    found = contracts.outputs(name, **changes)
    return references.differences(f"contract-{name}", found, worst=contracts.WORST, mean=contracts.MEAN)


@pytest.mark.parametrize("name", contracts.contracted())
def test_a_contract_is_read_as_it_was(name: str) -> None:
    assert not differences(name)


@pytest.mark.parametrize("name", contracts.contracted())
def test_swapped_channels_would_be_noticed(name: str) -> None:
    assert differences(name, order="BGR")


@pytest.mark.parametrize("name", contracts.contracted())
def test_another_range_would_be_noticed(name: str) -> None:
    contract = find_card(name).contract
    assert contract is not None
    assert differences(name, white=0.5 * contract.white)


@pytest.mark.parametrize("name", [n for n in contracts.contracted() if find_card(n).role == "inpainting"])
def test_a_swapped_hole_would_be_noticed(name: str) -> None:
    contract: Any = find_card(name).contract
    assert differences(name, hole=contract.mask_white - contract.hole)
    assert differences(name, answer_white=2 * contract.answer_white)


@pytest.mark.parametrize("name", [n for n in contracts.contracted() if find_card(n).role == "object"])
def test_swapped_points_would_be_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "POINTS", contracts.POINTS[:, ::-1] * 2)
    assert any("points" in line for line in differences(name))


def test_networks_of_one_publisher_have_one_contract() -> None:
    first, *others = (card.contract for card in map(find_card, names()) if card.role == "classes")
    assert others and all(other == first for other in others)
