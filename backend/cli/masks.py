"""A mask that goes with images: the option --mask, and the mask as a selection; other files that go with all images."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plugin.client.image import Raster

from ..io import image_files
from ..io.sources import shown
from . import CommandError, Exit

HOW = "white marks it, gray marks it in part; of a shape painted in one color on transparency the shape counts"


def add_mask(parser: argparse._ActionsContainer, what: str, flag: str = "--mask") -> None:
    """The option --mask, or another one that takes a mask; `what` says what it marks."""
    parser.add_argument(flag, type=Path, metavar="FILE", help=f"{what}: an image of the same size; {HOW}")


def read(path: Path | None) -> Raster | None:
    """A mask's file as 8-bit gray, None for none. Raises CommandError."""
    from backend.io.rasters import as_depth, from_array, mask_values

    if path is None:
        return None
    return from_array(as_depth(mask_values(load(path)), "u8"))


def load(path: Path) -> Raster:
    """A file that goes with all images; what is to be said of it is said. Raises CommandError."""
    file = image_files.load(path)
    for note in file.notes:
        print(f"{shown(path)}: {note}", file=sys.stderr)
    return file.raster


def fitting(mask: Raster, image: Raster, name: str = "mask", of: str = "image") -> Raster:
    """The mask. Raises CommandError when it has another size than the image."""
    if (mask.width, mask.height) != (image.width, image.height):
        raise CommandError(
            f"the {name} is {mask.width} x {mask.height}, but the {of} {image.width} x {image.height}: "
            "make them the same size",
            Exit.BAD_INPUT,
        )
    return mask
