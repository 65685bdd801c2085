"""Nodes of a document: which layer one belongs to, what it shows, what lies above and below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_OWN_PIXELS = "paintlayer"
_RENDERED = ("grouplayer", "vectorlayer", "clonelayer", "filelayer", "filllayer", "filterlayer")
"""Layers without pixels of their own; what they show is read."""

_FILL = re.compile(r"Fill( \d+ of \d+)?|Fill, \d+ variants")
"""Names of what the fill actions add."""


def variants(count: int) -> str:
    """Name of the group of so many fills."""
    return f"Fill, {count} variants"


def is_fill(name: str) -> bool:
    """Whether a layer or group of this name is what a fill action added."""
    return _FILL.fullmatch(name) is not None


def walk(node: Any) -> Iterator[Any]:
    """All nodes below a node, bottom to top."""
    for child in node.childNodes():
        yield child
        yield from walk(child)


def find(document: Any, unique_id: str) -> Any:
    """The node of a unique id, None when the document has none."""
    return next((n for n in walk(document.rootNode()) if n.uniqueId().toString() == unique_id), None)


def is_mask(node: Any) -> bool:
    """Whether the node is a mask of some kind."""
    return bool(node.type().endswith("mask"))


def owner(node: Any) -> Any:
    """The layer that a mask belongs to, the node itself when it is a layer; None where there is none."""
    while node is not None and is_mask(node):
        node = node.parentNode()
    return node if node is not None and node.parentNode() is not None else None


def holds_an_image(node: Any) -> bool:
    """Whether there is something to read."""
    return node.type() in (_OWN_PIXELS, *_RENDERED)


def is_rendered(node: Any) -> bool:
    """Whether what the layer shows is not simply its own pixels: it has none, or has masks that are visible."""
    changed = (c for c in node.childNodes() if is_mask(c) and c.type() != "selectionmask" and c.visible())
    return node.type() != _OWN_PIXELS or any(changed)


def is_plain(node: Any) -> bool:
    """Whether the layer is seen as its own pixels are: opaque, not blended, without masks."""
    return not is_rendered(node) and node.opacity() == 255 and node.blendingMode() == "normal"


def is_seen(node: Any) -> bool:
    """Whether the node and all that it lies in are visible."""
    while node is not None:
        if not node.visible():
            return False
        node = node.parentNode()
    return True


def siblings(node: Any) -> tuple[list[Any], int]:
    """The layers of the node's group, bottom to top, and which of them the node is."""
    found = [child for child in node.parentNode().childNodes() if not is_mask(child)]
    return found, found.index(node)


def below_new(node: Any) -> Any:
    """What a new layer that shows more than `node` goes above: the topmost of the fills that lie on it, or itself."""
    if (group := node.parentNode()).parentNode() is not None and is_fill(group.name()):
        node = group
    found, at = siblings(node)
    for above in found[at + 1 :]:
        if not is_fill(above.name()):
            break
        if above.visible():
            node = above
    return node


def is_anything_below(node: Any) -> bool:
    """Whether something visible lies below the node, in its group or below that."""
    while node.parentNode() is not None:
        found, at = siblings(node)
        if any(layer.visible() for layer in found[:at]):
            return True
        node = node.parentNode()
    return False


def is_anything_above(node: Any) -> bool:
    """Whether something visible lies above the node, in its group or above that."""
    while node.parentNode() is not None:
        found, at = siblings(node)
        if any(layer.visible() for layer in found[at + 1 :]):
            return True
        node = node.parentNode()
    return False


def hide_upwards(node: Any, itself: bool) -> None:
    """Hide everything above a node, at every level, and the node itself if asked to."""
    if itself:
        node.setVisible(False)
    while node.parentNode() is not None:
        found, at = siblings(node)
        for above in found[at + 1 :]:
            above.setVisible(False)
        node = node.parentNode()
