"""HEIC and AVIF (ISO/IEC 23008-12): what Pillow does not read of them, which is HEIC, deep samples, and code points."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import icc
from .decoded import Decoded, UnreadableError, scaled
from .metadata import as_stream, of_block, upright_xmp

if TYPE_CHECKING:
    from pathlib import Path

    from backend.imaging.arrays import AnyArray


def read_heic(content: bytes, path: Path) -> Decoded:
    """HEIC at its own depth, through pillow-heif; it turns the image upright itself."""
    try:
        import pillow_heif
    except ImportError:
        raise UnreadableError("HEIC is read with an extra: pip install 'inlay[heif]'") from None
    import numpy as np

    from .sources import check_size

    file = pillow_heif.open_heif(as_stream(content), convert_hdr_to_8bit=False)
    image: Any = file[file.primary_index]
    width, height = image.size
    check_size(path, width, height, 8)
    pixels = np.atleast_3d(np.asarray(image))
    found = of_block((image.info.get("exif") or b"").removeprefix(b"Exif\0\0"))[0]
    found = replace(found, xmp=upright_xmp(image.info.get("xmp") or b""))
    notes: list[str] = []
    profile, cicp = colors(content, image.info.get("icc_profile") or b"", pixels.shape[2], notes)
    return Decoded(pixels, profile, 1, replace(found, cicp=cicp), len(file), notes)


def deep_avif(content: bytes) -> AnyArray | None:
    """An AVIF of 10 or 12 bits as 16, which Pillow cuts to eight; None for one of eight bits.

    It is not turned: its orientation is Pillow's to say.
    """
    import imagecodecs
    import numpy as np

    at = content.find(b"av1C")  # the decoder's configuration (AV1-ISOBMFF, 2.3): depth is in its third byte
    if not 0 <= at < len(content) - 6 or not content[at + 6] & 0x40:
        return None
    bits = 12 if content[at + 6] & 0x20 else 10
    return scaled(np.atleast_3d(imagecodecs.avif_decode(content)), bits, [])


def colors(content: bytes, profile: bytes, channels: int, notes: list[str]) -> tuple[bytes, bytes]:
    """Profile and HDR code points: by the profile, where it fits, else by the code points in the file."""
    found = icc.fitting(profile, channels)
    at = content.find(b"colrnclx")
    if found or channels < 3 or not 0 <= at < len(content) - 12:
        return found, b""
    primaries, transfer = struct.unpack_from(">HH", content, at + 8)
    return icc.of_signal(primaries, transfer, notes) or (b"", b"")
