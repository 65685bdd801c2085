"""A custom style in training, as the editors follow it: it goes on beside them, and is asked how far it is."""

from __future__ import annotations

from collections.abc import Mapping

from .messages import Job

ACTION = "style.train"
PAUSE = 2.0
"""Seconds between two looks how far it is."""
_FOLLOWED = ("begin", "resume", "status")


def followed(action: str, values: Mapping[str, object]) -> str:
    """Name of the style whose training is to be followed after this; empty where there is none."""
    return str(values["name"]) if action == ACTION and values["command"] in _FOLLOWED else ""


def question(name: str) -> Job:
    """The job that tells how far it is: as progress while it goes on, as a note once it has ended."""
    return Job("style.training", {"name": name}, {})


def ended(note: str) -> str:
    """What the user is told of the end."""
    return f"{note}. It is in the list of Style > Stylize with Custom Style." if note.endswith(": trained") else note
