"""How a trained network becomes a part of the project: its weights and its card, side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

from models.zoo import cards, store
from models.zoo.download import sha256_of


def publish(weights: Path, name: str, card: str, **facts: object) -> str:
    """Copy `weights` to models/zoo/weights and write the card of NAME to models/zoo/cards; returns the card as text.

    card: the text with its gaps: file, sha256 and size, which are found here, and those of the `facts`.
    """
    target = store.WEIGHTS / f"{name}.safetensors"
    shutil.copyfile(weights, target)
    text = card.format(file=target.name, sha256=sha256_of(target), size=target.stat().st_size, **facts)
    (cards.FOLDER / f"{name}.toml").write_text(text, encoding="utf-8")
    return text
