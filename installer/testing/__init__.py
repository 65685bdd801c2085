"""`python3 -m installer test`: everything the suite needs on a bare machine, then the suite.

On Debian as root the editors come by themselves: Krita and the X tools from apt, GIMP 3.0 as a tree of Debian 13; and,
made while the suite already runs, trees with the newest GIMP and Krita 5 and with Krita 6. Elsewhere it says what is
missing; --without-editors runs the rest alone, --oldest-editors leaves out the newer ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..console import Console, InstallError
from . import environment, suite
from .places import Places


def main(argv: Sequence[str]) -> int:
    """Set up and run; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m installer test", description=__doc__.split("\n")[0])
    parser.add_argument("--without-editors", action="store_true", help="leave out what runs the real editors")
    parser.add_argument("--oldest-editors", action="store_true", help="leave out the newer editors")
    parser.add_argument("--setup-only", action="store_true", help="set up, run nothing")
    parser.add_argument("pytest", nargs="*", metavar="ARGUMENT", help="arguments for pytest, after --")
    arguments = parser.parse_args(argv)
    places = Places.this()
    console = Console(places.cache / "setup.log")
    try:
        missing = [] if arguments.without_editors else environment.prepare_editors(places, console)
        editors = not (missing or arguments.without_editors)
        newer = None
        if editors and not (arguments.oldest_editors or arguments.pytest):
            newer = environment.NewerEditors(places).wait
        environment.prepare_venv(places, console)
        for text in missing:
            console.say(f"missing: {text}")
        if arguments.setup_only:
            if newer is not None:
                newer()
            return 1 if missing else 0
        passed = suite.run(places, console, editors, arguments.pytest, newer)
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if missing:
        print("The tests in the real editors did not run; --without-editors accepts that.", file=sys.stderr)
    return 0 if passed and not missing else 1
