"""What it costs an editor to load the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_importing_costs_little_and_brings_nothing_but_the_standard_library() -> None:
    script = (
        "import sys, time, dataclasses, json, socket, pathlib, typing, hashlib, subprocess, tempfile, uuid, mmap\n"
        "begun = time.process_time()\n"
        "import plugin.client.connection\n"
        "print(time.process_time() - begun, 'zmq' in sys.modules, 'numpy' in sys.modules)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert runs[0][1:] == ["False", "False"]
    assert min(float(run[0]) for run in runs) < 0.02
