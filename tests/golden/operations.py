"""What each operation makes of its example job (tests/jobs.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch

from backend.imaging.arrays import FloatArray
from backend.io.rasters import samples
from backend.operations import OPERATIONS, Context, find
from tests.golden.references import EXACT, small
from tests.jobs import example, keep_custom_style

WIDTH = 160  # px, of the example's images
WITHOUT_IMAGES = {"style.train", "style.training", "style.customs"}
"""Operations that make no image: they start or tell of a training, or there is none."""

SEARCHING = {"fill.selection", "fill.subject", "fill.object", "fill.other_people", "fill.objects"}
"""Operations that search for patches at random: a rounding that differs may lead elsewhere."""

ITERATING = {"style.gatys"}
"""Operations that minimize step by step: a rounding that differs grows."""


def names() -> list[str]:
    """The operations with a reference output."""
    return [name for name in OPERATIONS if name not in WITHOUT_IMAGES]


def tolerances(name: str) -> tuple[float, float]:
    """The largest and the mean difference allowed, as shares of the range of an output's small copy."""
    if name in SEARCHING:
        return 0.4, 0.02
    return (0.1, 0.01) if name in ITERATING else (0.05, 0.004)


@contextmanager
def _single_precision() -> Iterator[None]:
    """Networks run as on processors without matrix units for bfloat16, wherever the tests run."""
    with patch.object(torch.cpu, "_is_amx_tile_supported", lambda: False, create=True):
        yield


def outputs(name: str) -> dict[str, FloatArray]:
    """Of the operation's example: by number and kind its box (x, y, width, height) and its samples, 0..1, averaged
    down."""
    context, job = Context(), example(name, WIDTH)
    if "name" in job.parameters:
        keep_custom_style(context)
    found: dict[str, FloatArray] = {}
    with _single_precision():
        made = find(name)(job, context)
    for number, output in enumerate(made):
        raster = output.raster
        values = samples(raster)
        unit = 255.0 if values.dtype == np.uint8 else 65535.0 if values.dtype == np.uint16 else 1.0
        key = f"{number} {output.kind.value} {raster.format.channels} {raster.format.depth}"
        found[key] = small(values.astype(np.float32).transpose(2, 0, 1) / np.float32(unit))
        found[f"{number}{EXACT}"] = np.array([[raster.x, raster.y, raster.width, raster.height]], np.float32)
    return found
