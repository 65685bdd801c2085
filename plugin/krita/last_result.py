"""The last result, while it can still be changed: some settings of its job, which of its variants is seen.

A change runs the job again on the same images, which the backend has kept with what its network saw in them, and puts
what comes back where the result already is, within the step of Edit > Undo that the result is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..client.actions import BY_NAME, Parameter, Value
from ..client.choices import DynamicChoice, dynamic_parameter
from ..client.messages import Failure, Job, Result, new_id
from ..client.names import named
from . import layers, messages, results
from .choice_strip import SIDE, Choice
from .compat import QtCore
from .delivery import Delivery
from .document import Origin
from .job_runner import Outcome, Runner
from .thumbnails import of_layer, thumbnail

LIVE = ("grow", "feather", "edge", "strength")
"""Parameters that can be changed in a result."""

_PAUSE = 300
"""Milliseconds after the last change before the job runs again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A result in its document."""

    job: Job
    origin: Origin
    combine: str
    applied: results.Applied
    names: dict[str, str]  # of the layers that the inputs were
    choices: Sequence[DynamicChoice] = ()  # what the dialog found in the image


class LastResult(QtCore.QObject):
    """`changed` says that another result is the last one, or that it looks different."""

    changed = QtCore.pyqtSignal()

    def __init__(self, runner: Runner, delivery: Delivery, parent: Any) -> None:
        super().__init__(parent)
        self._runner, self._delivery = runner, delivery
        self._shown: Shown | None = None
        self._wanted: dict[str, Value] = {}
        self._job: Job | None = None  # that changes it
        self._pause = QtCore.QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._pause.timeout.connect(self._run_again)

    def remember(self, shown: Shown) -> None:
        """A result has been put into its document."""
        self._pause.stop()
        self._shown, self._wanted = shown, {}
        self.changed.emit()

    def title(self) -> str:
        """Of the action that it came from; empty where there is none that can be changed."""
        return BY_NAME[self._shown.job.action].label if self._shown and self.is_there() else ""

    def is_there(self) -> bool:
        """Whether it is still in its document, as it was put there."""
        shown = self._shown
        return shown is not None and shown.origin.is_open() and results.is_as_applied(shown.origin, shown.applied)

    def parameters(self) -> dict[str, tuple[Parameter, Value]]:
        """The settings that can be changed, with their values."""
        if self._shown is None:
            return {}
        action, values = BY_NAME[self._shown.job.action], self._shown.job.parameters | self._wanted
        idle = action.without_effect(values)
        found = {p.name: (p, values[p.name]) for p in action.parameters if p.name in LIVE and p.name not in idle}
        return {} if self._shown.applied.mask else found

    def change(self, name: str, value: Value) -> None:
        """Give a setting another value; the result follows in a moment."""
        self._wanted[name] = value
        self._pause.start()

    def choices(self) -> tuple[list[Choice], str]:
        """What else the result could be, each with a thumbnail, and which it is: a variant, by its layer's unique id,
        or something that was found in the image, by its value; empty where there is nothing to choose from."""
        nodes, shown = self._nodes(), self._shown
        if len(nodes) > 1 and all(layers.is_fill(node.name()) for node in nodes):
            found = [Choice(_id(node), node.name(), of_layer(node, SIDE)) for node in nodes]
            return found, next((_id(node) for node in nodes if node.visible()), "")
        parameter = dynamic_parameter(BY_NAME[shown.job.action]) if shown is not None else None
        if shown is None or parameter is None or shown.applied.mask:
            return [], ""
        value = str((shown.job.parameters | self._wanted)[parameter.name])
        return [
            Choice(each.value, each.label, thumbnail(each.preview, SIDE, SIDE) if each.preview is not None else None)
            for each in shown.choices
        ], value

    def choose(self, value: str) -> None:
        """Make the result another one of `choices`: one of the variants is seen and the others are hidden, or the
        job runs again."""
        shown = self._shown
        if shown is None:
            return
        nodes = self._nodes()
        if value in map(_id, nodes):
            for node in nodes:
                node.setVisible(_id(node) == value)
            shown.origin.document.setActiveNode(next(node for node in nodes if _id(node) == value))
            shown.origin.document.refreshProjection()
        elif (parameter := dynamic_parameter(BY_NAME[shown.job.action])) is not None:
            self.change(parameter.name, value)

    def has_layers(self) -> bool:
        """Whether it can be hidden, to see what was there before."""
        return self._shown is not None and bool(self._shown.applied.layers)

    def show(self, after: bool) -> None:
        """Show the image with the result, or as it was before."""
        nodes = self._nodes()
        if self._shown is None or not nodes:
            return
        group = nodes[0].parentNode()
        for node in [group] if len(nodes) > 1 else nodes:
            node.setVisible(after)
        self._shown.origin.document.refreshProjection()

    def _nodes(self) -> list[Any]:
        if self._shown is None or not self._shown.origin.is_open():
            return []
        found = (layers.find(self._shown.origin.document, name) for name in self._shown.applied.layers)
        return [node for node in found if node is not None]

    def _run_again(self) -> None:
        shown = self._shown
        if shown is None or not self.is_there():
            self.changed.emit()
            return
        if self._job is not None:
            self._runner.withdraw(self._job)
        job = replace(shown.job, parameters=shown.job.parameters | self._wanted, id=new_id())
        self._job = job
        label = BY_NAME[job.action].label
        self._runner.start(job, f"{label} again", lambda outcome: self._end(outcome, job), shown.origin.is_open)

    def _end(self, outcome: Outcome, job: Job) -> None:
        shown, self._job = self._shown, None
        if isinstance(outcome, Failure):
            messages.warn(BY_NAME[job.action].label, outcome.message, outcome.remedy, outcome.log)
        elif isinstance(outcome, Result) and shown is not None:
            result = named(outcome, BY_NAME[job.action], shown.names)
            self._delivery.take(result, shown.origin, lambda: self._put(result, shown, job))

    def _put(self, result: Result, shown: Shown, job: Job) -> results.Applied:
        if self._shown is not shown or not self.is_there():
            return results.Applied(("The result was changed by hand meanwhile; it stays as it is.",))
        applied = results.apply_again(result, shown.origin, shown.combine, shown.applied)
        self._shown = replace(shown, job=job, applied=applied)
        self.changed.emit()
        return results.Applied(applied.notes)


def _id(node: Any) -> str:
    found: str = node.uniqueId().toString()
    return found
