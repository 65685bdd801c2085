"""Which backend a client talks to: one it was told of, this user's own, or one it starts now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from ..messages import ErrorCode, Failure
from ..net.link import LinkError
from . import preferences
from .endpoint import CONNECTION_FILE, Endpoint, EndpointError, listening, read_endpoint, run_directory
from .launcher import Installation, Launch, LaunchError, log_name

START_SECONDS = 60.0
"""How long a backend may take to start. It answers within a second; a cold disk or a virus scanner may take longer."""


class Locator:
    """Finds the backend of one Connection."""

    def __init__(
        self,
        start: bool,
        endpoint: Endpoint | None,
        installation: Installation | None,
        pause: Callable[[float], bool],
    ) -> None:
        """`pause(seconds)` waits, and says whether to go on."""
        self._start, self._given, self._installation, self._pause = start, endpoint, installation, pause
        self.latest: Endpoint | None = None  # the one that was found last

    def find(self) -> Endpoint:
        """A backend that accepts connections, started if need be. Raises LinkError when there is none."""
        try:
            self.latest = self._present() or self._started()
        except (EndpointError, LaunchError) as error:
            raise LinkError(error.failure) from None
        return self.latest

    def same(self, endpoint: Endpoint) -> bool:
        """Whether the backend of `endpoint` is still there."""
        try:
            return self._present() == endpoint
        except EndpointError:
            return False

    def another(self) -> bool:
        """Whether there is a backend, and it is not the one found last."""
        try:
            return self._present() not in (None, self.latest)
        except EndpointError:
            return False

    def _told(self) -> Endpoint | None:
        if self._given is None and (path := os.environ.get("INLAY_CONNECTION")):
            try:
                return read_endpoint(Path(path))
            except FileNotFoundError:
                raise EndpointError(f"there is no {path}", "INLAY_CONNECTION must name a connection file.") from None
        return self._given

    def _present(self) -> Endpoint | None:
        endpoint = self._told()
        if endpoint is None:
            try:
                endpoint = read_endpoint(run_directory() / CONNECTION_FILE)
            except FileNotFoundError:
                return None
        return endpoint if all(listening(endpoint.resolve(a)) for a in (endpoint.work, endpoint.control)) else None

    def _started(self) -> Endpoint:
        if told := self._told():
            raise _absent(f"Nobody answers at {told.resolve(told.work)}.", "Start the backend there.")
        if not self._start:
            raise _absent("The backend is not running.", "Start it: inlay serve")
        deadline = time.monotonic() + START_SECONDS
        with Launch(run_directory(), self._installation, preferences.load().arguments()) as launch:
            while True:
                mine = launch.started or launch.lock()
                if endpoint := self._present():
                    return endpoint
                if mine and not launch.started:
                    launch.start()
                if failure := launch.ended():
                    raise LinkError(failure)
                if time.monotonic() > deadline:
                    if failure := launch.absent():
                        raise LinkError(failure)
                    raise _absent(f"The backend did not start within {START_SECONDS:.0f} seconds.", "Look in the log.")
                if not self._pause(0.02):
                    raise _absent("The connection was closed.", "")


def _absent(message: str, remedy: str) -> LinkError:
    return LinkError(Failure(ErrorCode.UNREACHABLE, message, remedy, log_name()))
