"""What the way to the backend and back costs, beside a plain pyzmq echo of the same bytes in the same run.

    python -m benchmarks.identity [--megapixels 12] [--rounds 15] [--write]

The identity action takes an image from the client over broker and worker and back: four passages between processes,
checks and a digest on the way. The echo is one ROUTER that sends back what it gets, over ipc: two passages and nothing
else. In every turn the echo is followed by the action over each of the client's transports, so that other work on the
machine meets them alike; each action is compared with its own turn's echo, and the median of these ratios counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

import zmq

from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job
from plugin.client.net.connection import Connection
from plugin.client.server.endpoint import CONNECTION_FILE, read_endpoint
from plugin.client.server.launcher import backend_environment

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "benchmarks" / "identity.md"
LIMIT = 3.0
TRANSPORTS = ("pyzmq", "pure")
LABELS = {"echo": "plain pyzmq echo", "pyzmq": "identity action over pyzmq", "pure": "identity action over pure Python"}
ECHO = """
import sys, zmq
socket = zmq.Context().socket(zmq.ROUTER)
socket.bind(sys.argv[1])
while True:
    socket.send_multipart(socket.recv_multipart(copy=False), copy=False)
"""


def main() -> int:
    """Measure, print, and say by the exit status whether the ratio over pyzmq is within LIMIT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    args = parser.parse_args()
    width = 4000
    height = round(args.megapixels * 1e6 / width)
    pixels = bytearray(os.urandom(width * height * 4))
    with tempfile.TemporaryDirectory(prefix="inlay-identity-") as folder:
        seconds = measure(pixels, width, height, Path(folder), args.rounds)
    text = report(seconds, width, height)
    print(text)
    if args.write:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
    return int(ratio(seconds, "pyzmq") > LIMIT)


def measure(pixels: bytearray, width: int, height: int, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of every turn: of the "echo", and of the identity action over each of TRANSPORTS.

    The first turn is not counted.
    """
    address = f"ipc://{folder}/echo"
    command = [sys.executable, "-m", "backend", "serve", "--run-dir", str(folder), "--cold"]
    echo_process = subprocess.Popen([sys.executable, "-c", ECHO, address])
    backend = subprocess.Popen(command, cwd=ROOT, env=backend_environment(), stderr=subprocess.DEVNULL)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        while not (folder / CONNECTION_FILE).exists():
            time.sleep(0.01)
        socket = context.socket(zmq.DEALER)
        socket.connect(address)

        def echo() -> None:
            socket.send_multipart([b"header", pixels], copy=False)
            assert len(socket.recv_multipart(copy=False)[1]) == len(pixels)

        turn = count()

        def identity(connection: Connection) -> None:
            pixels[:4] = next(turn).to_bytes(4, "little")  # an image that was sent before would not travel again
            image = Raster(PixelFormat("RGBA", "u8"), width, height, pixels)
            (output,) = connection.run(Job("diagnose.identity", {}, {"image": image})).outputs
            assert output.raster.nbytes == len(pixels)

        with ExitStack() as stack:
            works: dict[str, Callable[[], None]] = {"echo": echo}
            for name in TRANSPORTS:
                os.environ["INLAY_TRANSPORT"] = name
                connection = stack.enter_context(
                    Connection("benchmark", endpoint=read_endpoint(folder / CONNECTION_FILE))
                )
                works[name] = partial(identity, connection)
                works[name]()  # the transport is chosen, the worker runs
            turns = [{name: timed(work) for name, work in works.items()} for _ in range(rounds + 1)][1:]
    finally:
        context.destroy(linger=0)
        for process in (echo_process, backend):
            process.terminate()
            process.wait()
    return {name: [turn[name] for turn in turns] for name in works}


def timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def ratio(seconds: dict[str, list[float]], name: str) -> float:
    """The median over the turns of what the action takes in units of the echo."""
    return statistics.median(action / echo for action, echo in zip(seconds[name], seconds["echo"], strict=True))


def report(seconds: dict[str, list[float]], width: int, height: int) -> str:
    """The table, in Markdown."""
    load = f"{os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "unknown"
    rows = "\n".join(
        f"| {LABELS[name]} | {1e3 * min(times):.0f} ms | {1e3 * statistics.median(times):.0f} ms | "
        f"{1e3 * max(times):.0f} ms | {ratio(seconds, name):.2f} |"
        for name, times in seconds.items()
    )
    return f"""# The way there and back

An image of {width} x {height} pixels, RGBA, 8 bits ({width * height * 4 / 1e6:.0f} MB), {len(seconds["echo"])} turns:

| | fastest | median | slowest | times the echo of its turn, median |
| --- | --- | --- | --- | --- |
{rows}

At most {LIMIT:g} times the echo are wanted over pyzmq. The echo is one process that sends back what it gets. The
identity action goes from the client over the broker to the worker and back, with checks and a digest on the way.

On {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, libzmq \
{zmq.zmq_version()}, over ipc, at a load of {load}. Run it with `python -m benchmarks.identity --write`.
"""


if __name__ == "__main__":
    sys.exit(main())
