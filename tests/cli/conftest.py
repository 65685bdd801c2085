"""Fixtures of the command line's tests."""

from .commands import one_process

__all__ = ["one_process"]
