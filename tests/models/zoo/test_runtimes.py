"""What computes networks of other formats: onnxruntime, OpenCV where its self-test passes, ncnn's files in torch."""

from __future__ import annotations

import builtins
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.zoo import runtimes, selftest
from models.zoo.cards import Card, find_card
from models.zoo.contracts import ContractError, MapContract, PromptContract, read_contract
from models.zoo.runtimes import MissingRuntimeError, ncnn
from models.zoo.runtimes.onnx import OnnxSession, OpenCVNet
from tests.golden.contracts import GRAPH
from tests.models.zoo.onnx_files import map_network


@pytest.fixture
def network(tmp_path: Path) -> tuple[Card, Path]:
    """A small network with the contract of u2netp."""
    card = find_card("u2netp")
    assert isinstance(card.contract, MapContract)
    return card, map_network(tmp_path / "u2netp.onnx", card.contract, 1)


@pytest.fixture
def without_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def refusing(name: str, *rest: Any, **named: Any) -> Any:
        if name.split(".")[0] == "onnxruntime":
            raise ImportError(name)
        return whole(name, *rest, **named)

    for name in [name for name in sys.modules if name.split(".")[0] == "onnxruntime"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refusing)


def test_both_compute_the_same(network: tuple[Card, Path]) -> None:
    _, path = network
    image = np.random.default_rng(0).normal(size=(1, 3, 320, 320)).astype(np.float32)
    first = OnnxSession(path, "cpu")({"": image}, ("1959",))["1959"]
    other = OpenCVNet(path)({"": image}, ("1959",))["1959"]
    assert first.shape == (1, 1, 320, 320)
    assert np.ptp(first) > 0.5
    np.testing.assert_allclose(first, other, atol=1e-4)


@pytest.mark.usefixtures("without_onnxruntime")
def test_without_onnxruntime_a_network_that_nobody_has_tested_is_refused(network: tuple[Card, Path]) -> None:
    card, path = network
    with pytest.raises(MissingRuntimeError, match="pip install onnxruntime"):
        runtimes.load(card, [path], "cpu")


def test_without_onnxruntime_opencv_computes_what_passes_its_test(
    network: tuple[Card, Path], request: pytest.FixtureRequest
) -> None:
    card, path = network
    tested = replace(card, selftest=tuple(selftest.answers(card, OnnxSession(path, "cpu"))))
    request.getfixturevalue("without_onnxruntime")
    (net,) = runtimes.load(tested, [path], "cpu")
    assert isinstance(net, OpenCVNet)
    wrong = replace(card, selftest=tuple(1 - value for value in tested.selftest))
    with pytest.raises(MissingRuntimeError):
        runtimes.load(wrong, [path], "cpu")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MissingRuntimeError):
        runtimes.load(tested, [path], "cpu")


def test_memory_that_is_short_is_told_as_such(network: tuple[Card, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

    net = OnnxSession(network[1], "cpu")

    class Short:
        def run(self, *_: Any) -> None:
            raise RuntimeException("Failed to allocate memory for requested buffer of size 9")

    monkeypatch.setattr(net, "_session", Short())
    with pytest.raises(MemoryError):
        net({"": np.zeros((1, 3, 320, 320), np.float32)})


def test_a_graph_of_ncnn_is_what_torch_computes(tmp_path: Path) -> None:
    text = """7767517
8 9
Input in 0 1 x
Split s 1 2 x x0 x1
Convolution a 1 1 x0 a 0=3 1=3 2=2 4=2 5=1 6=81 9=1
Pooling p 1 1 a p 1=2 2=2
Interp i 1 1 p i 0=2 3=9 4=9
BinaryOp b 2 1 i x1 b
Concat c 2 1 b b2 c
Sigmoid d 1 1 c y
""".replace("BinaryOp b 2 1 i x1 b\n", "BinaryOp b 2 1 i x1 sum\nSplit t 1 2 sum b b2\n")
    generator = torch.Generator().manual_seed(0)
    kernel, bias = torch.randn(3, 3, 3, 3, generator=generator), torch.randn(3, generator=generator)
    graph, weights = tmp_path / "net.param", tmp_path / "net.bin"
    graph.write_text(text)
    weights.write_bytes(bytes(4) + kernel.numpy().tobytes() + bias.numpy().tobytes())
    x = torch.randn(1, 3, 9, 9, generator=generator)
    convolved = F.conv2d(x, kernel, bias, padding=2, dilation=2).relu()
    total = F.interpolate(F.max_pool2d(convolved, 2, 2, ceil_mode=True), size=(9, 9), mode="bilinear") + x
    net = ncnn.NcnnNet(graph, weights, "cpu")
    assert (net.inputs, net.outputs) == (("x",), ("y",))
    np.testing.assert_allclose(net({"": x.numpy()})["y"], torch.cat([total, total], 1).sigmoid().numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1234\n1 1\n", "no graph"),
        (GRAPH.replace("Convolution", "LSTM"), "LSTM is not computed"),
        (GRAPH.replace("0=2 ", "0=3 ").replace("6=54", "6=81"), "the file"),
    ],
)
def test_other_graphs_are_refused(tmp_path: Path, text: str, message: str) -> None:
    graph, weights = tmp_path / "net.param", tmp_path / "net.bin"
    graph.write_text(text)
    weights.write_bytes(bytes(1000))
    with pytest.raises(ValueError, match=message):
        ncnn.NcnnNet(graph, weights, "cpu")


def test_answers_that_are_not_of_the_contract_are_refused() -> None:
    contract = MapContract(8, channels=(1,))
    with pytest.raises(ContractError, match="four dimensions"):
        contract.probability(np.zeros((8, 8), np.float32))
    with pytest.raises(ContractError, match="plane 1 is expected"):
        contract.probability(np.zeros((1, 1, 8, 8), np.float32))
    with pytest.raises(ContractError, match="not a number"):
        contract.probability(np.full((1, 2, 8, 8), np.nan, np.float32))
    with pytest.raises(ContractError, match="no points on the background"):
        PromptContract(8, negatives=False).prompt(
            np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32), None, (8, 8)
        )


def test_prompts_are_points_with_labels_and_a_box_by_its_corners() -> None:
    contract = read_contract({"kind": "prompt", "size": 64, "mask_input": "mask_input", "size_input": "size"})
    assert isinstance(contract, PromptContract)
    points = np.array([[3, 4]], np.float32)
    both = contract.prompt(points, points + 1, (1, 2, 30, 40), (48, 64))
    assert both["point_coords"].tolist() == [[[3, 4], [4, 5], [1, 2], [30, 40]]]
    assert both["point_labels"].tolist() == [[1, 0, 2, 3]]
    assert both["has_mask_input"].tolist() == [0] and both["size"].tolist() == [48, 64]
    alone = contract.prompt(points, points[:0], None, (48, 64))
    assert alone["point_labels"].tolist() == [[1, -1]], "a point that means nothing, as there is no box"


@pytest.mark.parametrize(
    ("resize", "size", "wanted"),
    [("squash", 320, (320, 320)), ("long_side", 1024, (1024, 704)), ("short_side", 512, (736, 512))],
)
def test_an_image_is_fitted_as_the_contract_says(resize: str, size: int, wanted: tuple[int, int]) -> None:
    contract = MapContract(size, resize=resize, multiple=1 if resize == "squash" else 32)
    assert contract.fitted(3000, 2080) == wanted
    assert contract.tensor(np.zeros((*wanted, 3), np.float32)).shape == (1, 3, *wanted)
