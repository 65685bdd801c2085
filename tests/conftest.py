"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator

import pytest

from plugin.client.net.connection import Connection
from tests.backends import Backend, Talker

StartBackend = Callable[..., Backend]


@pytest.fixture
def start_backend() -> Iterator[StartBackend]:
    """Starts backends with the given options; each is ended afterwards, and its log shown when the test failed."""
    started: list[Backend] = []

    def start(*options: str) -> Backend:
        backend = Backend(*options)
        started.append(backend)
        backend.start()
        return backend

    yield start
    for backend in started:
        try:
            backend.stop()
        finally:
            print(f"--- log of the backend in {backend.run_dir}\n{backend.log.read_text()}", file=sys.stderr)
            shutil.rmtree(backend.run_dir)


@pytest.fixture
def backend(start_backend: StartBackend) -> Backend:
    """A running backend."""
    return start_backend()


@pytest.fixture
def talk() -> Iterator[Callable[..., Talker]]:
    """Connects bare clients (`tests.backends.Talker`) and disconnects them afterwards."""
    talkers: list[Talker] = []

    def connect(backend: Backend, client: str = "talker", **settings: object) -> Talker:
        talkers.append(Talker(backend.endpoint, client, **settings))
        return talkers[-1]

    yield connect
    for talker in talkers:
        talker.close()


@pytest.fixture
def talker(backend: Backend, talk: Callable[..., Talker]) -> Talker:
    """A bare client of `backend`."""
    return talk(backend)


@pytest.fixture
def connection(backend: Backend) -> Iterator[Connection]:
    """A client of `backend` as the editors have it."""
    with Connection("tests", endpoint=backend.endpoint) as connection:
        yield connection
