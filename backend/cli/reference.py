"""docs/actions.md, made from the table of actions. `python -m backend.cli.reference` writes it anew."""

from __future__ import annotations

from pathlib import Path

from plugin.client.actions import ACTIONS, Action, Kind, Parameter, Source

FILE = Path(__file__).parents[2] / "docs/actions.md"
HEAD = """# What Inlay can do

Made from `plugin/client/actions` by `python -m backend.cli.reference`. In Krita the entries are in
Tools > Inlay, in GIMP in Filters > Inlay; scripts find the procedure under its name in GIMP's procedure browser.
"""
SOURCES = {
    Source.LAYER: "the active layer",
    Source.VISIBLE: "the active layer with what is seen below it",
    Source.BELOW: "what is seen below the active layer",
    Source.SELECTION: "the selection",
    Source.OTHER: "a layer that you choose",
}


def text() -> str:
    """The file's content."""
    return HEAD + "".join(_section(action) for action in ACTIONS if not action.hidden)


def _section(action: Action) -> str:
    inputs = ", ".join(SOURCES[i.source] + ("" if i.required else " (if there is one)") for i in action.inputs)
    place = f"{action.menu} > {action.label}" if action.menu else action.label
    lines = [
        f"\n## {place}\n",
        f"{action.help}\n",
        f"Needs {inputs}. Gives a {action.result.value}. GIMP procedure: `{action.procedure}`.\n",
    ]
    if action.parameters:
        lines.append("| setting | values | default | |\n| --- | --- | --- | --- |")
        lines += [_row(parameter) for parameter in action.parameters]
        lines.append("")
    return "\n".join(lines)


def _row(parameter: Parameter) -> str:
    if parameter.kind is Kind.CHOICE:
        values = ", ".join(f"{label} (`{value}`)" for value, label in parameter.choices)
    elif parameter.kind is Kind.SWITCH:
        values = "on, off"
    elif parameter.minimum is not None and parameter.maximum is not None:
        values = f"{parameter.minimum:g} to {parameter.maximum:g}{parameter.unit}"
    else:
        values = parameter.kind.value
    default = ("off", "on")[bool(parameter.default)] if parameter.kind is Kind.SWITCH else parameter.default
    return f"| {parameter.label} (`{parameter.name}`) | {values} | {default} | {parameter.help} |"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
