"""A mask that goes with images: the option --mask, the mask as a selection, and hints where it looks mistaken."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plugin.client.image import Raster

from ..io import image_files
from ..io.sources import shown
from . import CommandError, Exit

MOSTLY = 0.95
"""A mask that marks more of its image than this is probably inverted."""

HOW = "white marks it, gray marks it in part; of a shape painted in one color on transparency the shape counts"


def add_mask(parser: argparse._ActionsContainer, what: str, flag: str = "--mask") -> None:
    """The option --mask, or another one that takes a mask; `what` says what it marks."""
    parser.add_argument(flag, type=Path, metavar="FILE", help=f"{what}: an image of the same size; {HOW}")


def read(path: Path | None) -> Raster | None:
    """A mask's file as 8-bit gray, None for none; hints go to stderr. Raises CommandError."""
    from backend.io.rasters import as_depth, from_array

    if path is None:
        return None
    values = image_files.gray(image_files.read(path))
    for hint in _hints(values):
        print(f"{shown(path)}: {hint}", file=sys.stderr)
    return from_array(as_depth(values, "u8"))


def fitting(mask: Raster, image: Raster, name: str = "mask", of: str = "image") -> Raster:
    """The mask. Raises CommandError when it has another size than the image."""
    if (mask.width, mask.height) != (image.width, image.height):
        raise CommandError(
            f"the {name} is {mask.width} x {mask.height}, but the {of} {image.width} x {image.height}: "
            "make them the same size",
            Exit.BAD_INPUT,
        )
    return mask


def _hints(values: object) -> list[str]:
    import numpy as np

    array = np.asarray(values)
    if 0 < array.max() <= 2 / 255:
        return ["its values are 0 and 1 of 255, which is next to nothing: multiply a label mask by 255"]
    if MOSTLY < (array > 0.5).mean() < 1:
        return [f"it marks {(array > 0.5).mean():.0%} of the image; if it is inverted, invert it"]
    return []
