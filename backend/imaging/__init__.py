"""Image numerics without learned weights: numpy H x W x C at the edges, torch inside."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]
"""Called with the finished fraction of the work, 0..1, never falling."""

CancelCheck = Callable[[], bool]
"""Polled during long work; returning True stops it with `Cancelled`."""


class Cancelled(Exception):  # noqa: N818 - an outcome the user asked for, not an error
    """The work was stopped because its cancel check said so."""


def stop_if(cancelled: CancelCheck | None) -> None:
    """Raise `Cancelled` when the check is given and says so."""
    if cancelled is not None and cancelled():
        raise Cancelled("The work was cancelled before it finished.")
