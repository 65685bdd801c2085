"""pyzmq from the folder `vendor` beside the plug-in, where the installer puts a wheel for the editor's Python."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "vendor"


def load_pyzmq(folder: Path = VENDOR) -> None:
    """Import zmq from `folder` unless this Python has one; do nothing where neither imports.

    The folder is on the path for this import alone, so that nothing else of it shadows another plug-in's modules.
    """
    with contextlib.suppress(ImportError):
        import_module("zmq")
        return
    sys.path.insert(0, str(folder))
    try:
        with contextlib.suppress(ImportError):
            import_module("zmq")
    finally:
        sys.path.remove(str(folder))
