"""JPEG, WebP, GIF, BMP, AVIF, JPEG 2000, PNM and TGA: read and written by Pillow. HEIC: see `heif`.

Only the plugin of the format that the content has is asked: see `formats`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import formats, heif, icc
from .decoded import Decoded, UnreadableError, scaled
from .metadata import Metadata, as_stream, exif_to_write, from_pillow

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from backend.imaging.arrays import AnyArray

QUALITY = 95
EXIF_MOST = 65000  # bytes in a JPEG's segment
PLAIN_MODES = ("L", "LA", "RGB", "RGBA")


def read(content: bytes, form: formats.Format, path: Path) -> Decoded:
    """The first image of a file of one of these formats.

    Raises:
        UnreadableError: for kinds that are not read, or when a library is missing.
        CommandError: for one that does not fit into memory.
        Exception: of whatever kind, when it is damaged.
    """
    if form is formats.HEIC:
        return heif.read_heic(content, path)
    if form is formats.PNM and (found := _deep_pnm(content, path)) is not None:
        return Decoded(found)
    from PIL import Image, features

    from .sources import check_size

    if form is formats.AVIF and not features.check("avif"):
        raise UnreadableError("AVIF needs a newer Pillow: pip install --upgrade pillow")
    Image.MAX_IMAGE_PIXELS = None  # `check_size` looks at the memory instead
    with _quietly(), Image.open(as_stream(content), formats=[form.pillow]) as image:
        check_size(path, *image.size, 4)
        metadata, orientation = from_pillow(image)
        frames = int(getattr(image, "n_frames", 1))
        profile = image.info.get("icc_profile") or b""
        notes: list[str] = []
        if form is formats.JPEG2000:
            pixels = _jpeg2000(content)
        elif form is formats.AVIF and (deep := heif.deep_avif(content)) is not None:
            pixels = deep
        elif image.mode == "CMYK":
            pixels, profile = _from_cmyk(image, profile, notes), b""
        else:
            pixels = _pixels(image)
    if form is formats.AVIF:
        profile, cicp = heif.colors(content, profile, pixels.shape[2], notes)
        metadata = replace(metadata, cicp=cicp)
    return Decoded(pixels, icc.fitting(profile, pixels.shape[2]), orientation, metadata, frames, notes)


def encode(pixels: AnyArray, suffix: str, profile: bytes, metadata: Metadata) -> bytes:
    """H x W x C bytes as JPEG, WebP or BMP. Raises OSError or ValueError for what the format cannot hold."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    options: dict[str, Any] = {}
    if suffix != ".bmp":
        exif = exif_to_write(metadata.exif)
        if len(exif.tobytes()) > EXIF_MOST:
            exif = exif_to_write(b"")
        options = {"quality": QUALITY, "exif": exif, "icc_profile": profile or None}
        if len(metadata.xmp) < EXIF_MOST:
            options["xmp"] = metadata.xmp or None
        options = {name: value for name, value in options.items() if value is not None}
    if suffix in formats.JPEG.suffixes:
        options["subsampling"] = 0
    if suffix == ".webp":
        options["exact"] = True  # what lies below alpha 0 stays
    if metadata.resolution and suffix != ".webp":
        options["dpi"] = metadata.resolution
    stream = as_stream(b"")
    image.save(stream, {".bmp": "BMP", ".webp": "WEBP"}.get(suffix, "JPEG"), **options)
    return stream.getvalue()


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on damaged metadata
        yield


def _pixels(image: Image) -> AnyArray:
    """H x W x C of Pillow's image, whatever its mode."""
    import numpy as np

    if image.mode.startswith("I;16"):
        return np.atleast_3d(np.asarray(image).astype(np.uint16))
    if image.mode == "F":
        return np.atleast_3d(np.asarray(image))
    alpha = "transparency" in image.info or image.mode in ("PA", "La", "RGBa")
    if image.mode not in PLAIN_MODES:
        gray = image.mode in ("1", "I")
        image = image.convert(("LA" if gray else "RGBA") if alpha else ("L" if gray else "RGB"))
    elif image.mode in ("L", "RGB") and alpha:
        image = image.convert(image.mode + "A")
    return np.atleast_3d(np.asarray(image))


def _from_cmyk(image: Image, profile: bytes, notes: list[str]) -> AnyArray:
    import numpy as np

    notes.append("Its CMYK colors are converted to sRGB.")
    inks = np.asarray(image)
    if icc.space(profile) == "cmyk":
        return icc.transformed(inks, profile, icc.srgb())
    return np.asarray(image.convert("RGB"))


def _jpeg2000(content: bytes) -> AnyArray:
    """At its own depth, which Pillow cuts to eight bits."""
    import imagecodecs
    import numpy as np

    pixels = np.atleast_3d(imagecodecs.jpeg2k_decode(content))
    if pixels.shape[2] > 4 or pixels.dtype.kind != "u":
        raise UnreadableError("this kind of JPEG 2000 is not read: save it as PNG or TIFF")
    size = content.find(b"\xff\x51")  # the code stream's size marker; a component's precision is at 40 (ISO 15444-1)
    bits = (content[size + 40] & 0x7F) + 1 if size >= 0 else 8 * pixels.dtype.itemsize
    return scaled(pixels, bits, [])


def _deep_pnm(content: bytes, path: Path) -> AnyArray | None:
    """A binary PGM or PPM of more than eight bits, which Pillow cuts to eight; None for all others."""
    import numpy as np

    from .sources import check_size

    header = re.match(rb"P([56])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s", content)
    if header is None or not 255 < int(header[4]) <= 65535:
        return None
    width, height, top = int(header[2]), int(header[3]), int(header[4])
    channels = 3 if header[1] == b"6" else 1
    check_size(path, width, height, 2 * channels)
    values = np.frombuffer(content, ">u2", width * height * channels, header.end()).astype(np.uint32)
    spread = (np.minimum(values, top) * 65535 + top // 2) // top
    return spread.astype(np.uint16).reshape(height, width, channels)
