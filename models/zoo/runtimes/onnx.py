"""ONNX through onnxruntime; where that is not installed, through OpenCV's `cv2.dnn`, if the network passes the test
whose answers its card holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models.zoo.runtimes import Arrays, MissingRuntimeError, Runnable, named
from models.zoo.selftest import passes

if TYPE_CHECKING:
    from models.zoo.cards import Card

PROVIDERS = {
    "cuda": ("CUDAExecutionProvider", "DmlExecutionProvider"),
    "mps": ("CoreMLExecutionProvider",),
    "xpu": ("OpenVINOExecutionProvider", "DmlExecutionProvider"),
    "cpu": ("OpenVINOExecutionProvider",),
}
"""What onnxruntime may use for a kind of torch device, the best first; it always can use the CPU."""


def load(paths: Sequence[Path], device: str, card: Card) -> list[Runnable]:
    """One session a file. Raises MissingRuntimeError, with the remedy, where nothing here can compute it."""
    graphs = [path for path in paths if path.suffix == ".onnx"]  # others hold the weights of these
    try:
        import onnxruntime  # noqa: F401 - is it there?
    except ImportError:
        return [_through_opencv(path, card) for path in graphs]
    return [OnnxSession(path, device) for path in graphs]


class OnnxSession:
    """A graph in onnxruntime."""

    def __init__(self, path: Path, device: str) -> None:
        import onnxruntime
        import torch

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        kind = device.split(":")[0]
        usable = [name for name in PROVIDERS.get(kind, ()) if name in onnxruntime.get_available_providers()]
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=[*usable[:1], "CPUExecutionProvider"]
        )
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self.outputs = tuple(entry.name for entry in self._session.get_outputs())

    def __call__(self, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float32]]:
        import onnxruntime

        wanted = [name or self.outputs[0] for name in outputs or ("",)]
        try:
            found = self._session.run(wanted, named(inputs, self.inputs))
        except onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException as error:
            if "allocate memory" in str(error).lower() or "out of memory" in str(error).lower():
                raise MemoryError(str(error)) from None
            raise
        return dict(zip(wanted, found, strict=True))


class OpenCVNet:
    """A graph in `cv2.dnn`, on the CPU."""

    def __init__(self, path: Path) -> None:
        import cv2

        self._net: Any = cv2.dnn.readNetFromONNX(str(path))
        self.outputs: tuple[str, ...] = tuple(self._net.getUnconnectedOutLayersNames())
        self.inputs: tuple[str, ...] = ("",)  # cv2.dnn tells no names; "" is its only input

    def __call__(self, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float32]]:
        for name, value in inputs.items():
            self._net.setInput(value, name)
        wanted = [name or self.outputs[0] for name in outputs or ("",)]
        found = dict(zip(self.outputs, self._net.forward(self.outputs), strict=True))  # no fewer than all of them
        return {name: found[name] for name in wanted}


def _through_opencv(path: Path, card: Card) -> OpenCVNet:
    import cv2

    remedy = MissingRuntimeError(
        f"{card.name} needs the package onnxruntime, which is not installed. Install it into Inlay's environment "
        "(pip install onnxruntime), or remove the model."
    )
    if not card.selftest:
        raise remedy
    try:
        net = OpenCVNet(path)
        right = passes(card, net)
    except cv2.error:
        right = False
    if not right:
        raise remedy
    return net
