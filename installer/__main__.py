"""`python3 -m installer`: install, `--uninstall`, `test`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - an older Python is what has to be told
    sys.exit("Inlay's installer needs Python 3.10 or later; this is " + sys.version.split()[0])

from . import install, removal, testing, torch_build
from .console import Console, InstallError
from .machine import Machine


def main(argv: Sequence[str] | None = None) -> int:
    """Run the installer; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["test"]:
        return testing.main(words[1:])
    arguments = _parser().parse_args(words)
    try:
        machine = Machine.this()
    except RuntimeError:  # in a container, for example
        print("Your home folder is not known: set HOME, then run this again.", file=sys.stderr)
        return 1
    console = Console(machine.data / "install.log", arguments.dry_run)
    choices = install.Choices(arguments.torch, arguments.python, arguments.demo)
    try:
        if arguments.uninstall:
            removal.uninstall(machine, console, arguments.purge)
        else:
            install.Installation(machine, console, choices).run()
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        print("Run the same command again to go on from here.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to go on from here.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m installer",
        description="Set Inlay up: its backend, and the plug-in for every Krita and GIMP 3 on this machine.",
        epilog="python3 -m installer test sets up the test environment and runs the suite.",
    )
    parser.add_argument("--uninstall", action="store_true", help="take away what was installed")
    parser.add_argument(
        "--purge", action="store_true", help="with --uninstall: fetched models and your custom styles, too"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--torch", choices=torch_build.KINDS, default="auto", help="build of PyTorch (default: what fits this machine)"
    )
    parser.add_argument("--python", type=Path, metavar="PATH", help="Python that the environment is made with")
    parser.add_argument(
        "--demo", type=Path, default=Path("inlay-demo"), metavar="DIR", help="where the demo's images go"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
