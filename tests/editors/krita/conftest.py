"""One Krita a transport for all tests: starting it takes seconds, a test in it milliseconds."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.editors.backend import Backend
from tests.editors.display import Display
from tests.editors.krita.harness import Krita, install_into, install_remote
from tests.editors.program import install
from tests.editors.trees import KRITA_TREE, check_can_enter, krita_root, vendored_pyzmq


@pytest.fixture(scope="package")
def display() -> Iterator[Display]:
    with Display() as screen:
        yield screen


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vendored_pyzmq(tmp_path_factory.mktemp("vendor"), krita_root())


@pytest.fixture(scope="package", params=["pyzmq", "pure"])
def session(request: pytest.FixtureRequest, display: Display, vendor: Path) -> Iterator[Krita]:
    """Krita in a fresh home, with a backend of its own that is started when first needed."""
    if not (krita_root() / "usr/bin/krita").exists():
        pytest.fail(f"There is no Krita in {krita_root()}; apt-get install krita python3-pyqt5, or see {KRITA_TREE}")
    with tempfile.TemporaryDirectory(prefix="ik-") as folder:  # short: a socket's path takes 107 bytes
        home = Path(folder)
        install_into(home, vendor if request.param == "pyzmq" else None)
        install_remote(home)
        with _backend(home) as installed, Krita(display, home, installed | {"INLAY_TRANSPORT": request.param}) as krita:
            krita.run(
                "settings.save(settings.Settings(keep_running=False)); K.activeWindow().qwindow().showMaximized()"
            )
            yield krita
            assert krita.quit() == 0


@contextmanager
def _backend(home: Path) -> Iterator[dict[str, str]]:
    """What the plug-in is told, so that it finds a backend: here, or outside of the tree that Krita is in."""
    run, data, program = home / "run", home / "data", install(home / "program")
    common = {"INLAY_RUN_DIR": str(run), "INLAY_DATA_DIR": str(data)}
    if krita_root() == Path("/"):
        yield {"INLAY_BACKEND_PYTHON": sys.executable, "INLAY_BACKEND_PATH": str(program), **common}
        return
    check_can_enter(krita_root())
    run.mkdir(mode=0o700)
    data.mkdir()
    backend = Backend(data, run, program)
    yield {**backend.environment, **common}
    backend.stop()


@pytest.fixture
def krita(session: Krita) -> Iterator[Krita]:
    """Krita with no job running. The image of the test before is still open, behind what the test opens."""
    yield session
    session.run("clear()")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.krita)
