"""Image files to and from `Raster`s: orientation, depth, alpha, color profile and metadata are kept.

Formats are told by content (`formats`); bytes come from and go to files without loss (`sources`, `safe_write`). PNG
and TIFF have modules of their own, everything else goes through Pillow. What is kept of each: docs/files.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.client.image import Raster

from ..cli import CommandError, Exit, usage
from . import formats
from .sources import STREAM, read_bytes, refused, shown

if TYPE_CHECKING:
    from backend.imaging.arrays import AnyArray
    from backend.io.decoded import Decoded
    from backend.io.metadata import Metadata

SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp", ".bmp"}
"""What can be written."""

OPAQUE = {".jpg", ".jpeg", ".jpe", ".jfif", ".bmp"}
"""Formats that keep no alpha."""

DEEP = {".png": {"u8", "u16"}, ".tif": {"u8", "u16", "f16", "f32"}, ".tiff": {"u8", "u16", "f16", "f32"}}
"""Sample types each format can hold; all others hold u8 alone."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What a file holds.

    Attributes:
        raster: the first image, upright, at offset 0, 0.
        metadata: what goes on to a result.
        format: its name.
        frames: images in the file.
        notes: sentences for the user on what is not kept.
    """

    raster: Raster
    metadata: Metadata
    format: str
    frames: int = 1
    notes: tuple[str, ...] = field(default=())


def read(path: Path) -> Raster:
    """The image in a file, upright, at offset 0, 0. Raises CommandError as `load` does."""
    return load(path).raster


def load(path: Path) -> ImageFile:
    """The first image in a file with what the file says beside it.

    Args:
        path: a file; "-" is standard input.

    Raises:
        CommandError: bad input, in one line: no file, no image, of a kind that is not read, or damaged.
    """
    content, form = read_bytes(path)
    from backend.io.decoded import UnreadableError, turned
    from backend.io.rasters import from_array

    try:
        found = _decode(content, form, path)
    except UnreadableError as error:
        raise refused(path, str(error)) from None
    except CommandError:
        raise
    except MemoryError:
        raise refused(path, "needs more memory than there is. Make it smaller, or close other programs") from None
    except Exception as error:  # whatever a library says of a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise refused(
            path, f"this {form.name} cannot be read ({reason}): it is incomplete, damaged, or of a rare kind; if other "
            "programs open it, save it as PNG or TIFF there",
        ) from None  # fmt: skip
    notes = list(found.notes)
    if found.frames > 1:
        notes.insert(0, f"It holds {found.frames} images; only the first is worked on.")
    raster = from_array(turned(found.pixels, found.orientation), found.profile)
    return ImageFile(raster, found.metadata, form.name, found.frames, tuple(notes))


def write(
    path: Path,
    raster: Raster,
    metadata: Metadata | None = None,
    *,
    inputs: Sequence[Path] = (),
    overwrite: bool = False,
) -> list[str]:
    """Write an image whole or not at all; the suffix names the format.

    Args:
        path: where to; "-" is standard output (PNG, or TIFF for floats).
        raster: the image.
        metadata: of the file that it was made from.
        inputs: files that are never written over.
        overwrite: whether other files may be replaced than those that Inlay wrote itself.

    Returns:
        Sentences for the user on what the format cannot hold.

    Raises:
        CommandError: usage: unknown suffix, a target that must be kept, or transparency in a format without; bad
            input: the file cannot be written.
    """
    from backend.io.metadata import Metadata
    from backend.io.safe_write import check_target, marked, write_bytes

    if path == STREAM:
        suffix = ".tif" if raster.format.depth.startswith("f") else ".png"
    else:
        check_suffix(path)
        check_target(path, inputs, overwrite)
        suffix = path.suffix.lower()
    pixels, notes = _for_format(path, raster, suffix)
    profile = fitting_profile(raster)
    try:
        content = _encode(pixels, suffix, profile, metadata or Metadata())
    except (OSError, ValueError, RuntimeError) as error:
        raise CommandError(
            f"cannot write {shown(path)} as {suffix[1:].upper()}: {' '.join(str(error).split())}", Exit.BAD_INPUT
        ) from None
    if path == STREAM:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_bytes(path, content if suffix == ".png" else marked(content), overwrite)
    return notes


def check_suffix(path: Path) -> None:
    """Raise CommandError (usage) when images cannot be written under this name."""
    if path != STREAM and path.suffix.lower() not in SUFFIXES:
        raise usage(f"{shown(path)}: write to one of {', '.join(sorted(SUFFIXES))}")


def check_transparency(path: Path, raster: Raster) -> None:
    """Raise CommandError (usage) when an image has transparent parts that the format of its result cannot keep."""
    from backend.io.rasters import coverage

    if path.suffix.lower() in OPAQUE and raster.format.has_alpha and not (coverage(raster) == 1).all():
        raise opaque(path)


def opaque(path: Path) -> CommandError:
    """The format keeps no transparency."""
    return usage(f"{shown(path)}: this format keeps no transparency; write a .png, .tif or .webp")


def fitting_profile(raster: Raster) -> bytes:
    """The profile, where it is one for the raster's channels."""
    from backend.io.icc import fitting
    from plugin.client.image import CHANNELS

    return fitting(bytes(raster.profile), CHANNELS[raster.format.channels])


def _decode(content: bytes, form: formats.Format, path: Path) -> Decoded:
    from . import png, through_pillow, tiff

    if form is formats.PNG:
        return png.read(content, path)
    if form is formats.TIFF:
        return tiff.read(content, path)
    return through_pillow.read(content, form, path)


def _encode(pixels: AnyArray, suffix: str, profile: bytes, metadata: Metadata) -> bytes:
    from . import png, through_pillow, tiff

    if suffix == ".png":
        return png.encode(pixels, profile, metadata)
    if suffix in formats.TIFF.suffixes:
        return tiff.encode(pixels, profile, metadata)
    return through_pillow.encode(pixels, suffix, profile, metadata)


def _for_format(path: Path, raster: Raster, suffix: str) -> tuple[AnyArray, list[str]]:
    """Samples that a format can hold, H x W x C, and what that costs."""
    from backend.imaging.color.spaces import to_unit
    from backend.io.rasters import as_depth, ordered

    pixels, notes, depth = ordered(raster), [], raster.format.depth
    if suffix in OPAQUE and raster.format.has_alpha:
        check_transparency(path, raster)
        pixels = pixels[..., :-1]
    if depth not in DEEP.get(suffix, {"u8"}):
        wanted = "u16" if suffix == ".png" else "u8"
        if depth.startswith("f") and (to_unit(pixels) > 1).any():
            notes.append(f"Values above 1 do not fit into {suffix[1:].upper()} and were cut; a .tif keeps them.")
        notes.append(f"Written with {8 if wanted == 'u8' else 16} bits a sample; a .tif keeps {_named(depth)}.")
        pixels = as_depth(pixels, wanted)
    return pixels, notes


def _named(depth: str) -> str:
    return {"u16": "16 bits", "f16": "half floats", "f32": "32-bit floats"}[depth]
