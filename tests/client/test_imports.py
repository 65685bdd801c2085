"""What it costs an editor to load the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("zmq", "numpy", "hashlib", "subprocess", "tempfile", "uuid")
"""What is slow to load and, if at all, needed later."""


def test_loading_costs_less_than_the_standard_library_it_stands_on_and_brings_nothing_else() -> None:
    script = (
        f"LEFT_OUT = {LEFT_OUT}\n"
        "import sys, time\n"
        "times = [time.process_time()]\n"
        "import dataclasses, json, pathlib, selectors, socket, threading, typing\n"
        "times.append(time.process_time())\n"
        "import plugin.client.connection\n"
        "times.append(time.process_time())\n"
        "print((times[2] - times[1]) / (times[1] - times[0]), *(name for name in LEFT_OUT if name in sys.modules))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    assert runs[0].split()[1:] == []
    assert min(float(run.split()[0]) for run in runs) < 1.0
