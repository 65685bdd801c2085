"""The window of models: which there are, fetched with a pause, imported, removed; all of it from `client/models.py`."""

from __future__ import annotations

from typing import Any

import gi

from ..client.models import BUTTONS, COLUMNS, INTRODUCTION, TITLE, Model, ModelsCommand, details
from ..client.server.launcher import LaunchError

PROCEDURE = "inlay-models"
LABEL = "Manage Models"
HELP = "Fetches, imports and removes networks that others have made, and says which one is used."
OFTEN = 150  # milliseconds between two looks at a command


def show() -> None:
    """The window, until it is closed. Only one thing is done at a time."""
    gi.require_version("GimpUi", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import GimpUi

    GimpUi.init("inlay")
    window = ModelsWindow()
    window.dialog.run()
    window.stop()
    window.dialog.destroy()


class ModelsWindow:
    """Shows the models and does one thing at a time with them."""

    def __init__(self) -> None:
        from gi.repository import GLib, Gtk

        self._gtk = Gtk
        self.models: list[Model] = []
        self._command: ModelsCommand | None = None
        self._words: list[str] = []
        self._then: list[list[str]] = []
        self.dialog = Gtk.Dialog(title=TITLE, default_width=900, default_height=560)
        self.dialog.add_button("_Close", Gtk.ResponseType.CLOSE)
        box = self.dialog.get_content_area()
        box.set_spacing(6)
        box.set_border_width(12)
        self.rows = Gtk.ListStore(*[str] * len(COLUMNS))
        self.table = Gtk.TreeView(model=self.rows)
        for number, (title, _) in enumerate(COLUMNS):
            column = Gtk.TreeViewColumn(title, Gtk.CellRendererText(ellipsize=3), text=number)
            column.set_resizable(True)
            column.set_min_width(80 if number else 220)
            column.set_expand(number == 4)
            self.table.append_column(column)
        self.table.get_selection().connect("changed", lambda *_: self._show_chosen())
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        scrolled.add(self.table)
        self.text, self.status = self._label(""), self._label("")
        self.progress = Gtk.ProgressBar()
        row = Gtk.Box(spacing=6)
        self.buttons = [self._button(row, each.label, self._press(each.words)) for each in BUTTONS]
        self.import_button = self._button(row, "Import File...", self._import)
        self.pause = self._button(row, "Pause", self._pause)
        self.cancel = self._button(row, "Cancel", self._cancel)
        for widget in (self._label(INTRODUCTION), scrolled, self.text, row, self.progress, self.status):
            box.pack_start(widget, widget is scrolled, widget is scrolled, 0)
        box.show_all()
        GLib.timeout_add(OFTEN, self._look)
        self._start(["list"])

    def chosen(self) -> Model | None:
        """The network of the chosen row."""
        places = self.table.get_selection().get_selected_rows()[1]
        return self.models[places[0].get_indices()[0]] if places else None

    def stop(self) -> None:
        """End what runs; what was fetched so far stays."""
        if self._command is not None:
            self._command.stop()

    def _label(self, text: str) -> Any:
        label = self._gtk.Label(label=text, xalign=0.0, wrap=True, selectable=True)
        label.set_max_width_chars(110)
        return label

    def _button(self, row: Any, label: str, pressed: Any) -> Any:
        button = self._gtk.Button(label=label)
        button.connect("clicked", lambda *_: pressed())
        row.pack_start(button, False, False, 0)
        return button

    def _press(self, words: Any) -> Any:
        def pressed() -> None:
            if (model := self.chosen()) is not None:
                self._start(words(model))

        return pressed

    def _start(self, words: list[str]) -> None:
        try:
            self._command = ModelsCommand(words)
        except LaunchError as error:
            self.status.set_text(str(error.failure))
            return
        self._words = words
        if words[0] != "list":
            self.status.set_text("")
        self._show_chosen()

    def _look(self) -> bool:
        for step in self._command.steps() if self._command is not None else []:
            if step.ended:
                self._ended(step.failure)
            else:
                self.progress.set_fraction(step.fraction)
        if self._command is not None and self._words[0] == "import":
            self.progress.pulse()
        return True

    def _ended(self, failure: str) -> None:
        command, self._command = self._command, None
        self.progress.set_fraction(0)
        if failure:
            self.status.set_text(failure)
        if self._words[0] == "list" and command is not None:
            self._show(command.models())
            return
        self._start(self._then.pop() if self._then else ["list"])

    def _show(self, models: list[Model]) -> None:
        name = getattr(self.chosen(), "name", "")
        self.models = models
        self.rows.clear()
        for model in models:
            place = self.rows.append([value(model) for _, value in COLUMNS])
            if model.name == name:
                self.table.get_selection().select_iter(place)
        self._show_chosen()

    def _show_chosen(self) -> None:
        model, busy = self.chosen(), self._command is not None and self._words[0] != "list"
        self.text.set_text(details(model) if model else "")
        for button, each in zip(self.buttons, BUTTONS, strict=True):
            button.set_sensitive(model is not None and not busy and each.enabled(model))
        self.import_button.set_sensitive(not busy)
        self.progress.set_visible(busy)
        for button in (self.pause, self.cancel):
            button.set_sensitive(busy and self._words[0] == "fetch")

    def _import(self) -> None:
        chooser = self._gtk.FileChooserDialog(title="Choose the File of a Network", transient_for=self.dialog)
        chooser.add_buttons("_Cancel", self._gtk.ResponseType.CANCEL, "_Import", self._gtk.ResponseType.OK)
        if chooser.run() == self._gtk.ResponseType.OK:
            self._start(["import", chooser.get_filename()])
        chooser.destroy()

    def _pause(self) -> None:
        self.stop()
        self.status.set_text("Paused. Fetch goes on from here.")

    def _cancel(self) -> None:
        self._then = [["remove", *self._words[1:]]]
        self.stop()
