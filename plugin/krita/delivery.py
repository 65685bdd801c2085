"""Results on their way into the document: each waits until it can be put in place without disturbing anybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from krita import Krita

from ..client.messages import Result
from . import layers, messages, results
from .compat import Qt, QtCore, QtWidgets
from .document import Origin, Refusal
from .job_runner import Runner

_INTERVAL = 100
"""Milliseconds between two looks at whether what waits is due."""

_PATIENCE = 1.0
"""Seconds after which the user is told that a result waits. Often it is but for a moment: Krita draws."""


@dataclass(slots=True)
class _Waiting:
    """A result that is not in place yet."""

    result: Result
    origin: Origin
    put: Callable[[], results.Applied]
    since: float
    told: bool = False


class Delivery(QtCore.QObject):
    """Puts results in place, in the order in which they came for each document."""

    def __init__(self, runner: Runner, parent: Any) -> None:
        super().__init__(parent)
        self._runner = runner
        self.waiting: list[_Waiting] = []
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._deliver)

    def take(self, result: Result, origin: Origin, put: Callable[[], results.Applied]) -> None:
        """Have a result put in place by `put`, which may raise Refusal, as soon as that can be done."""
        self.waiting.append(_Waiting(result, origin, put, time.monotonic()))
        self._deliver()

    def _deliver(self) -> None:
        """Put what is due in place.

        Nothing while a dialog is open: it may be the one that asks whether to save the image before it is closed, and
        Krita 5.1 has been seen to crash when an image was closed right after a change. And nothing while a stroke is
        being drawn: adding a layer would end it.
        """
        waiting, self.waiting = self.waiting, []
        for entry in waiting:
            if not entry.origin.is_open():
                self._runner.note(f"The result for '{entry.origin.title}', which was closed, is dropped.")
            elif reason := _why_not_now(entry):
                self.waiting.append(entry)
                if not entry.told and time.monotonic() - entry.since > _PATIENCE:
                    entry.told = True
                    self.report(reason)
            else:
                self._apply(entry.origin, entry.put)
        if not self.waiting:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def _apply(self, origin: Origin, put: Callable[[], results.Applied]) -> None:
        try:
            applied = put()
        except Refusal as refusal:
            self.refuse("Inlay", refusal)
            return
        for note in applied.notes:
            self.report(note)
        if applied.layers:
            # Krita activates what is added in its own time, and a group rather than what is in it
            QtCore.QTimer.singleShot(0, lambda: _activate(origin, applied.layers[0]))

    def report(self, note: str) -> None:
        """Say something that needs no answer."""
        self._runner.note(note)
        self._runner.changed.emit()
        messages.show_over_canvas(f"Inlay: {note}")

    def refuse(self, title: str, refusal: Refusal) -> None:
        """Say why something is not done."""
        self._runner.note(f"{title}: {refusal}")
        self._runner.changed.emit()
        messages.warn(title, refusal.message, refusal.remedy)


def is_drawing(document: Any) -> bool:
    """Whether a button is down, or a stroke or transformation in the document is not finished."""
    if QtWidgets.QApplication.mouseButtons() != Qt.MouseButton.NoButton:
        return True
    if not document.tryBarrierLock():  # a pen need not count as a button
        return True
    document.unlock()
    return False


def _why_not_now(entry: _Waiting) -> str:
    """Why a result has to wait, empty when it has not."""
    if not results.is_due(entry.result, entry.origin):
        return f"The result for '{entry.origin.title}' waits until that image is in front again."
    if QtWidgets.QApplication.activeModalWidget() is not None:
        return "The result waits until the dialog is closed."
    return (
        "The result waits until the stroke or transformation is finished." if is_drawing(entry.origin.document) else ""
    )


def _activate(origin: Origin, layer: str) -> None:
    node = layers.find(origin.document, layer) if origin.is_open() else None
    if node is not None and Krita.instance().activeDocument() == origin.document:
        origin.document.setActiveNode(node)
