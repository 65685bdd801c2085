"""What Edit > Undo and Redo leave out, done after them: Krita's Python interface cannot add to a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from krita import Krita

from . import layers
from .compat import QtCore


@dataclass(slots=True)
class _Selected:
    """A selection that was set right after Krita's own Deselect, which is the step (see `results`)."""

    document: Any
    before: bytes  # the selection over the canvas before the step
    after: Any  # the krita.Selection that was set
    name: str = ""  # what Edit > Redo calls the step, once it has been undone


@dataclass(slots=True)
class _Hidden:
    """A layer that is hidden while a new one is there."""

    document: Any
    layer: str  # unique ids
    new: str
    there: bool = True  # whether the new one is


class UndoWatch(QtCore.QObject):
    """Watches Edit > Undo and Redo once there is something to bring back."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[_Selected] = []
        self._undone: list[_Selected] = []
        self._hidden: list[_Hidden] = []
        self._watched: list[Any] = []
        self._ours = False

    def set_after_deselect(self, document: Any, selection: Any) -> None:
        """Deselect, set the selection, and have Redo set it again, which would end with nothing selected."""
        krita, before = Krita.instance(), selected(document)
        self._watch()
        self._ours = True
        krita.action("deselect").trigger()
        self._ours = False
        document.waitForDone()
        document.setSelection(selection)
        self._done = [*_open(self._done), _Selected(document, before, selection.duplicate())]
        self._undone = []

    def replace(self, document: Any, selection: Any) -> None:
        """The selection that was set last is another one by now."""
        if self._done and self._done[-1].document == document:
            self._done[-1].after = selection.duplicate()

    def hide(self, document: Any, layer: str, new: str) -> None:
        """Hide a layer for as long as the new one is there."""
        self._watch()
        self._hidden = [*_open(self._hidden), _Hidden(document, layer, new)]
        _show(document, layer, False)

    def _watch(self) -> None:
        """Every window has actions of its own."""
        watched: tuple[tuple[str, Callable[[], None]], ...] = (
            ("edit_undo", self._after_undo),
            ("edit_redo", self._after_redo),
            ("deselect", self._after_deselect),
        )
        for name, called in watched:
            action = Krita.instance().action(name)
            if action not in self._watched:
                self._watched.append(action)
                action.triggered.connect(lambda *_, called=called: called())

    def _after_undo(self) -> None:
        document = Krita.instance().activeDocument()
        self._follow(document)
        if not self._done or self._done[-1].document != document:
            return
        document.waitForDone()
        if selected(document) == self._done[-1].before:
            step = self._done.pop()
            step.name = Krita.instance().action("edit_redo").text().partition(" ")[2]
            self._undone.append(step)

    def _after_redo(self) -> None:
        document = Krita.instance().activeDocument()
        self._follow(document)
        if not self._undone or self._undone[-1].document != document:
            return
        if not Krita.instance().action("edit_undo").text().endswith(self._undone[-1].name):
            return
        document.waitForDone()
        if document.selection() is None:
            document.setSelection(self._undone[-1].after)
            self._done.append(self._undone.pop())

    def _follow(self, document: Any) -> None:
        """Show what is hidden for a layer that is not there any more, and the other way round."""
        for hidden in self._hidden:
            if hidden.document == document:
                document.waitForDone()
                if (there := layers.find(document, hidden.new) is not None) != hidden.there:
                    hidden.there = there
                    _show(document, hidden.layer, not there)

    def _after_deselect(self) -> None:
        if not self._ours:
            self._undone = []


@lru_cache(maxsize=1)
def watcher() -> UndoWatch:
    """The one that there is, made when it is first needed."""
    return UndoWatch()


def selected(document: Any) -> bytes:
    """The selection over the canvas; empty when there is none."""
    current = document.selection()
    return bytes(current.pixelData(0, 0, document.width(), document.height())) if current is not None else b""


def _open(entries: list[Any]) -> list[Any]:
    """The last of those whose document is still open."""
    there = Krita.instance().documents()
    return [entry for entry in entries[-20:] if entry.document in there]


def _show(document: Any, layer: str, visible: bool) -> None:
    node = layers.find(document, layer)
    if node is not None and node.visible() != visible:
        node.setVisible(visible)
        document.refreshProjection()
