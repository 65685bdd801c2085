"""Documents that are never shown, for what Krita does only with one.

`Krita.createDocument` would do, but it makes the size and color space of what it creates the proposal of the user's
next File > New. Opening a file leaves no trace.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from krita import Krita

from ..client.image import Box
from .color_spaces import SRGB, ColorSpace
from .compat import QtCore


@contextmanager
def hidden_document() -> Iterator[Any]:
    """A document of one pixel in 8-bit sRGB, closed in the end."""
    document = _template().clone()  # far quicker than opening the file again
    document.setBatchmode(True)
    try:
        yield document
    finally:
        document.setModified(False)
        document.close()


@lru_cache(maxsize=1)
def _template() -> Any:
    """A clone, which Krita does not count among the open documents."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inlay.png"
        path.write_bytes(_PIXEL)
        opened = Krita.instance().openDocument(str(path))
    try:
        return opened.clone()
    finally:
        opened.setModified(False)
        opened.close()


def in_srgb(space: ColorSpace, data: bytes, box: Box) -> tuple[bytes, ColorSpace]:
    """Pixels of any color space, converted to 8-bit sRGB by Krita; and that color space."""
    target = ColorSpace("RGBA", "U8", SRGB)
    with hidden_document() as document:
        layer = document.createNode("converted", "paintlayer")
        layer.setColorSpace(space.model, space.depth, space.profile)
        layer.setPixelData(QtCore.QByteArray(data), *box)
        layer.setColorSpace(target.model, target.depth, target.profile)
        return bytes(layer.pixelData(*box)), target


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


_PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0))
    + _chunk(b"sRGB", b"\0")
    + _chunk(b"IDAT", zlib.compress(bytes(5)))
    + _chunk(b"IEND", b"")
)
