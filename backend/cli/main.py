"""`inlay`: the command line. Each command is a module of `backend.cli`, imported when it is called."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from backend import __version__
from backend.cli import CommandError, Exit
from plugin.client.actions import ACTIONS

EPILOG = """exit codes: 0 done, 2 bad usage, 3 bad input or nothing found in it,
4 backend unreachable, 5 job failed, 130 interrupted
`inlay COMMAND --help` shows a command's options."""


@dataclass(frozen=True, slots=True)
class Command:
    """A word after `inlay`, its line in the help, the actions it needs at least one of (a family or none), and its
    module where that has another name."""

    name: str
    help: str
    family: str = ""
    module: str = ""

    @property
    def available(self) -> bool:
        """Whether an action that it runs is in the table."""
        return not self.family or any(a.name.startswith(self.family + ".") for a in ACTIONS)


COMMANDS = {
    command.name: command
    for command in (
        Command("serve", "run the backend in the foreground"),
        Command("select", "select something in images; writes masks", "select"),
        Command("cutout", "select something in images; writes it on transparent ground", "cutout"),
        Command("fill", "remove something from images and fill its place", "fill"),
        Command("remove", "find people, small objects, dust in images and remove them", "fill"),
        Command("paste", "paste a part of one image into another and harmonize it", "paste"),
        Command("compose", "put the person of a portrait into a painting", "paste"),
        Command("style", "repaint images in the style of a painting", "style"),
        Command("background", "blur the background of images, or take its color", "background"),
        Command("batch", "apply a recipe to folders of images; goes on where it was stopped", module="apply_recipe"),
        Command("replace-sky", "put the sky of another image into an image", "paste"),
        Command("train-style", "train a custom style from a painting"),
        Command("models", "list, fetch, import and remove networks that others have made"),
        Command("editors", "put the plug-in into GIMP and Krita, or take it out"),
        Command("doctor", "say how the installation is doing, and try it"),
        Command("demo", "try everything on the photographs that come along"),
    )
    if command.available
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code (see `backend.cli.Exit`)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        _overview().parse_args(words or ["--help"])
    command = COMMANDS[words[0]]
    module = import_module(f"backend.cli.{command.module or command.name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"inlay {command.name}", description=module.__doc__)
    module.add_arguments(parser)
    arguments = parser.parse_args(_joined(words[1:]))
    try:
        return int(module.run(arguments))
    except CommandError as error:
        print(f"inlay {command.name}: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print(f"\ninlay {command.name}: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED


def _joined(words: list[str]) -> list[str]:
    """The words with "--at -3,10" made "--at=-3,10": argparse would take such a point for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1].startswith("--") and re.fullmatch(r"-\d+(,-?\d+)+", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _overview() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {command.name:<13}{command.help}" for command in COMMANDS.values())
    parser = argparse.ArgumentParser(
        prog="inlay",
        description=f"Select, fill, paste and restyle, as GIMP and Krita do with Inlay.\n\ncommands:\n{lines}",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"inlay {__version__}")
    parser.add_argument("command", choices=list(COMMANDS), metavar="COMMAND", help="one of the above")
    return parser


if __name__ == "__main__":
    sys.exit(main())
