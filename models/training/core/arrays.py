"""Aliases of array types, for annotations. Images are H x W x C, masks H x W."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
"""Mostly 0..1."""

UInt8Array = NDArray[np.uint8]
"""0..255; of a mask, 0 outside and 255 inside."""

BoolArray = NDArray[np.bool_]
"""A mask with a hard edge."""
