"""Put the plug-in into every GIMP 3 and Krita on this machine, where pip, pipx or uv have installed Inlay."""

from __future__ import annotations

import argparse
import json

from installer import editors, plugin
from installer.console import Console, InstallError
from installer.install import InThisEnvironment
from installer.machine import Machine
from installer.removal import remove_plugins

from . import CommandError, Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay editors`."""
    parser.add_argument(
        "verb",
        choices=("list", "install", "remove"),
        help="list: the editors found; install: the plug-in into all of them; remove: take it out again",
    )
    parser.add_argument("--json", action="store_true", help="with list: a line of JSON for each editor")


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit code."""
    try:
        machine = Machine.this()
    except RuntimeError:  # no home folder is known
        raise CommandError("your home folder is not known: set HOME, then run this again.", Exit.BAD_INPUT) from None
    console = Console(machine.data / "install.log")
    try:
        if arguments.verb == "install":
            InThisEnvironment(machine, console).run()
        elif arguments.verb == "remove":
            remove_plugins(machine, console)
        else:
            _list(machine, arguments.json)
    except InstallError as error:
        raise CommandError(str(error), Exit.JOB_FAILED) from None
    return Exit.DONE


def _list(machine: Machine, as_json: bool) -> None:
    for editor in editors.find(machine):
        there = plugin.installed(editor)
        if as_json:
            print(json.dumps({"name": editor.name, "plugins": str(editor.plugins), "installed": there}))
        else:
            print(f"{editor.name}: {'with' if there else 'without'} the plug-in ({editor.folder})")
