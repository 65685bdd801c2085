"""Every bundled network says what it said when its reference output was written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.golden import networks, references


@pytest.mark.parametrize("name", networks.bundled())
def test_a_bundled_network_says_what_it_said(name: str) -> None:
    assert name in networks.CASES, f"say in tests/golden/networks.py what {name} is asked"
    found = references.differences(f"network-{name}", networks.outputs(name), worst=networks.WORST, mean=networks.MEAN)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", networks.CASES)
def test_other_weights_would_be_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load, noise = networks.store.load, torch.Generator().manual_seed(0)

    def changed(name: str) -> tuple[object, object]:
        net, card = load(name)
        for parameter in net.parameters():
            parameter.add_(0.1 * parameter.std(correction=0) * torch.randn(parameter.shape, generator=noise))
        return net, card

    monkeypatch.setattr(networks.store, "load", changed)
    assert references.differences(f"network-{name}", networks.outputs(name), worst=networks.WORST, mean=networks.MEAN)


def test_a_difference_is_told_with_its_size(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"python -m tests\.golden\.regenerate some"):
        references.read("some")
    ramp = np.linspace(0, 1, 60, dtype=np.float32).reshape(1, 6, 10)
    references.write("some", {"a": ramp})
    assert references.differences("some", {"a": ramp + 0.005}, worst=0.01, mean=0.01) == []
    assert "0.0200 in the mean" not in str(references.differences("some", {"a": ramp}, worst=0, mean=1))
    assert "differs by up to 0.1" in references.differences("some", {"a": ramp + 0.1}, worst=0.01, mean=0.01)[0]
    assert "the reference ['a']" in references.differences("some", {"b": ramp}, worst=0.01, mean=0.01)[0]
    assert "shape" in references.differences("some", {"a": ramp[:, 1:]}, worst=0.01, mean=0.01)[0]
    assert references.differences("some", {"a": ramp * np.float32(np.nan)}, worst=0.01, mean=0.01)
