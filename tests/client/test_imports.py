"""What it costs an editor to load the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_loading_costs_less_than_the_standard_library_it_stands_on_and_brings_nothing_else() -> None:
    script = (
        "import sys, time\n"
        "times = [time.process_time()]\n"
        "import dataclasses, hashlib, json, mmap, pathlib, selectors, socket, subprocess, tempfile, typing, uuid\n"
        "times.append(time.process_time())\n"
        "import plugin.client.connection\n"
        "times.append(time.process_time())\n"
        "print((times[2] - times[1]) / (times[1] - times[0]), 'zmq' in sys.modules, 'numpy' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    assert runs[0].split()[1:] == ["False", "False"]
    assert min(float(run.split()[0]) for run in runs) < 1.0
