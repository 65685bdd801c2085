"""Whether a runtime computes a network rightly: what it answers to an image made by a formula, beside the answers in
its card, which were computed with the runtime of reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.zoo.contracts import FloatArray, MapContract
from models.zoo.runtimes import Runnable

if TYPE_CHECKING:
    from models.zoo.cards import Card

SIDE = 4  # blocks a side whose means are compared
TOLERANCE = 0.02  # of a probability


def example(height: int, width: int) -> FloatArray:
    """A bright disc with stripes on a darker slope, H x W x 3, 0..1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, x / width
    disc = (x - 0.55) ** 2 + (y - 0.5) ** 2 < 0.07
    ground = np.stack([0.15 + 0.25 * x, 0.3 + 0.2 * y, 0.5 - 0.2 * x], 2)
    thing = np.stack([0.9 - 0.1 * y, 0.55 + 0.25 * (np.sin(40 * x) > 0), 0.15 + 0.1 * x], 2)
    return np.where(disc[..., None], thing, ground).astype(np.float32)


def answers(card: Card, net: Runnable) -> list[float]:
    """The means of SIDE x SIDE blocks of the network's map of the image, rounded as cards hold them."""
    contract = card.contract
    assert isinstance(contract, MapContract)
    image = example(*contract.fitted(contract.size, contract.size))
    found = contract.probability(net({contract.input: contract.tensor(image)}, (contract.output,)).popitem()[1])
    edges = [np.linspace(0, n, SIDE + 1).astype(int) for n in found.shape[:2]]
    return [
        round(float(found[top:bottom, left:right].mean()), 4)
        for top, bottom in zip(edges[0], edges[0][1:], strict=False)
        for left, right in zip(edges[1], edges[1][1:], strict=False)
    ]


def passes(card: Card, net: Runnable) -> bool:
    """Whether the answers are those of the card, but for rounding."""
    found = np.array(answers(card, net))
    return found.shape == np.shape(card.selftest) and bool(np.abs(found - np.array(card.selftest)).max() <= TOLERANCE)
