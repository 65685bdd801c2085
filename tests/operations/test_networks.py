"""Networks that may be missing; the precision that a device calls for."""

from __future__ import annotations

import pytest
import torch

from backend.operations.networks import precision


def test_bfloat16_is_for_processors_with_matrix_units_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    expected = torch.bfloat16 if torch.backends.mkldnn.is_available() else torch.float32
    assert precision("cpu") == expected
    assert precision("cuda:0") == precision("mps") == torch.float32
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert precision("cpu") == torch.float32
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert precision("cpu") == torch.float32
