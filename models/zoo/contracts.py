"""Contracts: what a network that others have made takes and gives, so that one piece of code serves all of a kind.

A card's table `contract` says it. Four kinds: `map` (an image in, probabilities out), `prompt` (an encoder, and a
decoder of points and boxes), `inpaint` (an image and its hole in, an image out), `instances` (objects one by one).
Images are H x W x 3 RGB float32, 0..1; arrays are numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]


class ContractError(ValueError):
    """A contract that says something that cannot be, or a network that does not keep to its own."""


@dataclass(frozen=True)
class Contract:
    """How an image goes into a network.

    `resize` is squash (to `size` x `size`, whatever its shape), long_side or short_side (that side becomes `size`, each
    a multiple of `multiple`, the shape kept). `white` is what white is in the network's numbers, before `mean` is taken
    away and the rest divided by `std`.
    """

    size: int
    input: str = ""  # name; empty: the network's first
    output: str = ""  # likewise
    resize: str = "squash"
    multiple: int = 1
    layout: str = "NCHW"
    order: str = "RGB"
    white: float = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    dtype: str = "float32"

    def __post_init__(self) -> None:
        choices = {
            "resize": ("squash", "long_side", "short_side"),
            "layout": ("NCHW", "NHWC", "HWC"),
            "order": ("RGB", "BGR"),
            "dtype": ("float32", "uint8"),
        }
        for name, known in choices.items():
            if (value := getattr(self, name)) not in known:
                raise ContractError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        if self.size < 1 or self.multiple < 1 or len(self.mean) != 3 or len(self.std) != 3 or 0 in self.std:
            raise ContractError("size and multiple are at least 1; mean and std have three numbers, no std is 0")

    def fitted(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at which the network sees an image of that size."""
        if self.resize == "squash":
            return self.size, self.size
        side = max(height, width) if self.resize == "long_side" else min(height, width)
        shrink, step = self.size / side, self.multiple
        sides = (max(step, round(n * shrink) // step * step) for n in (height, width))
        return next(sides), next(sides)

    def tensor(self, image: FloatArray) -> AnyArray:
        """An image at a fitted size, as the network takes it."""
        values: AnyArray = np.float32(self.white) * (image[..., ::-1] if self.order == "BGR" else image)
        values = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        if self.layout == "NCHW":
            values = values.transpose(2, 0, 1)
        if self.layout != "HWC":
            values = values[None]
        if self.dtype == "uint8":
            values = np.rint(values).clip(0, 255)
        return np.ascontiguousarray(values, self.dtype)


@dataclass(frozen=True)
class MapContract(Contract):
    """Probabilities: one plane, or a plane a class.

    `activation` is what makes probabilities of the output: none, sigmoid or softmax. `channels` are summed to one map;
    without any all planes are classes.
    """

    activation: str = "none"
    channels: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in ("none", "sigmoid", "softmax"):
            raise ContractError(f"activation must be none, sigmoid or softmax, not {self.activation!r}")

    def probability(self, output: AnyArray) -> FloatArray:
        """The map h x w, or h x w x classes, 0..1, of what the network answered, 1 x C x h x w (NHWC: 1 x h x w x C).

        Raises ContractError where that has another shape, or is not a number.
        """
        values = np.asarray(output, np.float32)
        if values.ndim != 4 or len(values) != 1:
            raise ContractError(f"the answer has the shape {values.shape}, four dimensions of one image are expected")
        planes = values[0] if self.layout == "NHWC" else values[0].transpose(1, 2, 0)
        if not np.isfinite(planes).all():
            raise ContractError("the answer is not a number")
        if self.activation == "sigmoid":
            planes = 1 / (1 + np.exp(-planes.clip(-60, 60)))
        elif self.activation == "softmax":
            planes = np.exp(planes - planes.max(2, keepdims=True))
            planes = planes / planes.sum(2, keepdims=True)
        if self.channels:
            if max(self.channels) >= planes.shape[2]:
                raise ContractError(f"the answer has {planes.shape[2]} planes, plane {max(self.channels)} is expected")
            planes = planes[..., list(self.channels)].sum(2)
        return np.ascontiguousarray(planes.clip(0, 1), np.float32)


@dataclass(frozen=True)
class PromptContract(Contract):
    """Masks by points and a box: an image is encoded once, its embedding and a prompt go to the decoder.

    Points are in pixels of the fitted image. A box is two points with labels 2 and 3, or, with `box_input`, an input of
    its own. `padding` is the label of a point that means nothing.
    """

    points: str = "point_coords"
    labels: str = "point_labels"
    box_input: str = ""
    labels_dtype: str = "float32"
    point_dims: int = 3  # 3: 1 x N x 2; 4: 1 x 1 x N x 2
    negatives: bool = True
    padding: int = -1
    size_input: str = ""
    size_dtype: str = "float32"
    mask_input: str = ""  # with has_mask_input: a mask of before, 256 a side
    masks: str = "masks"
    scores: str = "iou_predictions"

    def prompt(
        self,
        positive: FloatArray,
        negative: FloatArray,
        box: tuple[float, float, float, float] | None,
        size: tuple[int, int],
    ) -> dict[str, AnyArray]:
        """The decoder's inputs beside the embedding.

        positive, negative: N x 2 points, x and y; box: left, top, right, bottom; size: height and width, all in pixels
        of the fitted image. Raises ContractError for negative points where the network knows none.
        """
        if len(negative) and not self.negatives:
            raise ContractError("this network takes no points on the background")
        points, labels = [*positive, *negative], [1] * len(positive) + [0] * len(negative)
        if box is not None and not self.box_input:
            points, labels = [*points, np.array(box[:2]), np.array(box[2:])], [*labels, 2, 3]
        elif box is None or not points:
            points, labels = [*points, np.zeros(2)], [*labels, self.padding]
        at = np.array(points, np.float32)[None]
        named = np.array(labels, self.labels_dtype)[None]
        inputs: dict[str, AnyArray] = {
            self.points: at if self.point_dims == 3 else at[None],
            self.labels: named if self.point_dims == 3 else named[None],
        }
        if self.box_input:
            inputs[self.box_input] = np.array([[box] if box else []], np.float32).reshape(1, -1, 4)
        if self.size_input:
            inputs[self.size_input] = np.array(size, self.size_dtype)
        if self.mask_input:
            inputs[self.mask_input] = np.zeros((1, 1, 256, 256), np.float32)
            inputs[f"has_{self.mask_input}"] = np.zeros(1, np.float32)
        return inputs

    def probability(self, answer: Mapping[str, AnyArray]) -> FloatArray:
        """The likeliest of the masks, h x w, 0..1: the one that the network expects the best IoU of.

        Raises ContractError where the masks and their scores do not fit.
        """
        masks = np.asarray(answer[self.masks], np.float32)
        scores = np.asarray(answer[self.scores], np.float32).ravel()
        planes = masks.reshape(-1, *masks.shape[-2:])
        if len(planes) != len(scores) or not np.isfinite(planes).all():
            raise ContractError(f"the answer has {len(planes)} masks and {len(scores)} scores, or is not a number")
        best: FloatArray = 1 / (1 + np.exp(-planes[int(scores.argmax())].clip(-60, 60)))
        return np.asarray(best, np.float32)


@dataclass(frozen=True)
class InpaintContract(Contract):
    """A hole filled: `hole` is what the mask says in the hole (elsewhere the other of 0 and `mask_white`)."""

    mask: str = "mask"
    hole: float = 1.0
    mask_white: float = 1.0
    answer_white: float = 1.0  # what white is in the answer

    def mask_tensor(self, hole: npt.NDArray[np.bool_]) -> AnyArray:
        """The hole, h x w, as the network takes it, 1 x 1 x h x w."""
        known = self.mask_white - self.hole
        return np.where(hole, self.hole, known).astype(self.dtype)[None, None]

    def image(self, answer: AnyArray) -> FloatArray:
        """What the network answered, 1 x 3 x h x w, as h x w x 3 RGB, 0..1. Raises ContractError for another shape."""
        values = np.asarray(answer, np.float32)
        if values.ndim != 4 or values.shape[:2] != (1, 3) or not np.isfinite(values).all():
            raise ContractError(f"the answer has the shape {values.shape}, 1 x 3 x h x w is expected")
        found = values[0].transpose(1, 2, 0) / self.answer_white
        return np.ascontiguousarray((found[..., ::-1] if self.order == "BGR" else found).clip(0, 1))


@dataclass(frozen=True)
class InstanceContract(Contract):
    """Objects one by one: boxes, labels, scores and soft masks of torchvision's detectors, by these names."""


KINDS: dict[str, type[Contract]] = {
    "map": MapContract, "prompt": PromptContract, "inpaint": InpaintContract, "instances": InstanceContract,
}  # fmt: skip


def read_contract(table: Mapping[str, Any]) -> Contract:
    """The contract in a card's table. Raises ContractError for an unknown kind, unknown, missing or wrong entries."""
    entries = dict(table)
    kind = entries.pop("kind", None)
    if kind not in KINDS:
        raise ContractError(f"contract: kind must be one of {', '.join(KINDS)}, not {kind!r}")
    known = {entry.name for entry in fields(KINDS[kind])}
    if unknown := set(entries) - known:
        raise ContractError(f"contract: unknown entries {', '.join(sorted(unknown))}")
    entries = {key: tuple(value) if isinstance(value, list) else value for key, value in entries.items()}
    try:
        contract = KINDS[kind](**entries)
    except TypeError as error:
        raise ContractError(f"contract: {error}") from None
    if not math.isfinite(contract.white):
        raise ContractError("contract: white must be a number")
    return contract
