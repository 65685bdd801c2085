"""Picture files to and from `Raster`s: orientation, depth, alpha and color profile are kept.

Eight bits a sample go through Pillow. Deeper PNG and TIFF go through OpenCV, because Pillow cuts 16-bit color to
eight bits.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from backend.imaging.arrays import AnyArray
from plugin.client.image import Raster

from ..cli import CommandError, Exit, usage
from . import icc

if TYPE_CHECKING:
    from PIL.Image import Image


SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}
"""What a folder is searched for, and what can be written."""

OPAQUE = {".jpg", ".jpeg", ".bmp"}
"""Formats that keep no alpha."""

DEEP = {".png": {"u8", "u16"}, ".tif": {"u8", "u16", "f32"}, ".tiff": {"u8", "u16", "f32"}}
"""Sample types each format can hold; all others hold u8 alone."""

ORIENTATION = 0x0112
"""The tag of the picture's orientation, in EXIF and in TIFF."""


def read(path: Path) -> Raster:
    """The picture in a file, upright, at offset 0, 0.

    Raises CommandError with `Exit.BAD_INPUT` when the file is missing or holds no readable picture.
    """
    from PIL import Image, ImageOps

    from backend.io.rasters import from_array

    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", Exit.BAD_INPUT) from None
    Image.MAX_IMAGE_PIXELS = None  # the person named this file; a large one is no attack
    profile, orientation = b"", 1
    try:
        with _quietly(), Image.open(path) as image:
            profile = image.info.get("icc_profile") or b""
            if not _is_deep(image, content):
                return from_array(_eight_bits(ImageOps.exif_transpose(image)), profile)
            orientation = image.getexif().get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if not content.startswith((b"II*\0", b"MM\0*")):  # OpenCV reads kinds of TIFF that Pillow does not know
            raise CommandError(f"{path} is no picture that can be read: {error}", Exit.BAD_INPUT) from None
    pixels = _decode_deep(_orientation_cleared(content))
    if pixels is None:
        raise CommandError(f"{path} is no picture that can be read: its pixels are damaged", Exit.BAD_INPUT)
    return from_array(_turned(pixels, orientation), profile)


def write(path: Path, raster: Raster) -> None:
    """Write a picture; the suffix names the format. Depth and alpha the format cannot hold are reduced to what it can.

    Raises CommandError when the suffix is unknown (usage) or the file cannot be written (bad input).
    """
    from backend.io.rasters import as_depth, ordered

    check_suffix(path)
    suffix = path.suffix.lower()
    pixels = ordered(raster)
    if suffix in OPAQUE and raster.format.has_alpha:
        pixels = pixels[..., :-1]
    if raster.format.depth not in DEEP.get(suffix, {"u8"}):
        pixels = as_depth(pixels, "u16" if suffix == ".png" else "u8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if pixels.dtype == "uint8":
            from PIL import Image

            quality: dict[str, Any] = {"quality": 95} if suffix in {".jpg", ".jpeg", ".webp"} else {}
            Image.fromarray(pixels.squeeze()).save(path, icc_profile=raster.profile or None, **quality)
        else:
            path.write_bytes(_encode_deep(pixels, suffix, raster.profile))
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}", Exit.BAD_INPUT) from None


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on damaged metadata
        yield


def check_suffix(path: Path) -> None:
    """Raise CommandError (usage) when pictures cannot be written under this name."""
    if path.suffix.lower() not in SUFFIXES:
        raise usage(f"{path}: write to one of {', '.join(sorted(SUFFIXES))}")


def gray(raster: Raster) -> AnyArray:
    """A picture as a mask, H x W float32 in 0..1: its brightness times its alpha."""
    import numpy as np

    from backend.imaging.color.spaces import to_unit
    from backend.io.rasters import coverage, samples

    color = to_unit(samples(raster))[..., : -1 if raster.format.has_alpha else None]
    result: AnyArray = np.clip(color.mean(axis=2) * coverage(raster), 0, 1)
    return result


def _is_deep(image: Image, content: bytes) -> bool:
    if image.format == "PNG":
        return content[24] == 16  # bit depth in IHDR
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (1,))
        return any(count > 8 for count in bits)
    return False


def _eight_bits(image: Image) -> AnyArray:
    import numpy as np

    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        alpha = "transparency" in image.info or image.mode in ("PA", "La", "RGBa")
        image = image.convert(("LA" if image.mode in ("1", "L") else "RGBA") if alpha else _plain_mode(image.mode))
    elif image.mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert(image.mode + "A")
    return np.asarray(image)


def _plain_mode(mode: str) -> str:
    return "L" if mode in ("1", "I", "F") or mode.startswith("I;") else "RGB"


def _decode_deep(content: bytes) -> AnyArray | None:
    import cv2
    import numpy as np

    pixels: AnyArray | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    if pixels.dtype not in (np.uint8, np.uint16):
        pixels = pixels.astype(np.float32)
    if pixels.ndim == 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return pixels


def _orientation_cleared(content: bytes) -> bytes:
    """A TIFF whose first directory says "upright": OpenCV turns some orientations itself and fails on others."""
    order: Literal["little", "big"] = "little" if content.startswith(b"II") else "big"
    if not content.startswith((b"II*\0", b"MM\0*")):
        return content
    cleared = bytearray(content)
    directory = int.from_bytes(content[4:8], order)
    for i in range(int.from_bytes(content[directory : directory + 2], order)):
        entry = directory + 2 + 12 * i  # tag, type, count, value (TIFF 6.0, section 2)
        if int.from_bytes(content[entry : entry + 2], order) == ORIENTATION:
            cleared[entry + 8 : entry + 10] = (1).to_bytes(2, order)
    return bytes(cleared)


def _encode_deep(pixels: AnyArray, suffix: str, profile: bytes) -> bytes:
    import cv2
    import numpy as np

    if pixels.shape[2] == 2:  # OpenCV writes no gray with alpha
        pixels = pixels[..., [0, 0, 0, 1]]
    if pixels.shape[2] >= 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    done, encoded = cv2.imencode(suffix, np.ascontiguousarray(pixels))
    if not done:
        raise OSError(f"the pixels could not be written as {suffix}")
    content: bytes = encoded.tobytes()
    if not profile:
        return content
    return icc.png_with_profile(content, profile) if suffix == ".png" else icc.tiff_with_profile(content, profile)


def _turned(pixels: AnyArray, orientation: int) -> AnyArray:
    """Pixels made upright by their EXIF orientation, 1..8."""
    import numpy as np

    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
