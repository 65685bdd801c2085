"""The four metrics of semantic segmentation (Long et al. 2015, section 5), from a confusion matrix.

n[i, j] is the number of pixels of class i predicted to be of class j, t[i] = sum_j n[i, j] the number of pixels of
class i. Classes that appear neither in the truth nor in the prediction do not count towards a mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def confusion_matrix(truth: Tensor, predicted: Tensor, classes: int, ignore: int = 255) -> Tensor:
    """How often each class of the truth was answered with each class.

    Args:
        truth: integers of any shape.
        predicted: integers of the truth's shape.
        classes: how many there are.
        ignore: pixels of this number in the truth are left out.

    Returns:
        classes x classes int64 counts, the truth's classes in rows.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {tuple(truth.shape)}, the prediction {tuple(predicted.shape)}")
    known = truth != ignore
    cells = truth[known].long() * classes + predicted[known].long()
    return torch.bincount(cells, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class SegmentationMetrics:
    """All in 0..1."""

    pixel_accuracy: float
    mean_accuracy: float
    mean_iu: float
    frequency_weighted_iu: float

    @classmethod
    def of(cls, confusion: Tensor) -> SegmentationMetrics:
        """From a square confusion matrix with at least one pixel; ValueError without any."""
        n = confusion.double()
        t = n.sum(1)
        if t.sum() == 0:
            raise ValueError("no pixel was counted")
        right = n.diagonal()
        union = t + n.sum(0) - right
        iu = right / union.clamp_min(1)
        accuracy = right / t.clamp_min(1)
        return cls(
            pixel_accuracy=float(right.sum() / t.sum()),
            mean_accuracy=float(accuracy[t > 0].mean()),
            mean_iu=float(iu[union > 0].mean()),
            frequency_weighted_iu=float((t * iu).sum() / t.sum()),
        )
