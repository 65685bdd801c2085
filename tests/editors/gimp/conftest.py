"""One tree, one backend, and one console GIMP for each transport, shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Backend, Gimp, Tree


@pytest.fixture(scope="session")
def tree() -> Iterator[Tree]:
    tree = Tree()
    yield tree
    tree.remove()


@pytest.fixture(scope="session")
def host(tree: Tree) -> Iterator[Backend]:
    """The backend, started when the first job asks for it."""
    backend = Backend(tree)
    yield backend
    backend.stop()


@pytest.fixture(scope="session")
def console(tree: Tree, host: Backend) -> Iterator[Gimp]:
    """GIMP without a window, its plug-in forced to pyzmq."""
    yield from _console(tree, host, "pyzmq")


@pytest.fixture(scope="session")
def pure_console(tree: Tree, host: Backend) -> Iterator[Gimp]:
    """GIMP without a window, its plug-in forced to the transport of its own."""
    yield from _console(tree, host, "pure")


@pytest.fixture(params=["console", "pure_console"])
def either_console(request: pytest.FixtureRequest) -> Gimp:
    """One GIMP after the other: for what depends on the way to the backend."""
    gimp: Gimp = request.getfixturevalue(request.param)
    return gimp


def _console(tree: Tree, host: Backend, transport: str) -> Iterator[Gimp]:
    gimp = Gimp(tree, "gimp-console-3.0", {**host.environment, "INLAY_TRANSPORT": transport})
    yield gimp
    printed = gimp.close()
    assert "CRITICAL" not in printed and "Traceback" not in printed, printed


@pytest.fixture(scope="session")
def photographs(tree: Tree) -> dict[str, str]:
    """Photographs in the tree, by name, as paths inside it."""
    from PIL import Image
    from skimage import data

    paths = {}
    for name in ("astronaut", "coffee"):
        path = Path(tree.home) / f"{name}.png"
        Image.fromarray(getattr(data, name)()).save(path)
        paths[name] = tree.inside(path)
    return paths
