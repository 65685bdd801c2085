"""The plug-in as GIMP sees it: one procedure and one menu entry for each action of the table."""

from __future__ import annotations

import os
import sys
from typing import Any

from gi.repository import Gimp

from ..client.actions import ACTIONS, Action
from . import arguments, procedure_run

_MENU = "<Image>/Filters/Inlay"
_BY_PROCEDURE = {name: action for action in ACTIONS for name in (action.procedure, *action.old_procedures)}


class Inlay(Gimp.PlugIn):  # type: ignore[misc]  # GObject introspection has no types
    """Tells GIMP what there is, and makes the procedure that GIMP asks for."""

    def do_set_i18n(self, name: str) -> bool:
        return False  # the texts are English; GIMP would look for a catalog

    def do_query_procedures(self) -> list[str]:
        return list(_BY_PROCEDURE)

    def do_create_procedure(self, name: str) -> Any:
        action = _BY_PROCEDURE[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, procedure_run.run, action)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_documentation(action.help, action.help, None)
        procedure.set_attribution("Inlay", "Inlay", "2026")
        if name == action.procedure:
            procedure.set_menu_label(f"{action.label}...")
            if (place := menu_place(action)) is not None:
                procedure.add_menu_path(place)
        arguments.declare(procedure, action)
        return procedure


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
