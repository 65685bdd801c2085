"""Run the backend in the foreground. Editors start it by themselves; this is for another machine, or for looking on."""

from __future__ import annotations

from backend.server.main import add_arguments
from backend.server.main import serve as run

__all__ = ["add_arguments", "run"]
