"""Thumbnails from the backend as Qt shows them."""

from __future__ import annotations

from typing import Any

from ..client.image import Raster
from .compat import Qt, QtGui

_FORMATS = {("RGB", "u8"): QtGui.QImage.Format.Format_RGB888, ("RGBA", "u8"): QtGui.QImage.Format.Format_RGBA8888}


def thumbnail(raster: Raster, width: int, height: int) -> Any:
    """A QImage no larger than that, None for an image in a format that previews do not have."""
    kind = _FORMATS.get((raster.format.channels, raster.format.depth))
    if kind is None:
        return None
    data, line = bytes(raster.data), len(raster.format.channels) * raster.width
    image = QtGui.QImage(data, raster.width, raster.height, line, kind)
    return image.scaled(  # a copy, so that the bytes may go
        width, height, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
