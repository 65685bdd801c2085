"""Thumbnails from the backend as Qt shows them."""

from __future__ import annotations

from typing import Any

from ..client.image import Raster
from .compat import Qt, QtGui

_FORMATS = {("RGB", "u8"): QtGui.QImage.Format.Format_RGB888, ("RGBA", "u8"): QtGui.QImage.Format.Format_RGBA8888}


def thumbnail(picture: Raster, width: int, height: int) -> Any:
    """A QImage no larger than that, None for an image in a format that previews do not have."""
    kind = _FORMATS.get((picture.format.channels, picture.format.depth))
    if kind is None:
        return None
    data, line = bytes(picture.data), len(picture.format.channels) * picture.width
    image = QtGui.QImage(data, picture.width, picture.height, line, kind)
    return image.scaled(  # a copy, so that the bytes may go
        width, height, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
