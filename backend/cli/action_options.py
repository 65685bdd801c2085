"""Options of the command line made from the table of actions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugin.client.actions import ACTIONS, Action, Kind, Parameter, Value

from . import usage
from .wording import plain


def family(name: str) -> list[Action]:
    """The actions "NAME.something" that the user can call."""
    return [action for action in ACTIONS if action.name.startswith(name + ".") and not action.hidden]


def add_parameters(parser: argparse.ArgumentParser, actions: Sequence[Action], leave_out: set[str]) -> None:
    """An option for every parameter of `actions`. One that is not given is absent from the parsed arguments."""
    group = parser.add_argument_group("settings")
    owners: dict[str, list[tuple[Action, Parameter]]] = {}
    for action in actions:
        for parameter in action.parameters:
            if parameter.name not in leave_out:
                owners.setdefault(parameter.name, []).append((action, parameter))
    for name, owned in owners.items():
        _, first = owned[0]
        only = "" if len(owned) == len(actions) else f" ({', '.join(_last(action) for action, _ in owned)} only)"
        text = (plain(first.help + only) + f" Default: {_shown(first)}.").replace("%", "%%")
        flag = "--" + name.replace("_", "-")
        if first.kind is Kind.SWITCH:
            options: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        elif first.kind is Kind.CHOICE:
            values = list(dict.fromkeys(value for _, parameter in owned for value, _ in parameter.choices))
            older = dict(first.choice_aliases)
            options = {"choices": values, "type": lambda word, older=older: older.get(word, word)}
        else:
            options = {"type": {Kind.INTEGER: int, Kind.NUMBER: float}.get(first.kind, str), "metavar": "N"}
        group.add_argument(flag, dest=name, default=argparse.SUPPRESS, help=text, **options)
        for alias in first.aliases:
            add_alias(group, "--" + alias.replace("_", "-"), name, **options)


def add_alias(group: argparse._ActionsContainer, flag: str, target: str, **options: Any) -> None:
    """An older spelling of the option whose value is `target`: still taken, absent from the help."""
    group.add_argument(flag, dest=target, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **options)


def given(options: dict[str, object], action: Action, actions: Sequence[Action]) -> dict[str, Value]:
    """All parameters of `action`: those among the parsed `options`, and defaults.

    Raises CommandError (usage) when one is out of range or belongs to another action of the family.
    """
    known = {parameter.name for other in actions for parameter in other.parameters}
    values = {name: value for name, value in options.items() if name in known}
    try:
        return action.check(values)
    except ValueError as error:
        raise usage(str(error)) from None


def numbers(count: int, shape: str, several: bool = False) -> type[argparse.Action]:
    """An argparse action for whole numbers with commas, such as X,Y,W,H; `several`: may be given again and again, which
    makes a list."""

    class Numbers(argparse.Action):
        def __call__(
            self,
            parser: argparse.ArgumentParser,
            namespace: argparse.Namespace,
            values: object,
            option_string: str | None = None,
        ) -> None:
            try:
                parsed = tuple(int(part) for part in str(values).split(","))
            except ValueError:
                parsed = ()
            if len(parsed) != count:
                raise argparse.ArgumentError(self, f"wants {shape} in whole pixels, not {values!r}")
            before = getattr(namespace, self.dest) or []
            setattr(namespace, self.dest, [*before, parsed] if several else parsed)

    return Numbers


def add_images(parser: argparse.ArgumentParser, tag: str) -> None:
    """The images of a command that works on many, and where their results go.

    Args:
        parser: of the command.
        tag: what the results' names get.
    """
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE",
        help='images, or folders of images; "-" is one from standard input',
    )  # fmt: skip
    group = parser.add_argument_group("files")
    group.add_argument(
        "-o", "--output", type=Path, metavar="OUT",
        help='file to write; with several images a folder; "-" is standard output. '
             f"Default: NAME-{tag} beside the image",
    )  # fmt: skip
    group.add_argument("-r", "--recursive", action="store_true", help="take the images in folders of folders, too")
    add_writing(group)
    group.add_argument("--json", action="store_true", help="say what became of each image as a line of JSON")
    group.add_argument(
        "--save-recipe", type=Path, metavar="FILE", help="also write what is done here as a recipe for `inlay batch`"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """The result of a command that makes one image."""
    group = parser.add_argument_group("files")
    group.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help='file to write; "-" is standard output'
    )
    add_writing(group)
    group.add_argument("--json", action="store_true", help="say what became of each image as a line of JSON")


def add_place(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """The options that say where an object is; `several`: by any number of points, on it and beside it."""
    parser.add_argument("--box", action=numbers(4, "X,Y,W,H"), metavar="X,Y,W,H", help="a box around the object")
    again = "; may be given several times" if several else ""
    parser.add_argument(
        "--point", action=numbers(2, "X,Y", several), metavar="X,Y", help=f"a point on the object{again}"
    )
    if several:
        parser.add_argument(
            "--not-point", action=numbers(2, "X,Y", several), metavar="X,Y",
            help=f"a point on what does not belong to it{again}",
        )  # fmt: skip


def add_writing(group: argparse._ActionsContainer) -> None:
    """The option that lets files be replaced."""
    group.add_argument(
        "--overwrite", action="store_true",
        help="replace files that exist; without, only unchanged results of Inlay are. Inputs are always kept",
    )  # fmt: skip


def add_running(parser: argparse.ArgumentParser) -> None:
    """The option that says where the work is done."""
    parser.add_argument(
        "--in-process", action="store_true", help="do the work in this process, without the backend beside it"
    )


def _last(action: Action) -> str:
    return action.name.rpartition(".")[2]


def _shown(parameter: Parameter) -> str:
    if parameter.kind is Kind.SWITCH:
        return "on" if parameter.default else "off"
    text = f"{parameter.default:g}" if isinstance(parameter.default, float) else str(parameter.default)
    return (text or "none") + parameter.unit
