"""Run the backend in the foreground. Editors start it by themselves; this is for another machine, or for looking on."""

from __future__ import annotations

from backend.serve import add_arguments
from backend.serve import serve as run

__all__ = ["add_arguments", "run"]
