"""What the tests use inside Krita: images to work on, and what an image looks like at a moment."""

from __future__ import annotations

import hashlib
import random
import time
from array import array
from typing import Any

from inlay.plugin.client import actions
from inlay.plugin.client.image import Box, PixelFormat, Raster
from inlay.plugin.client.messages import ErrorCode, Failure, Output, Result
from inlay.plugin.krita import color_spaces, dialogs, document, layers, profiles, results, settings
from inlay.plugin.krita.compat import QtCore, QtWidgets
from inlay.plugin.krita.extension import registered
from krita import InfoObject, Krita, ManagedColor, Selection

__all__ = [
    "Box",
    "ErrorCode",
    "Failure",
    "InfoObject",
    "Output",
    "PixelFormat",
    "Raster",
    "Result",
    "actions",
    "color_spaces",
    "dialogs",
    "document",
]
__all__ += ["layers", "profiles", "results", "settings"]

K = Krita.instance()
SAMPLES = {"U8": "B", "U16": "H", "F16": "H", "F32": "f"}


def extension() -> Any:
    return registered[0]  # not from `K.extensions()`, which Krita 5.3 and 6 do not survive


def runner() -> Any:
    return extension().runner


def docker() -> Any:
    return next(d for d in K.dockers() if d.windowTitle() == "Inlay")


def open_document(width: int, height: int, model: str = "RGBA", depth: str = "U8", profile: str = "") -> None:
    """A new image in front. Return to the event loop before using its active layer."""
    made = K.createDocument(width, height, f"{model} {depth}", model, depth, profile, 72.0)
    K.activeWindow().addView(made)


def front() -> Any:
    return K.activeDocument()


def close_front() -> None:
    """Close the image in front as the user does who does not want to save it.

    Not within a second of a change: Krita 5.1's layer list, which updates itself late, then crashes
    (KisNodeModel::processUpdateQueue).
    """
    front().waitForDone()
    front().setModified(False)
    K.action("file_close").trigger()


def clear() -> None:
    """End what a test has left behind: its job, its dialogs, its actions' last values, the images of earlier tests."""
    for action in actions.ACTIONS:
        settings.keep_values(action, {})
    runner().cancel_all()
    runner().failure = None
    extension().delivery.waiting.clear()
    message()
    for left in QtWidgets.QApplication.topLevelWidgets():
        if isinstance(left, QtWidgets.QDialog) and left.isModal() and left.isVisible():
            left.reject()
    close_earlier()


def close_earlier() -> None:
    """Close the images that have been open for a while, but not the one in front: each slows Krita down."""
    area = K.activeWindow().qwindow().findChild(QtWidgets.QMdiArea)
    shown, now = area.activeSubWindow(), time.monotonic()
    for tab in area.subWindowList():
        since = tab.property("inlay-since")
        if since is None:
            tab.setProperty("inlay-since", now)
        elif now - since > 3 and tab is not shown:  # see `close_front`
            for image in K.documents():
                image.setModified(False)
            tab.close()


def pattern(width: int, height: int, depth: str, channels: int, seed: int = 1) -> bytes:
    """Samples that differ from each other, alpha included; floats reach beyond 0..1."""
    chance = random.Random(seed)
    count = width * height * channels
    if depth in ("U8", "U16"):
        top = 255 if depth == "U8" else 65535
        return array(SAMPLES[depth], (chance.randrange(top + 1) for _ in range(count))).tobytes()
    if depth == "F16":
        return array("H", (chance.randrange(0x4200) for _ in range(count))).tobytes()  # 0 .. 3
    return array("f", (3 * chance.random() for _ in range(count))).tobytes()


def add_layer(name: str, box: list[int], seed: int = 1, parent: Any = None) -> Any:
    """A paint layer on top, in the image's color space, filled with the pattern at an offset."""
    image = front()
    layer = image.createNode(name, "paintlayer")
    channels = 2 if image.colorModel() == "GRAYA" else 4
    data = pattern(box[2], box[3], image.colorDepth(), channels, seed)
    layer.setPixelData(QtCore.QByteArray(data), *box)
    (parent or image.rootNode()).addChildNode(layer, None if parent else image.rootNode().childNodes()[-1])
    image.waitForDone()
    return layer


def node(name: str) -> Any:
    return next(n for n in layers.walk(front().rootNode()) if n.name() == name)


def names() -> list[str]:
    """Names of all nodes, bottom to top."""
    return [n.name() for n in layers.walk(front().rootNode())]


def layer_names() -> list[str]:
    """Names of all layers, bottom to top, without what is selected, which Krita counts among the nodes."""
    return [n.name() for n in layers.walk(front().rootNode()) if n.type() != "selectionmask"]


def select(box: list[int], value: int = 255) -> None:
    chosen = Selection()
    chosen.select(*box, value)
    front().setSelection(chosen)


def everything() -> Any:
    """A selection of the whole canvas."""
    chosen = Selection()
    chosen.select(0, 0, front().width(), front().height(), 255)
    return chosen


def select_mask(mask: bytes) -> None:
    """Select what a mask over the whole canvas says, 0 outside to 255 inside."""
    chosen = Selection()
    chosen.setPixelData(QtCore.QByteArray(mask), 0, 0, front().width(), front().height())
    front().setSelection(chosen)


def selected() -> bytes:
    """The selection over the whole canvas, empty when there is none."""
    image = front()
    current = image.selection()
    return bytes(current.pixelData(0, 0, image.width(), image.height())) if current else b""


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def snapshot() -> list[Any]:
    """All that the user could lose: every node with its pixels, and the selection."""
    image = front()
    box = (-50, -50, image.width() + 100, image.height() + 100)
    nodes = [
        [n.name(), n.type(), n.visible(), digest(bytes(n.pixelData(*box)))]
        for n in layers.walk(image.rootNode())
        if n.type() != "selectionmask"
    ]
    return [nodes, digest(selected())]


def message_boxes() -> list[Any]:
    """Inlay's messages on the screen."""
    return [w for w in QtWidgets.QApplication.topLevelWidgets() if w.objectName() == "inlay-message" and w.isVisible()]


def message() -> str:
    """Text of the message on the screen, empty when there is none; it is closed."""
    boxes = message_boxes()
    texts = [f"{box.text()} {box.informativeText()} {box.detailedText()}".strip() for box in boxes]
    for box in boxes:
        box.reject()
    return "\n".join(texts)


def import_layer(path: str, name: str, x: int, y: int) -> None:
    """An image file as a layer on top, at an offset."""
    source = K.openDocument(path)
    source.setBatchmode(True)
    width, height = source.width(), source.height()
    data = source.pixelData(0, 0, width, height)
    source.close()
    image = front()
    layer = image.createNode(name, "paintlayer")
    layer.setPixelData(data, x, y, width, height)
    image.rootNode().addChildNode(layer, image.rootNode().childNodes()[-1])
    image.waitForDone()


def bring_to_front(name: str) -> None:
    """Click, as it were, on the tab of the image of this name."""
    area = K.activeWindow().qwindow().findChild(QtWidgets.QMdiArea)
    for tab in area.subWindowList():
        area.setActiveSubWindow(tab)
        if front().name() == name:
            return
    raise LookupError(name)


def open_file(path: str) -> None:
    """An image file in front, with a wide view of it."""
    K.activeWindow().addView(K.openDocument(path))


def entry_point(label: str) -> list[int] | None:
    """Where on the screen the entry of this label is, in the open menu that came last or the menu bar."""
    popups = [w for w in QtWidgets.QApplication.topLevelWidgets() if isinstance(w, QtWidgets.QMenu) and w.isVisible()]
    for menu in [*popups, K.activeWindow().qwindow().menuBar()]:
        for entry in menu.actions():
            if entry.isVisible() and entry.text().replace("&", "") == label:
                center = menu.mapToGlobal(menu.actionGeometry(entry).center())
                return [center.x(), center.y()]
    return None


def mnemonic(label: str) -> str:
    """The letter that opens an entry of the menu bar, together with Alt."""
    entries = K.activeWindow().qwindow().menuBar().actions()
    text = next(entry.text() for entry in entries if entry.text().replace("&", "") == label)
    return text[text.index("&") + 1].lower()


def chosen_entry() -> str:
    """The marked entry of the open menu that came last, empty when there is none."""
    menu = QtWidgets.QApplication.activePopupWidget()
    entry = menu.activeAction() if menu is not None else None
    return entry.text().replace("&", "") if entry is not None else ""


def dialog() -> Any:
    """Inlay's dialog on the screen, None when there is none."""
    shown = QtWidgets.QApplication.topLevelWidgets()
    return next((w for w in shown if type(w).__name__ in ("ActionDialog", "SettingsDialog") and w.isVisible()), None)


def ok_button() -> Any:
    """OK of Inlay's dialog on the screen."""
    return dialog().findChild(QtWidgets.QDialogButtonBox).button(QtWidgets.QDialogButtonBox.StandardButton.Ok)


def show() -> None:
    """Show the whole image, and Inlay's docker."""
    K.activeWindow().activeView().canvas().setZoomLevel(1.5)
    docker().setVisible(True)
    docker().raise_()


def docker_child(name: str) -> Any:
    """What has this name in Inlay's docker."""
    return docker().findChild(QtCore.QObject, name)


def black() -> Any:
    """The color black, for a brush."""
    return ManagedColor("RGBA", "U8", "")


def canvas_point(x: int, y: int) -> list[int]:
    """Where on the screen a pixel of the image in front is."""
    view = K.activeWindow().qwindow().findChild(QtWidgets.QMdiArea).activeSubWindow()
    canvas = view.findChild(QtWidgets.QAbstractScrollArea).viewport()
    zoom = K.activeWindow().activeView().canvas().zoomLevel()
    center = canvas.mapToGlobal(canvas.rect().center())
    return [
        round(center.x() + zoom * (x - front().width() / 2)),
        round(center.y() + zoom * (y - front().height() / 2)),
    ]
