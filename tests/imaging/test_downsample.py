"""Small copies of large images."""

from __future__ import annotations

import numpy as np
import pytest

from backend.imaging.downsample import reduced


@pytest.mark.parametrize("shape", [(1200, 1600, 3), (801, 1203, 3), (900, 700)])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_a_ramp_stays_a_ramp(shape: tuple[int, ...], kind: str) -> None:
    top = 1.0 if kind == "float32" else np.iinfo(kind).max
    ramp = np.linspace(0, top, shape[1], dtype=np.float64)
    image = np.broadcast_to(ramp[:, None] if len(shape) == 3 else ramp, shape).astype(kind)
    small = reduced(image, (160, 120))
    assert (small.shape[:2], small.dtype) == ((120, 160), image.dtype)
    line = small.reshape(120, 160, -1)[60, :, 0] / top
    np.testing.assert_allclose(line, (np.arange(160) + 0.5) / 160, atol=0.006)


def test_no_copy_at_the_same_size() -> None:
    image = np.zeros((30, 40, 3), np.uint8)
    assert reduced(image, (40, 30)) is image
