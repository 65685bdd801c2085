"""The plug-in as GIMP sees it: a procedure and a menu entry for each action of the table, and another one for
those that need no dialog."""

from __future__ import annotations

import os
import sys
from typing import Any

from gi.repository import Gimp

from ..client.actions import ACTIONS, Action
from . import arguments, models_window, procedure_run

_MENU = "<Image>/Filters/Inlay"
_BY_PROCEDURE = {name: action for action in ACTIONS for name in (action.procedure, *action.old_procedures)}
_AT_ONCE = {f"{action.procedure}-at-once": action for action in ACTIONS if action.one_click}


class Inlay(Gimp.PlugIn):  # type: ignore[misc]  # GObject introspection has no types
    """Tells GIMP what there is, and makes the procedure that GIMP asks for."""

    def do_set_i18n(self, name: str) -> bool:
        return False  # the texts are English; GIMP would look for a catalog

    def do_query_procedures(self) -> list[str]:
        return [*_BY_PROCEDURE, *_AT_ONCE, models_window.PROCEDURE]

    def do_create_procedure(self, name: str) -> Any:
        if name == models_window.PROCEDURE:
            return _models(self)
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


def _models(plug_in: Any) -> Any:
    """The procedure that shows the window of models."""
    procedure = Gimp.ImageProcedure.new(plug_in, models_window.PROCEDURE, Gimp.PDBProcType.PLUGIN, _manage_models, None)
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
    procedure.set_documentation(models_window.HELP, models_window.HELP, None)
    procedure.set_attribution("Inlay", "Inlay", "2026")
    procedure.set_menu_label(f"{models_window.LABEL}...")
    procedure.add_menu_path(_MENU)
    return procedure


def _manage_models(procedure: Any, *_: Any) -> Any:
    models_window.show()
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
