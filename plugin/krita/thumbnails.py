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


def of_layer(node: Any, side: int) -> Any:
    """A QImage of what a layer holds, no larger than that: Krita's own thumbnail shows it in the image, too small."""
    whole = node.thumbnail(4 * side, 4 * side)
    box = QtGui.QRegion(QtGui.QBitmap.fromImage(whole.createAlphaMask())).boundingRect()
    return whole.copy(box).scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def icon(image: Any, side: int) -> Any:
    """A QIcon: the QImage, None for an empty one, in the middle of a square, so that all names begin at one place."""
    square = QtGui.QPixmap(side, side)
    square.fill(Qt.GlobalColor.transparent)
    if image is not None:
        painter = QtGui.QPainter(square)
        painter.drawImage((side - image.width()) // 2, (side - image.height()) // 2, image)
        painter.end()
    made = QtGui.QIcon(square)
    made.addPixmap(square, QtGui.QIcon.Mode.Selected)  # else the chosen one is tinted
    return made
