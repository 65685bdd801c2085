"""`inlay.action`, through which Krita knows the menu entries for its shortcuts, made from the table of actions.

`python -m plugin.krita.actionfile` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from ..client.actions import ACTIONS, Action, Source

FILE = Path(__file__).with_name("inlay.action")
_WITH_IMAGE, _ALWAYS = 1, 0
"""Krita's activation flags, in binary: enabled while an image is open (KisAction::ACTIVE_IMAGE), always. What is wrong
with the active layer is said in words when the entry is chosen, which a gray entry could not."""

_SHORTCUTS = {
    "select.subject": "S", "cutout.background": "B", "fill.selection": "F", "fill.object": "O", "paste.harmonize": "H",
}  # fmt: skip
"""Letters of the default shortcuts, each with Ctrl+Alt+Shift: Krita and the usual desktops have none of these."""

_EXTRA = (
    ("inlay-cancel", "Cancel Job", "Stop the job that runs."),
    ("inlay-settings", "Inlay Settings…", "Where the backend is and how it is reached."),
    ("inlay-models", "Manage Models…", "Fetch, import and remove networks that others have made."),
    ("inlay-log", "Show Log File", "Show what the backend wrote."),
)


def entries(action: Action) -> list[tuple[str, str, bool]]:
    """An action's menu entries: Krita's name for each, its label, and whether it runs at once, without a dialog."""
    if not needs_dialog(action):
        return [(action.procedure, action.label, True)]
    if not action.one_click:
        return [(action.procedure, action.label + "…", False)]
    return [
        (action.procedure, action.label, True),
        (f"{action.procedure}-options", f"{action.label} with Options…", False),
    ]


def needs_dialog(action: Action) -> bool:
    """Whether there is anything to ask for."""
    return bool(action.parameters) or any(i.source is Source.OTHER for i in action.inputs)


def text() -> str:
    """The file's content."""
    parts = []
    for action in ACTIONS:
        for name, label, at_once in entries(action):
            letter = _SHORTCUTS.get(action.name) if at_once else None
            shortcut = f"Ctrl+Alt+Shift+{letter}" if letter else ""
            parts.append(_entry(name, label.removesuffix("…"), action.help, _WITH_IMAGE, shortcut))
    parts += [_entry(*extra, _ALWAYS) for extra in _EXTRA]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ActionCollection version="2" name="Inlay">\n'
        '  <Actions category="Inlay">\n    <text>Inlay</text>\n'
        + "".join(parts)
        + "  </Actions>\n</ActionCollection>\n"
    )


def _entry(name: str, label: str, help_text: str, flags: int, shortcut: str = "") -> str:
    return f"""\
    <Action name="{name}">
      <icon/>
      <text>{escape(label)}</text>
      <whatsThis>{escape(help_text)}</whatsThis>
      <toolTip>{escape(help_text)}</toolTip>
      <iconText>{escape(label)}</iconText>
      <activationFlags>{flags}</activationFlags>
      <activationConditions>0</activationConditions>
      <shortcut>{shortcut}</shortcut>
      <isCheckable>false</isCheckable>
      <statusTip>{escape(help_text)}</statusTip>
    </Action>
"""


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
