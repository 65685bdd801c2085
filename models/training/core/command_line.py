"""A dataclass as a command line: its fields are the options, their docstrings the help, their defaults the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def parse(config: type[T], arguments: Sequence[str], program: str, old: Mapping[str, str] | None = None) -> T:
    """The config that the arguments ask for.

    Args:
        config: a dataclass.
        arguments: without the program's name.
        program: its name, for messages.
        old: options of earlier versions and what they are now; they still work, but help does not name them.

    Returns:
        An instance of the config.

    Raises:
        SystemExit: the arguments are not right; the message says what is wrong.
    """
    import tyro  # here, since the training of custom styles inside the backend does without it

    markers = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
    try:
        return tyro.cli(config, prog=program, args=renamed(arguments, old or {}), config=markers)
    except ValueError as error:  # of the dataclass's own checks
        raise SystemExit(f"{program}: {error}") from None


def renamed(arguments: Sequence[str], old: Mapping[str, str]) -> list[str]:
    """The arguments with options of earlier versions as they are called now; `--old 1` may become `--new A 1`."""
    found: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in old:
            found += old[name].split() + ([value] if equals else [])
        else:
            found.append(argument)
    return found
