"""What the way to the backend and back costs: an identity job at 12 megapixels beside a plain pyzmq echo of its bytes.

    python benchmarks/roundtrip.py [--rounds 9]

Both are measured in turns in one run, through both transports. The echo is a ROUTER in another process that sends back
what it gets, over ipc, without copies; the job goes from the client over the broker to the worker and back.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zmq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from plugin.client.connection import Connection  # noqa: E402 -- the benchmark runs from a checkout
from plugin.client.jobs import Job  # noqa: E402
from plugin.client.launcher import Installation  # noqa: E402
from plugin.client.raster import PixelFormat, Raster  # noqa: E402

WIDTH, HEIGHT = 4000, 3000


def echo(address: str) -> None:
    """Send back what comes, until it is short."""
    socket = zmq.Context.instance().socket(zmq.ROUTER)
    socket.bind(address)
    while len((frames := socket.recv_multipart(copy=False))[1]) > 1:
        socket.send_multipart(frames, copy=False)


def seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds: int = parser.parse_args().rounds
    pixels = os.urandom(1 << 20) * (WIDTH * HEIGHT * 4 // (1 << 20) + 1)
    data = memoryview(pixels)[: WIDTH * HEIGHT * 4]

    def identity(connection: Connection) -> None:
        raster = Raster(PixelFormat("RGBA", "u8"), WIDTH, HEIGHT, data)  # a new one: its digest is not known
        result = connection.run(Job("diagnose.identity", {}, {"image": raster}))
        assert result.outputs[0].raster.box == raster.box

    with tempfile.TemporaryDirectory(prefix="inlay-bench-") as folder:
        os.environ |= {"INLAY_RUN_DIR": folder, "INLAY_DATA_DIR": folder}
        address = f"ipc://{folder}/echo"
        server = multiprocessing.get_context("spawn").Process(target=echo, args=(address,))
        server.start()
        plain = zmq.Context.instance().socket(zmq.DEALER)
        plain.connect(address)
        connections: dict[str, Connection] = {}
        for name in ("pyzmq", "pure"):
            os.environ["INLAY_TRANSPORT"] = name
            connections[name] = Connection("benchmark", installation=Installation(Path(sys.executable), ROOT))
            identity(connections[name])  # the worker is running, the transport chosen
        times: dict[str, list[float]] = {"echo": [], **{name: [] for name in connections}}
        for _ in range(rounds + 1):  # the first round warms up
            times["echo"].append(seconds(lambda: (plain.send(data, copy=False), plain.recv(copy=False))))
            for name, connection in connections.items():
                times[name].append(seconds(lambda c=connection: identity(c)))  # type: ignore[misc] -- bound now
        for connection in connections.values():
            connection.shutdown()
            connection.close()
        plain.send(b".")
        server.join()
        zmq.Context.instance().destroy(0)

    base = statistics.median(times["echo"][1:])
    print(f"{WIDTH} x {HEIGHT} RGBA u8, {len(data) / 1e6:.0f} MB, median of {rounds} (least)")
    for name, all_times in times.items():
        middle, least = statistics.median(all_times[1:]), min(all_times[1:])
        ratio = "" if name == "echo" else f"  {middle / base:.2f} x the echo ({least / min(times['echo'][1:]):.2f})"
        print(f"{name:>6}: {middle * 1e3:6.1f} ms ({least * 1e3:.1f}){ratio}")


if __name__ == "__main__":
    main()
