"""A network of PyTorch's for prompts in the two parts of its contract: an encoder of images, a decoder of prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.papers.mobile_sam import MobileSam
from models.zoo.contracts import PromptContract
from models.zoo.runtimes import Arrays

EMBEDDING = "embedding"


class TorchPart:
    """A function of tensors that is called like the networks of the other runtimes."""

    def __init__(
        self, function: Callable[..., Any], inputs: Sequence[str], outputs: Sequence[str], device: torch.device | str
    ) -> None:
        self._function, self._device = function, device
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)

    @torch.inference_mode()
    def __call__(self, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float32]]:
        answer = self._function(*(torch.from_numpy(inputs[name]).to(self._device) for name in self.inputs))
        tensors = answer if isinstance(answer, tuple) else (answer,)
        found = {name: value.float().cpu().numpy() for name, value in zip(self.outputs, tensors, strict=True)}
        return {name: found[name] for name in outputs or self.outputs}


def parts(net: MobileSam, contract: PromptContract, device: torch.device | str) -> tuple[TorchPart, TorchPart]:
    """The encoder and the decoder, with the names of the contract."""
    asked = (EMBEDDING, contract.points, contract.labels, contract.size_input)
    return (
        TorchPart(net.encode, (contract.input,), (EMBEDDING,), device),
        TorchPart(net.decode, asked, (contract.masks, contract.scores), device),
    )
