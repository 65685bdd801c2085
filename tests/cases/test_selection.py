"""Scenarios from bug reports, from end to end: what is seen through a ring is not selected."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.cli import Exit
from backend.cli.main import main


@pytest.mark.parametrize("color", [(212, 163, 58), (200, 40, 40)])
def test_a_ring_is_selected_without_what_is_inside_it(color: tuple[int, int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grass = cv2.GaussianBlur(rng.normal(0, 60, (240, 360)).astype(np.float32), (0, 0), 1.2)
    pixels = np.clip(grass[..., None] + [60, 130, 40], 0, 255).astype(np.uint8)
    ring = np.zeros((240, 360), np.uint8)
    cv2.ellipse(ring, (180, 120), (95, 62), 0, 0, 360, 255, 26)
    pixels[ring > 0] = color
    Image.fromarray(pixels).save(tmp_path / "in.png")
    assert main(["select", str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), "--in-process"]) == Exit.DONE
    with Image.open(tmp_path / "out.png") as image:
        found = np.asarray(image) > 127
    assert not found[120, 180]
    assert (found & (ring > 0)).sum() / (found | (ring > 0)).sum() > 0.9
