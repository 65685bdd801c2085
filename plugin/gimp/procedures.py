"""The plug-in as GIMP sees it: a procedure and a menu entry for each action of the table, and another one for
those that need no dialog."""

from __future__ import annotations

import os
import sys
from typing import Any

from gi.repository import Gimp, GObject

from ..client.actions import ACTIONS, Action
from . import arguments, models_window, procedure_run, result_window, settings_window

_MENU = "<Image>/Filters/Inlay"
_BY_PROCEDURE = {name: action for action in ACTIONS for name in (action.procedure, *action.old_procedures)}
_WINDOWS = {window.PROCEDURE: window for window in (result_window, models_window, settings_window)}
_AT_ONCE = {f"{action.procedure}-at-once": action for action in ACTIONS if action.one_click}


class Inlay(Gimp.PlugIn):  # type: ignore[misc]  # GObject introspection has no types
    """Tells GIMP what there is, and makes the procedure that GIMP asks for."""

    def do_set_i18n(self, name: str) -> bool:
        return False  # the texts are English; GIMP would look for a catalog

    def do_query_procedures(self) -> list[str]:
        return [*_BY_PROCEDURE, *_AT_ONCE, *_WINDOWS]

    def do_create_procedure(self, name: str) -> Any:
        if name in _WINDOWS:
            return _window(self, _WINDOWS[name])
        at_once = name in _AT_ONCE
        action = _AT_ONCE[name] if at_once else _BY_PROCEDURE[name]
        run = procedure_run.run_at_once if at_once else procedure_run.run
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, action)
        procedure.set_image_types("*")
        # also where it cannot be done: then a message says why, which a gray entry does not
        procedure.set_sensitivity_mask(
            Gimp.ProcedureSensitivityMask.DRAWABLE
            | Gimp.ProcedureSensitivityMask.DRAWABLES
            | Gimp.ProcedureSensitivityMask.NO_DRAWABLES
        )
        documentation = f"{action.help} With the settings it was last run with." if at_once else action.help
        procedure.set_documentation(documentation, documentation, None)
        procedure.set_attribution("Inlay", "Inlay", "2026")
        if at_once or name == action.procedure:
            procedure.set_menu_label(action.label if at_once else f"{action.label}...")
            if (place := menu_place(action)) is not None:
                procedure.add_menu_path(place)
        if not at_once:
            arguments.declare(procedure, action)
        return procedure


def _window(plug_in: Any, window: Any) -> Any:
    """The procedure that shows one of the windows that are not about one image: no action of Filters > Repeat Last."""
    procedure = Gimp.Procedure.new(plug_in, window.PROCEDURE, Gimp.PDBProcType.PLUGIN, _show_window, window)
    procedure.set_documentation(window.HELP, window.HELP, None)
    procedure.set_attribution("Inlay", "Inlay", "2026")
    procedure.set_menu_label(f"{window.LABEL}...")
    flags = GObject.ParamFlags.READWRITE
    modes = (Gimp.RunMode, Gimp.RunMode.INTERACTIVE)  # GIMP has nothing in its menus without one
    procedure.add_enum_argument("run-mode", "Run mode", "The run mode", *modes, flags)
    procedure.add_menu_path(_MENU)
    return procedure


def _show_window(procedure: Any, _: Any, window: Any) -> Any:
    window.show()
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


def menu_place(action: Action) -> str | None:
    """The submenu an action is shown in; None for those that only scripts call, unless INLAY_DIAGNOSE is 1.

    GIMP remembers the menus of a plug-in until the plug-in's file changes.
    """
    if action.hidden and os.environ.get("INLAY_DIAGNOSE") != "1":
        return None
    return f"{_MENU}/{action.menu}" if action.menu else _MENU


def main() -> None:
    """Answer GIMP, which started this process."""
    Gimp.main(Inlay.__gtype__, sys.argv)
