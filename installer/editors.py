"""The editors on a machine: every Krita and every GIMP 3, however it was installed."""

from __future__ import annotations

from . import gimps, kritas
from .machine import Machine
from .programs import Editor

__all__ = ["Editor", "find"]


def find(machine: Machine) -> list[Editor]:
    """All Kritas and GIMPs, without repetitions, Krita first."""
    return list(dict.fromkeys([*kritas.find(machine), *gimps.find(machine)]))
