"""ICC profiles by Krita's names. PyKrita gives no profile's bytes, but a PNG that Krita writes holds them."""

from __future__ import annotations

import contextlib
import struct
import tempfile
import zlib
from functools import lru_cache
from pathlib import Path

from krita import InfoObject

from .color_spaces import SRGB
from .hidden_document import hidden_document


@lru_cache(maxsize=32)
def profile_bytes(model: str, name: str) -> bytes:
    """The ICC profile of this name for "RGBA" or "GRAYA"; empty for Krita's sRGB and where it cannot be had.

    The first time costs about a quarter of a second.
    """
    if name == SRGB:
        return b""
    settings = InfoObject()
    settings.setProperty("saveSRGBProfile", True)
    settings.setProperty("forceSRGB", False)
    try:
        with hidden_document() as document, tempfile.TemporaryDirectory() as folder:
            if not document.setColorSpace(model, "U16", name):
                return b""
            document.waitForDone()
            path = Path(folder) / "profile.png"
            document.exportImage(str(path), settings)
            return _embedded(path.read_bytes())
    except OSError:
        return b""


def is_linear(model: str, name: str) -> bool:
    """Whether samples in this profile are proportional to light."""
    profile = profile_bytes(model, name)
    if not profile:
        return False
    with contextlib.suppress(struct.error):
        (count,) = struct.unpack_from(">I", profile, 128)
        for i in range(count):
            tag, start = struct.unpack_from(">4sI", profile, 132 + 12 * i)
            if tag in (b"kTRC", b"gTRC"):
                return _is_identity(profile, start)
    return False


def _is_identity(profile: bytes, start: int) -> bool:
    """Whether a tone curve of ICC.1:2010 10.5 (curv) or 10.15 (para) is a straight line."""
    kind = profile[start : start + 4]
    if kind == b"curv":
        (count,) = struct.unpack_from(">I", profile, start + 8)
        return bool(count == 0 or (count == 1 and struct.unpack_from(">H", profile, start + 12)[0] == 0x100))
    function, gamma = struct.unpack_from(">Hxxi", profile, start + 8)
    return bool(kind == b"para" and function == 0 and gamma == 1 << 16)


def _embedded(png: bytes) -> bytes:
    at = 8
    while at + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"iCCP":
            chunk = png[at + 8 : at + 8 + length]
            return zlib.decompress(chunk[chunk.index(b"\0") + 2 :])
        at += 12 + length
    return b""
