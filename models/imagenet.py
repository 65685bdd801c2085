"""How networks that were trained on ImageNet want their images: normalized by the data set's mean and deviation.

Imports neither torch nor numpy by itself, since model cards are read where neither is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""By channel of RGB 0..1."""


def normalize(image: Tensor) -> Tensor:
    """B x 3 x H x W (or 3 x H x W), RGB 0..1, normalized, on its own device."""
    import torch

    mean, std = (torch.tensor(values, dtype=image.dtype)[:, None, None].to(image.device) for values in (MEAN, STD))
    return (image - mean) / std


def normalize_pixels(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """H x W x 3, uint8 RGB, to normalized floats."""
    import numpy as np

    mean, std = (np.asarray(values, np.float32) for values in (MEAN, STD))
    return np.asarray((rgb.astype(np.float32) / np.float32(255) - mean) / std)
