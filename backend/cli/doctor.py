"""Say how the installation is doing, and send an image through the backend and back."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import backend
from installer import editors, plugin
from installer.machine import Machine
from plugin.client.codec import Status
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job
from plugin.client.server.endpoint import CONNECTION_FILE, EndpointError, run_directory
from plugin.client.server.launcher import LaunchError, data_directory, find_installation, log_name

from . import CommandError, Exit
from .runner import failed, own_installation

LIBRARIES = (
    "torch", "torchvision", "numpy", "scipy", "opencv-python-headless", "pillow", "tifffile", "imagecodecs", "pyzmq",
    "safetensors",
)  # fmt: skip
SIDE = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay doctor`: none."""


def run(arguments: argparse.Namespace) -> int:
    """Print a report; the exit code is that of the trial job."""
    _line("Inlay", f"{backend.__version__}, Python {platform.python_version()}, {platform.platform()}")
    _line("Libraries", ", ".join(f"{name} {_version(name)}" for name in LIBRARIES))
    _line("Data", str(data_directory()))
    _line("Backend that editors start", _installation())
    for editor in editors.find(Machine.this()):
        state = "plug-in installed" if plugin.installed(editor) else "plug-in missing: python3 -m installer"
        _line(editor.name, f"{state}, Python {editor.python or 'unknown'}, {editor.plugins}")
    try:
        _line("Connection file", str(run_directory() / CONNECTION_FILE))
    except EndpointError as error:
        raise failed(error.failure) from None
    return _trial()


def _trial() -> int:
    """Reach the backend, or start it, and have it send an image back."""
    from plugin.client.net.connection import Connection, JobFailed

    data = os.urandom(SIDE * SIDE * 4)
    raster = Raster(PixelFormat("RGBA", "u8"), SIDE, SIDE, data, 3, 5)
    start = time.monotonic()
    with Connection("inlay doctor", installation=own_installation()) as connection:
        try:
            result = connection.run(Job("diagnose.identity", {}, {"image": raster}))
        except JobFailed as error:
            raise failed(error.failure) from None
        first = time.monotonic() - start
        start = time.monotonic()
        connection.run(Job("diagnose.identity", {}, {"image": raster}))
        _line("Job", f"{first:.2f} s the first time, {time.monotonic() - start:.3f} s the second")
        if bytes(result.outputs[0].raster.data) != data or result.outputs[0].raster.box != raster.box:
            raise CommandError("an image came back changed: the backend is of another version", Exit.JOB_FAILED)
        connection.status()
        status = next((e for e in connection.events(5.0) if isinstance(e, Status)), None)
    if status is not None:
        _line("Device", status.device or "not known before the first job that computes")
        _line("Backend", f"process {status.pid}, up {status.uptime:.0f} s, worker {status.worker}")
        _line("Log", status.log or log_name())
    print("All is well.")
    return Exit.DONE


def _installation() -> str:
    try:
        found = find_installation()
    except LaunchError as error:
        return str(error)
    return f"{found.python} with {found.path}{'' if str(found.python) != sys.executable else ' (this one)'}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _line(name: str, text: str) -> None:
    print(f"{name:<28}{text}")
