"""`inlay serve`: one backend for each run directory, from its lock to its end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plugin.client.server.endpoint import CONNECTION_FILE, EndpointError, read_endpoint
from plugin.client.server.launcher import take_lock

from ..log import log_to_stderr
from .options import add_arguments, read_options

__all__ = ["add_arguments", "serve"]

LOCK_FILE = "backend.lock"


def serve(args: argparse.Namespace) -> int:
    """Run a backend until it is told to stop or idles; the exit status. Does nothing where one runs already."""
    log_to_stderr("broker")
    try:
        options = read_options(args)
    except EndpointError as error:
        print(error.failure, file=sys.stderr)
        return 2
    lock = take_lock(options.run_dir / LOCK_FILE)
    if lock is None:
        print(f"A backend is running already in {options.run_dir}{_running_pid(options.run_dir)}.")
        return 0
    with lock:
        from .broker import serve as run_broker  # brings zmq: not before it is known to be needed

        try:
            return run_broker(options)
        except EndpointError as error:
            print(error.failure, file=sys.stderr)
            return 2


def _running_pid(run_dir: Path) -> str:
    try:
        return f" (process {read_endpoint(run_dir / CONNECTION_FILE).pid})"
    except (OSError, EndpointError):
        return ""
