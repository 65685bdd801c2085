"""The extension: the menu Tools > Inlay, and the way from a menu entry to a job to a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from krita import DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita

from ..client.actions import ACTIONS, BY_NAME, Action, Value
from ..client.choices import DynamicChoice, dynamic_parameter
from ..client.messages import Failure, Job, Result
from ..client.names import named
from ..client.server import preferences
from ..client.server.launcher import LaunchError
from ..client.training import followed
from . import document, messages, results, settings
from .actionfile import entries, needs_dialog
from .compat import QtWidgets
from .delivery import Delivery
from .dialogs import ActionDialog
from .docker import Docker
from .job_runner import Outcome, Runner
from .last_result import LastResult, Shown
from .log_view import open_log
from .models_window import ModelsWindow
from .settings_dialog import SettingsDialog
from .training import TrainingWatch
from .undo_watch import watcher

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
    krita.addDockWidgetFactory(DockWidgetFactory("inlay_docker", place, lambda: Docker(runner, extension)))


def menu_actions() -> list[Action]:
    """The actions that the menu shows."""
    return [action for action in ACTIONS if settings.diagnosing() or not action.hidden]


def manage_models() -> None:
    """Show the window of models."""
    window = ModelsWindow(settings.load().installation(), Krita.instance().activeWindow().qwindow())
    window.finished.connect(lambda *_: window.deleteLater())
    window.show()


@dataclass(frozen=True, slots=True)
class Run:
    """A job of an action, and where its result belongs."""

    job: Job
    origin: document.Origin
    combine: str  # how a selection joins the current one
    names: dict[str, str]  # of the layers that its inputs are
    choices: Sequence[DynamicChoice]  # what the dialog found in the image


class InlayExtension(Extension):
    """Made once; `createActions` is called for every window."""

    def __init__(self, parent: Any, runner: Runner) -> None:
        super().__init__(parent)
        self.runner = runner
        self.delivery = Delivery(runner, self)
        self.last = LastResult(runner, self.delivery, self)
        self.training = TrainingWatch(runner, self.delivery.report, self)

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
            for name, label, at_once in entries(action):
                entry = window.createAction(name, label, folders[action.menu])
                entry.setToolTip(action.help)
                chosen = self.run_at_once if at_once else self.ask
                entry.triggered.connect(lambda *_, action=action, chosen=chosen: chosen(action))
        for name, label, place in (
            ("inlay-cancel", "Cancel Job", self.runner.cancel),
            ("inlay-settings", "Inlay Settings…", self.ask_settings),
            ("inlay-models", "Manage Models…", manage_models),
            ("inlay-log", "Show Log File", open_log),
        ):
            entry = window.createAction(name, label, f"tools/{MENU}")
            entry.triggered.connect(lambda *_, place=place: place())

    def run_at_once(self, action: Action) -> None:
        """A menu entry of one click was chosen: run with the values of the last time."""
        self.run(action, settings.last_values(action), {})

    def ask(self, action: Action) -> None:
        """A menu entry was chosen: check the document, ask for parameters, run."""
        current = Krita.instance().activeDocument()
        try:
            origin = document.check(action, current)
            listing = _listing(action, origin)
        except document.Refusal as refusal:
            self.delivery.refuse(action.label, refusal)
            return
        if not needs_dialog(action):
            self.run(action, {}, {})
            return
        there = document.inputs_there(action, origin)
        dialog = ActionDialog(
            action, settings.last_values(action), document.other_layers(current), there, messages.window()
        )
        dialog.accepted.connect(lambda: self.run(action, dialog.values(), dialog.others(), dialog.choices()))
        dialog.finished.connect(lambda *_: dialog.deleteLater())
        dialog.open()
        if listing is not None and dialog.dynamic_choices is not None:
            self.runner.start(listing, f"Looking at '{origin.title}'", dialog.dynamic_choices.show_outcome)
            dialog.rejected.connect(lambda: self.runner.withdraw(listing))

    def run(
        self,
        action: Action,
        values: dict[str, Value],
        others: dict[str, str],
        choices: Sequence[DynamicChoice] = (),
    ) -> None:
        """Send a job for the active document.

        Args:
            action: what is to be done.
            values: by parameter; defaults for the rest.
            others: unique ids of the layers picked for inputs, by input.
            choices: what the dialog found in the image for the action's parameter that depends on it.
        """
        try:
            parameters = action.check(dict(values))
            suited = action.suited(parameters)
            origin = document.check(suited, Krita.instance().activeDocument())
            job = Job(action.name, parameters, document.gather(suited, origin, others))
            names = document.input_names(action, origin, others)
        except document.Refusal as refusal:
            self.delivery.refuse(action.label, refusal)
            return
        settings.keep_values(action, action.following(parameters))
        self.training.dismiss()
        run = Run(job, origin, str(parameters.get("mode", "replace")), names, choices)
        self.runner.start(job, action.label, lambda outcome: self._end(outcome, action, run), origin.is_open)

    def ask_settings(self) -> None:
        """Show the settings."""
        before = preferences.load()
        dialog = SettingsDialog(settings.load(), before, _shortcuts(), messages.window())

        def accept() -> None:
            settings.save(dialog.settings())
            if (wanted := dialog.preferences()) != before:
                try:
                    preferences.save(wanted)
                except (OSError, LaunchError) as error:
                    messages.warn("Settings", f"The backend's settings cannot be kept: {error}.", "")
                self.runner.restart_backend()
            self.runner.reconnect()

        dialog.accepted.connect(accept)
        dialog.finished.connect(lambda *_: dialog.deleteLater())
        dialog.open()

    def _end(self, outcome: Outcome, action: Action, run: Run) -> None:
        """A job is over: put its result in place as soon as that can be done, or say why there is none."""

        def put(result: Result) -> results.Applied:
            applied = results.apply(result, run.origin, run.combine)
            if result.outputs:
                self.last.remember(Shown(run.job, run.origin, run.combine, applied, run.names, run.choices))
            if action.hides_layer and applied.layers:
                watcher().hide(run.origin.document, run.origin.layer, applied.layers[0])
            return applied

        if isinstance(outcome, Failure):
            messages.warn(action.label, outcome.message, outcome.remedy, outcome.log)
        elif isinstance(outcome, Result):
            result = named(outcome, action, run.names)
            self.delivery.take(result, run.origin, lambda: put(result))
            if name := followed(action.name, run.job.parameters):
                self.training.follow(name, " ".join(outcome.notes))


def _listing(action: Action, origin: document.Origin) -> Job | None:
    """The job that finds out what the layer offers for the action's parameter that depends on it, if it has one."""
    parameter = dynamic_parameter(action)
    if parameter is None:
        return None
    listing = BY_NAME[parameter.choice_provider]
    return Job(listing.name, listing.check({}), document.gather(listing, origin, {}, for_thumbnails=True))


def _shortcuts() -> list[str]:
    """The shortcuts that Inlay's entries have at present."""
    found = []
    for action in menu_actions():
        for name, label, _at_once in entries(action):
            entry = Krita.instance().action(name)
            if entry is not None and (keys := entry.shortcut().toString()):
                found.append(f"{label}: {keys}")
    return found
