"""Networks that an operation can do without, and the precision in which networks run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import Context

if TYPE_CHECKING:
    import torch


def find_network(name: str, context: Context) -> tuple[Any, int] | None:
    """The network of a card and the side in pixels that it is to see, kept in the context's cache; None where its
    weights are not on this machine. Raises WeightsError when they are damaged."""
    if name not in context.cache:
        from models.zoo import store

        try:
            found = store.locate(store.find_card(name)) is not None
        except store.CardError:
            found = False
        context.cache[name] = store.load(name, context.device) if found else None
    if context.cache[name] is None:
        return None
    net, card = context.cache[name]
    return net, card.input_size


def precision(device: str) -> torch.dtype:
    """What a network's convolutions are quickest in on a torch device with next to the same result: bfloat16 on a
    processor with matrix units for it (Intel's AMX: four to ten times as quick), float32 elsewhere."""
    import torch

    onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch has no types for it
    if torch.device(device).type != "cpu" or not onednn:
        return torch.float32
    has_matrix_units = getattr(torch.cpu, "_is_amx_tile_supported", None)  # not in every torch
    return torch.bfloat16 if has_matrix_units is not None and has_matrix_units() else torch.float32
