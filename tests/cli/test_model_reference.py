"""docs/models.md says what the cards say."""

from __future__ import annotations

from backend.cli import model_reference
from models.training.__main__ import COMMANDS
from models.zoo.cards import find_card, names


def test_the_file_is_up_to_date() -> None:
    text = model_reference.FILE.read_text(encoding="utf-8")
    assert text == model_reference.text(), "run python -m backend.cli.model_reference"


def test_every_network_is_in_it_with_its_license_and_the_terms_of_its_data() -> None:
    text = model_reference.text()
    for card in map(find_card, names()):
        section = text.split(f"\n### {card.name}\n")[1].split("\n### ")[0]
        assert card.license in section
        assert " ".join(card.terms.split()).rstrip(".") in section
        assert all(part.sha256 in section for part in card.parts if not card.bundled)
        assert "not said of what" not in section


def test_every_bundled_network_names_a_training_that_there_is() -> None:
    bundled = [name for name in names() if find_card(name).bundled]
    assert {model_reference.COMMANDS.get(name, name) for name in bundled} <= set(COMMANDS)
