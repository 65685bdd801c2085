"""Fixtures of the batch's tests."""

from tests.cli.commands import one_process

from .files import with_runners

__all__ = ["one_process", "with_runners"]
