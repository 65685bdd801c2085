"""The settings of `inlay serve`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from plugin.client.server.endpoint import run_directory


@dataclass(frozen=True, slots=True)
class Options:
    """How a backend runs. Times are in seconds, memory in bytes."""

    run_dir: Path
    devices: tuple[str, ...] = ("auto",)  # one worker each
    listen: str = ""  # "tcp://HOST:PORT" with CURVE instead of sockets in the run directory; port 0 takes a free one
    allow: tuple[str, ...] = ()  # CURVE keys of clients beside the one in the connection file
    warm: bool = True  # load torch at a client's first word rather than at its first job
    lease: float = 10.0  # a client silent for longer is gone
    idle: float = 1800.0  # without clients for so long, the backend ends
    release_after: float = 60.0  # an idle worker empties its caches
    worker_idle: float = 300.0  # an idle worker ends
    grace: float = 2.0  # a cancelled operation that has not come back is killed
    deadline: float = 0.0  # seconds without progress before a job is given up; 0: what its action says
    memory: int = 0  # what one job may need; 0: what is free when it starts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay serve`."""
    default = Options(Path())
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="folder of sockets and of the connection file")
    parser.add_argument(
        "--device", action="append", metavar="NAME",
        help="auto (default), cpu, cuda:0, xpu, mps ...; may be given more than once, for a worker on each",
    )  # fmt: skip
    parser.add_argument(
        "--listen", default="", metavar="tcp://HOST:PORT",
        help="accept encrypted connections at PORT and PORT + 1; clients need a copy of the connection file",
    )  # fmt: skip
    parser.add_argument("--allow", action="append", default=[], metavar="KEY", help="public CURVE key of a client")
    parser.add_argument("--cold", action="store_true", help="load torch only when the first job needs it")
    seconds = {
        "lease": "a client silent for longer is gone, and its jobs with it",
        "idle": "end the backend after so long without clients",
        "release-after": "empty the caches of a worker after so long without a job",
        "worker-idle": "end a worker after so long without a job",
        "grace": "kill an operation that does not stop so long after it was cancelled",
        "deadline": "give a job up after so long without progress, whatever its action says",
    }
    for name, text in seconds.items():
        value: float = getattr(default, name.replace("-", "_"))
        shown = f"{text} (default {value:g} s)" if value else text
        parser.add_argument(f"--{name}", type=_seconds, default=value, metavar="SECONDS", help=shown)
    parser.add_argument("--memory", type=float, default=0.0, metavar="GIB", help="how much memory one job may need")


def read_options(args: argparse.Namespace) -> Options:
    """Options from parsed arguments; makes the run directory. Raises EndpointError when that is not a private one."""
    return Options(
        run_dir=run_directory(args.run_dir),
        devices=tuple(args.device or ["auto"]),
        listen=args.listen,
        allow=tuple(args.allow),
        warm=not args.cold,
        lease=args.lease,
        idle=args.idle,
        release_after=args.release_after,
        worker_idle=args.worker_idle,
        grace=args.grace,
        deadline=args.deadline,
        memory=int(args.memory * 2**30),
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError("must be a number of seconds, 0 or more")
    return value
