"""A mask that goes with pictures: the option --mask, and the mask as a selection."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugin.client.image import Raster

from ..io import image_files
from . import CommandError, Exit


def add_mask(parser: argparse.ArgumentParser, what: str) -> None:
    """The option --mask."""
    parser.add_argument("--mask", type=Path, metavar="FILE", help=f"{what}: white, and of the pictures' size")


def fitting(mask: Raster, picture: Raster, name: str = "mask") -> Raster:
    """A mask as 8-bit gray. Raises CommandError when it has another size than the picture."""
    from backend.io.rasters import as_depth, from_array

    if (mask.width, mask.height) != (picture.width, picture.height):
        raise CommandError(
            f"the {name} is {mask.width} x {mask.height}, but the picture {picture.width} x {picture.height}: "
            "make them the same size",
            Exit.BAD_INPUT,
        )
    return from_array(as_depth(image_files.gray(mask), "u8"))
