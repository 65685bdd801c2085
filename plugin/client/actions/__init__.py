"""The table of actions: what the user can ask Inlay to do.

Everything that depends on what actions exist is made from this table: the editors' menus and dialogs, the command
line's options, the backend's validation, the table in docs/actions.md. A new action is one entry in the file of its
menu here and one function in `backend/operations/`.
"""

from __future__ import annotations

from .cutout import CUTOUT
from .diagnose import DIAGNOSE
from .fill import FILL
from .paste import PASTE
from .schema import Action, Extent, Input, Kind, Parameter, ResultKind, Source, Value
from .select import CLASSES, SELECT
from .style import STYLIZE

ACTIONS: tuple[Action, ...] = (*SELECT, *CUTOUT, *FILL, *PASTE, *STYLIZE, *DIAGNOSE)
"""In the order of the menus."""

BY_NAME: dict[str, Action] = {action.name: action for action in ACTIONS}

__all__ = [
    "ACTIONS", "BY_NAME", "CLASSES", "Action", "Extent", "Input", "Kind", "Parameter", "ResultKind", "Source", "Value",
]  # fmt: skip
