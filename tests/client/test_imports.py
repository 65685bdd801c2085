"""What it costs an editor to load the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("zmq", "numpy", "hashlib", "subprocess", "tempfile", "uuid")
"""What is slow to load and, if at all, needed later."""


def test_loading_brings_the_standard_library_and_little_of_it() -> None:
    script = (
        "import sys\n"
        "import dataclasses, json, pathlib, selectors, socket, threading, typing\n"
        "before = set(sys.modules)\n"
        "import plugin.client.net.connection\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert not set(LEFT_OUT) & set(loaded)
    others = {name.split(".")[0] for name in loaded} - {"plugin"}
    assert others <= sys.stdlib_module_names
    assert len([name for name in loaded if not name.startswith("plugin")]) <= 10
