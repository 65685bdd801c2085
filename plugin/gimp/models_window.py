"""The window of models: which there are, fetched with a pause, imported, removed; all of it from `client/models.py`."""

from __future__ import annotations

from typing import Any

import gi

from ..client.models import BUTTONS, COLUMNS, INTRODUCTION, TITLE, Model, details
from ..client.models_presenter import ModelsPresenter

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
    window.presenter.stop()
    window.dialog.destroy()


class ModelsWindow:
    """Shows the models and does one thing at a time with them."""

    def __init__(self) -> None:
        from gi.repository import GLib, Gtk

        self._gtk = Gtk
        self.models: list[Model] = []
        self.presenter = ModelsPresenter(self)
        self._pulsing = False
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
        self.table.get_selection().connect("changed", lambda *_: self.show_chosen())
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        scrolled.add(self.table)
        self.text, self.status = self._label(""), self._label("")
        self.progress = Gtk.ProgressBar()
        row = Gtk.Box(spacing=6)
        self.buttons = [self._button(row, each.label, self._press(each.words)) for each in BUTTONS]
        self.import_button = self._button(row, "Import File...", self._import)
        self.pause = self._button(row, "Pause", self.presenter.pause)
        self.cancel = self._button(row, "Cancel", self.presenter.cancel)
        for widget in (self._label(INTRODUCTION), scrolled, self.text, row, self.progress, self.status):
            box.pack_start(widget, widget is scrolled, widget is scrolled, 0)
        box.show_all()
        GLib.timeout_add(OFTEN, self._look)
        self.presenter.start(["list"])

    def chosen(self) -> Model | None:
        """The network of the chosen row."""
        places = self.table.get_selection().get_selected_rows()[1]
        return self.models[places[0].get_indices()[0]] if places else None

    def show_models(self, models: list[Model]) -> None:
        """Show the table anew; the same network is chosen as before."""
        name = getattr(self.chosen(), "name", "")
        self.models = models
        self.rows.clear()
        for model in models:
            place = self.rows.append([value(model) for _, value in COLUMNS])
            if model.name == name:
                self.table.get_selection().select_iter(place)

    def show_chosen(self) -> None:
        """Show the details of the chosen network, and which buttons can be pressed."""
        model, busy = self.chosen(), self.presenter.busy
        self.text.set_text(details(model) if model else "")
        for button, each in zip(self.buttons, BUTTONS, strict=True):
            button.set_sensitive(model is not None and not busy and each.enabled(model))
        self.import_button.set_sensitive(not busy)
        self.progress.set_visible(busy)
        for button in (self.pause, self.cancel):
            button.set_sensitive(self.presenter.fetching)

    def show_status(self, text: str) -> None:
        """Show a line about what has happened."""
        self.status.set_text(text)

    def show_progress(self, fraction: float) -> None:
        """Show how far a command is, 0 to 1; below 0: not known."""
        self._pulsing = fraction < 0
        self.progress.set_fraction(max(0.0, fraction))

    def _look(self) -> bool:
        self.presenter.look()
        if self._pulsing:
            self.progress.pulse()
        return True

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
                self.presenter.start(words(model))

        return pressed

    def _import(self) -> None:
        chooser = self._gtk.FileChooserDialog(title="Choose the File of a Network", transient_for=self.dialog)
        chooser.add_buttons("_Cancel", self._gtk.ResponseType.CANCEL, "_Import", self._gtk.ResponseType.OK)
        if chooser.run() == self._gtk.ResponseType.OK:
            self.presenter.start(["import", chooser.get_filename()])
        chooser.destroy()
