"""A style network with random weights, for tests of what is done with one."""

from __future__ import annotations

from typing import Any

import torch

from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.style.network import NAME
from models.networks.transformer_net import TransformerNet, TransformerNetConfig
from models.zoo.style_presets import PHOTOGRAPH, PRESETS


def small_network() -> TransformerNet:
    """All presets, every one of them another; quick."""
    torch.manual_seed(0)
    net = TransformerNet(TransformerNetConfig((PHOTOGRAPH, *PRESETS), 4, 1)).requires_grad_(False).eval()
    net.codes[1:] += 0.4 * torch.randn(net.codes[1:].shape)
    return net


def painting(**changes: Any) -> Context:
    """A context whose worker has loaded that network."""
    return Context(cache={cache_key(NAME): Network(small_network(), None)}, **changes)
