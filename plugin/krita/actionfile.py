"""`inlay.action`, through which Krita knows the menu entries for its shortcuts, made from the table of actions.

`python -m plugin.krita.actionfile` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from ..client.actions import ACTIONS

FILE = Path(__file__).with_name("inlay.action")
_WITH_IMAGE, _ALWAYS = 10000, 0
"""Krita's activation flags: enabled while an image is open (KisAction::ACTIVE_IMAGE), always."""

_EXTRA = (
    ("inlay-cancel", "Cancel Job", "Stop the job that runs."),
    ("inlay-settings", "Inlay Settings…", "Where the backend is and how it is reached."),
    ("inlay-log", "Show Log File", "Show what the backend wrote."),
)


def text() -> str:
    """The file's content."""
    entries = [_entry(a.procedure, a.label, a.help, _WITH_IMAGE) for a in ACTIONS]
    entries += [_entry(*extra, _ALWAYS) for extra in _EXTRA]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ActionCollection version="2" name="Inlay">\n'
        '  <Actions category="Inlay">\n    <text>Inlay</text>\n'
        + "".join(entries)
        + "  </Actions>\n</ActionCollection>\n"
    )


def _entry(name: str, label: str, help_text: str, flags: int) -> str:
    return f"""\
    <Action name="{name}">
      <icon/>
      <text>{escape(label)}</text>
      <whatsThis>{escape(help_text)}</whatsThis>
      <toolTip>{escape(help_text)}</toolTip>
      <iconText>{escape(label)}</iconText>
      <activationFlags>{flags}</activationFlags>
      <activationConditions>0</activationConditions>
      <shortcut/>
      <isCheckable>false</isCheckable>
      <statusTip>{escape(help_text)}</statusTip>
    </Action>
"""


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
