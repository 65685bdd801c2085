"""One tree, one backend, and one console GIMP for each transport, shared by all tests of this folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.editors.backend import Backend
from tests.editors.display import Display
from tests.editors.program import install

from .harness import Gimp, Tree
from .window import HEIGHT, SHORTCUTS, WIDTH, Window

WARNING = re.compile(r"\(inlay\.py:(?!.*gimp_flush\(\): error: Broken pipe)")
"""A warning of a library in our plug-in's process. GIMP has warnings of its own, and may close the pipe of a plug-in
that has answered before the plug-in's last flush."""


@pytest.fixture(scope="session")
def tree() -> Iterator[Tree]:
    tree = Tree()
    yield tree
    tree.remove()


@pytest.fixture(scope="session")
def host(tree: Tree) -> Iterator[Backend]:
    """The backend, started when the first job asks for it."""
    backend = Backend(tree.home, tree.run, install(tree.home / "program"), tree.inside)
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
    gimp = Gimp(tree, "gimp-console-3", {**host.environment, "INLAY_TRANSPORT": transport})
    yield gimp
    printed = gimp.close()
    assert "CRITICAL" not in printed and "Traceback" not in printed, printed
    assert not WARNING.search(printed), printed


@pytest.fixture(scope="session")
def photographs(tree: Tree) -> dict[str, str]:
    """Photographs in the tree, by name, as paths inside it; "both" is a person and a cat side by side, "sky" a
    rocket with nothing beside it."""
    from PIL import Image
    from skimage import data

    paths = {}
    images = {name: getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")}
    images["sky"] = np.ascontiguousarray(data.rocket()[40:345, 215:428])
    images["both"] = np.hstack([images["astronaut"][:300, 80:400], images["chelsea"]])
    for name, pixels in images.items():
        path = Path(tree.home) / f"{name}.png"
        Image.fromarray(pixels).save(path)
        paths[name] = tree.inside(path)
    return paths


@pytest.fixture(scope="session")
def window(
    tree: Tree, host: Backend, photographs: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Window]:
    with Display(WIDTH, HEIGHT) as display:
        environment = {**host.environment, "INLAY_DIAGNOSE": "1", "DISPLAY": display.name}
        gimp = Gimp(tree, "gimp-3", environment, photographs["coffee"], shortcuts=SHORTCUTS)
        yield Window(display, gimp, tmp_path_factory.mktemp("screenshots"))
        printed = gimp.close()
    assert "Traceback" not in printed and "no mnemonic" not in printed, printed
    assert not WARNING.search(printed), printed


@pytest.fixture(autouse=True)
def all_has_ended(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test has begun in the window writes nothing into the image of the next one."""
    yield
    if "window" in request.fixturenames:
        request.getfixturevalue("window").rest()


@pytest.fixture
def astronaut(window: Window, photographs: dict[str, str]) -> Iterator[None]:
    """The window shows the astronaut."""
    window.open(photographs["astronaut"])
    yield
    window.open(photographs["coffee"])
