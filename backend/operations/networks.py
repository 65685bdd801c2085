"""Networks that an operation can do without."""

from __future__ import annotations

from typing import Any

from . import Context


def find_network(name: str, context: Context) -> tuple[Any, int] | None:
    """The network of a card and the side in pixels that it is to see, kept in the context's cache; None where its
    weights are not on this machine. Raises WeightsError when they are damaged."""
    if name not in context.cache:
        from models import store

        try:
            found = store.locate(store.find_card(name)) is not None
        except store.CardError:
            found = False
        context.cache[name] = store.load(name, context.device) if found else None
    if context.cache[name] is None:
        return None
    net, card = context.cache[name]
    return net, card.input_size
