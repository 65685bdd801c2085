"""Fills that lie above the layer they were made for: the next one goes on where they are.

A fill is marked, so that a layer and the fills right above it are known to belong together, in a saved image too.
"""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from ..client.image import Box

_MARK = "inlay-fill"
_PLAIN_MODES = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)


def mark(layer: Any) -> None:
    """Remember that a layer is a fill. Before it is in its image: GIMP cannot undo it there."""
    layer.attach_parasite(Gimp.Parasite.new(_MARK, Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE, b"1"))


def is_fill(layer: Any) -> bool:
    """Whether a layer is a fill."""
    return layer.get_parasite(_MARK) is not None


def topmost(image: Any, layer: Any) -> Any:
    """The uppermost of the fills right above a layer; the layer itself where there is none."""
    siblings = layers_beside(image, layer)
    position = image.get_item_position(layer)
    while position > 0 and is_fill(siblings[position - 1]):
        position -= 1
    return siblings[position]


def looks_further(image: Any, layer: Any) -> bool:
    """Whether what is seen of the image at this layer is more than the layer alone: fills, or layers below."""
    if is_fill(layer) or topmost(image, layer) != layer:
        return True
    if not layer.get_visible() or not seen_below(image, layer):
        return False
    _, x, y = layer.get_offsets()
    right, bottom = x + layer.get_width(), y + layer.get_height()
    covers = x <= 0 and y <= 0 and right >= image.get_width() and bottom >= image.get_height()
    opaque = not layer.has_alpha() and layer.get_mask() is None and layer.get_opacity() == 100.0
    return not (covers and opaque and layer.get_mode() in _PLAIN_MODES)


def seen_below(image: Any, layer: Any) -> bool:
    """Whether any layer below this one is visible, in its group or below its groups."""
    item = layer
    while item is not None:
        below = layers_beside(image, item)[image.get_item_position(item) + 1 :]
        if any(other.get_visible() for other in below):
            return True
        item = item.get_parent()
    return False


def layers_beside(image: Any, layer: Any) -> list[Any]:
    """The layers of the same group, top to bottom, this one among them."""
    parent = layer.get_parent()
    return list(parent.get_children() if parent is not None else image.get_layers())


def canvas(image: Any) -> Box:
    """All of an image."""
    return Box(0, 0, image.get_width(), image.get_height())
