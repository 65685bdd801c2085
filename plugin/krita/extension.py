"""The extension: the menu Tools > Inlay, and the way from a menu entry to a job to a result."""

from __future__ import annotations

from typing import Any

from krita import DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita

from ..client.actions import ACTIONS, BY_NAME, Action, Source, Value
from ..client.choices import dynamic_parameter
from ..client.messages import Failure, Job, Result
from . import document, results, settings
from .compat import QtCore, QtWidgets
from .dialogs import ActionDialog, SettingsDialog
from .docker import Docker, open_log
from .job_runner import Outcome, Runner

MENU = "inlay_menu"
registered: list[Any] = []
"""What Krita was given. Krita 6 deletes an extension that Python does not hold once anybody asks for all of them."""


def register() -> None:
    """Add Inlay to Krita. Called once, by the plug-in's entry file."""
    krita = Krita.instance()
    runner = Runner(settings.load)
    extension = InlayExtension(krita, runner)
    registered.append(extension)
    krita.addExtension(extension)
    place = DockWidgetFactoryBase.DockPosition.DockRight  # in full: Krita 6 has no short form
    krita.addDockWidgetFactory(DockWidgetFactory("inlay_docker", place, lambda: Docker(runner)))


def menu_actions() -> list[Action]:
    """The actions that the menu shows."""
    return [action for action in ACTIONS if settings.diagnosing() or not action.hidden]


class InlayExtension(Extension):
    """Made once; `createActions` is called for every window."""

    def __init__(self, parent: Any, runner: Runner) -> None:
        super().__init__(parent)
        self.runner = runner
        self._waiting: list[tuple[Result, document.Origin, str]] = []  # until `results.is_due`
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(200)
        self._timer.timeout.connect(self._deliver)

    def setup(self) -> None:
        """Called by Krita once it is up."""
        QtWidgets.QApplication.instance().aboutToQuit.connect(self.runner.close)

    def createActions(self, window: Any) -> None:  # noqa: N802 (Krita's name)
        """Called by Krita for every window: make its menu."""
        top = window.createAction(MENU, "Inlay", "tools")
        menu = QtWidgets.QMenu(MENU, window.qwindow())
        top.setMenu(menu)
        folders: dict[str, str] = {"": f"tools/{MENU}"}
        for action in menu_actions():
            if action.menu not in folders:
                name = f"{MENU}_{action.menu.lower()}"
                folder = window.createAction(name, action.menu, f"tools/{MENU}")
                folder.setMenu(QtWidgets.QMenu(name, window.qwindow()))
                folders[action.menu] = f"tools/{MENU}/{name}"
            label = action.label + ("…" if needs_dialog(action) else "")
            entry = window.createAction(action.procedure, label, folders[action.menu])
            entry.setToolTip(action.help)
            entry.triggered.connect(lambda *_, action=action: self.ask(action))
        for name, label, place in (
            ("inlay-cancel", "Cancel Job", self.runner.cancel),
            ("inlay-settings", "Inlay Settings…", self.ask_settings),
            ("inlay-log", "Show Log File", open_log),
        ):
            entry = window.createAction(name, label, f"tools/{MENU}")
            entry.triggered.connect(lambda *_, place=place: place())

    def ask(self, action: Action) -> None:
        """A menu entry was chosen: check the document, ask for parameters, run."""
        current = Krita.instance().activeDocument()
        try:
            self._check_free()
            origin = document.check(action, current)
            listing = _listing(action, origin)
        except document.Refusal as refusal:
            self._refuse(action.label, refusal)
            return
        if not needs_dialog(action):
            self.run(action, {}, {})
            return
        dialog = ActionDialog(action, settings.last_values(action), document.other_layers(current), _window())
        dialog.accepted.connect(lambda: self.run(action, dialog.values(), dialog.others()))
        dialog.finished.connect(lambda *_: dialog.deleteLater())
        dialog.open()
        if listing is not None and dialog.dynamic_choices is not None:
            self.runner.start(listing, f"Looking at '{origin.title}'", dialog.dynamic_choices.show_outcome)
            dialog.rejected.connect(lambda: self.runner.cancel() if self.runner.job is listing else None)

    def run(self, action: Action, values: dict[str, Value], others: dict[str, str]) -> None:
        """Send a job for the active document. `others` are the unique ids of the layers picked for inputs."""
        try:
            self._check_free()
            parameters = action.check(dict(values))
            suited = action.suited(parameters)
            origin = document.check(suited, Krita.instance().activeDocument())
            job = Job(action.name, parameters, document.gather(suited, origin, others))
        except document.Refusal as refusal:
            self._refuse(action.label, refusal)
            return
        settings.keep_values(action, action.following(parameters))
        combine = str(parameters.get("mode", "replace"))
        self.runner.start(job, action.label, lambda outcome: self._end(outcome, action.label, origin, combine))

    def ask_settings(self) -> None:
        """Show the settings."""
        dialog = SettingsDialog(settings.load(), _window())

        def accept() -> None:
            settings.save(dialog.settings())
            self.runner.reconnect()

        dialog.accepted.connect(accept)
        dialog.finished.connect(lambda *_: dialog.deleteLater())
        dialog.open()

    def _check_free(self) -> None:
        if self.runner.job is not None:
            raise document.Refusal(f"'{self.runner.title}' is still running.", "Wait for it, or cancel it first.")

    def _end(self, outcome: Outcome, title: str, origin: document.Origin, combine: str) -> None:
        """A job is over: put its result in place as soon as that can be done, or say why there is none."""
        if isinstance(outcome, Failure):
            _warn(title, outcome.message, outcome.remedy, outcome.log)
        elif outcome is not None:
            self._waiting.append((outcome, origin, combine))
            if not results.is_due(outcome, origin):
                self._report(f"The result for '{origin.title}' waits until that image is in front again.")
            self._deliver()

    def _deliver(self) -> None:
        """Put what is due in place.

        Nothing while a dialog is open: it may be the one that asks whether to save the image before it is closed, and
        Krita 5.1 has been seen to crash when an image was closed right after a change.
        """
        free = QtWidgets.QApplication.activeModalWidget() is None
        waiting, self._waiting = self._waiting, []
        for result, origin, combine in waiting:
            if free and results.is_due(result, origin):
                self._apply(result, origin, combine)
            else:
                self._waiting.append((result, origin, combine))
        if not self._waiting:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def _apply(self, result: Result, origin: document.Origin, combine: str) -> None:
        try:
            for note in results.apply(result, origin, combine):
                self._report(note)
        except document.Refusal as refusal:
            self._refuse("Inlay", refusal)

    def _report(self, note: str) -> None:
        self.runner.note(note)
        self.runner.changed.emit()
        _message(f"Inlay: {note}")

    def _refuse(self, title: str, refusal: document.Refusal) -> None:
        self.runner.note(f"{title}: {refusal}")
        self.runner.changed.emit()
        _warn(title, refusal.message, refusal.remedy)


def _listing(action: Action, origin: document.Origin) -> Job | None:
    """The job that finds out what the layer offers for the action's parameter that depends on it, if it has one."""
    parameter = dynamic_parameter(action)
    if parameter is None:
        return None
    listing = BY_NAME[parameter.choice_provider]
    return Job(listing.name, listing.check({}), document.gather(listing, origin, {}))


def needs_dialog(action: Action) -> bool:
    """Whether there is anything to ask for."""
    return bool(action.parameters) or any(i.source is Source.OTHER for i in action.inputs)


def _window() -> Any:
    window = Krita.instance().activeWindow()
    return window.qwindow() if window else None


def _message(text: str) -> None:
    view = Krita.instance().activeWindow().activeView() if Krita.instance().activeWindow() else None
    if view is not None:
        view.showFloatingMessage(text, Krita.instance().icon("dialog-information"), 6000, 1)


def _warn(title: str, message: str, remedy: str, log: str = "") -> None:
    """Say what happened and what to do, without holding anything up."""
    box = QtWidgets.QMessageBox(_window())
    box.setObjectName("inlay-message")
    box.setIcon(QtWidgets.QMessageBox.Icon.Warning)
    box.setWindowTitle(f"Inlay: {title}")
    box.setText(message)
    box.setInformativeText(remedy)
    box.setStandardButtons(QtWidgets.QMessageBox.StandardButton.Ok)
    if log:
        box.setDetailedText(f"Log: {log}")
        box.addButton("Show Log File", QtWidgets.QMessageBox.ButtonRole.HelpRole).clicked.connect(open_log)
    box.finished.connect(lambda *_: box.deleteLater())
    box.open()
