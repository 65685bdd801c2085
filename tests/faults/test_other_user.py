"""Another user of the same machine: sees nothing of the backend's folder and reaches none of its sockets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.client.server.endpoint import CONNECTION_FILE
from tests.backends import Backend

NOBODY = 65534
TRIES = """
import os, socket, sys
os.setgroups([])
os.setgid({other})
os.setuid({other})
for name in {names!r}:
    for attempt in (lambda: open(name).read(), lambda: socket.socket(socket.AF_UNIX).connect(name)):
        try:
            attempt()
        except PermissionError:
            continue
        except OSError as error:
            sys.exit(f"{{name}}: {{error}}")
        sys.exit(f"{{name}} is open")
try:
    os.listdir({folder!r})
except PermissionError:
    sys.exit(0)
sys.exit("the folder is open")
"""


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_reads_no_key_and_reaches_no_socket(backend: Backend) -> None:
    sockets = [str(path) for path in backend.run_dir.iterdir() if path.is_socket()]
    assert sockets
    names = [str(backend.run_dir / CONNECTION_FILE), *sockets]
    code = TRIES.format(other=NOBODY, names=names, folder=str(backend.run_dir))
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(backend.run_dir).stat().st_mode & 0o077 == 0
