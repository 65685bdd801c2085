"""Aliases of array types, for annotations. What the values mean is said where an alias is used.

Images are H x W x C, masks H x W. NumPy's types say nothing of the shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
"""Samples of any type: an image as an editor has it, in 8 or 16 bits or floating point."""

FloatArray = NDArray[np.float32]
"""Mostly 0..1."""

UInt8Array = NDArray[np.uint8]
"""0..255; of a mask, 0 outside and 255 inside."""

BoolArray = NDArray[np.bool_]
"""A mask with a hard edge."""

IndexArray = NDArray[np.int64]
"""Indices of pixels, tiles or other things."""
