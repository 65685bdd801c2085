"""One Krita a transport for all tests: starting it takes seconds, a test in it milliseconds."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.display import Display
from tests.editors.krita.harness import ROOT, Krita, install_into, install_remote, vendored_pyzmq


@pytest.fixture(scope="package")
def display() -> Iterator[Display]:
    with Display() as screen:
        yield screen


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vendored_pyzmq(tmp_path_factory.mktemp("vendor"))


@pytest.fixture(scope="package", params=["pyzmq", "pure"])
def session(request: pytest.FixtureRequest, display: Display, vendor: Path) -> Iterator[Krita]:
    """Krita in a fresh home, with a backend of its own that is started when first needed."""
    if shutil.which("krita") is None:
        pytest.fail("Krita is missing; these tests need it: apt-get install krita python3-pyqt5")
    with tempfile.TemporaryDirectory(prefix="ik-") as folder:  # short: a socket's path takes 107 bytes
        home = Path(folder)
        install_into(home, vendor if request.param == "pyzmq" else None)
        install_remote(home)
        environment = {
            "INLAY_TRANSPORT": request.param,
            "INLAY_RUN_DIR": str(home / "run"),
            "INLAY_DATA_DIR": str(home / "data"),
            "INLAY_BACKEND_PYTHON": sys.executable,
            "INLAY_BACKEND_PATH": str(ROOT),
        }
        with Krita(display, home, environment) as krita:
            krita.run(
                "settings.save(settings.Settings(keep_running=False)); K.activeWindow().qwindow().showMaximized()"
            )
            yield krita
            assert krita.quit() == 0


@pytest.fixture
def krita(session: Krita) -> Iterator[Krita]:
    """Krita with no job running. The picture of the test before is still open, behind what the test opens."""
    yield session
    session.run("clear()")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.krita)
