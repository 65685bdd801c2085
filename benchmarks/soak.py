"""Memory of a process that runs jobs of ever other sizes, as a worker does.

    python3 -m benchmarks.soak [--jobs 250] [--largest 900] [--actions style.preset select.subject ...]

Prints MiB held after every tenth job, and how much more it is at the end than after the first fifty.
"""

from __future__ import annotations

import argparse
import os
import random

from backend.server.worker_handle import ENVIRONMENT

os.environ |= {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}

from backend.memory import held
from backend.operations import Context, find
from backend.worker.devices import Heap
from tests.jobs import example

ACTIONS = ("style.preset", "select.subject", "paste.harmonize", "background.blur", "fill.selection")
SETTLED = 50  # jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=250)
    parser.add_argument("--largest", type=int, default=900, help="width of the largest image, pixels")
    parser.add_argument("--actions", nargs="+", default=ACTIONS)
    args = parser.parse_args()
    chance, context, heap, settled = random.Random(0), Context(), Heap(), 0
    for number in range(1, args.jobs + 1):
        action = args.actions[number % len(args.actions)]
        find(action)(example(action, chance.randint(100, args.largest)), context)
        heap.after_job()
        if number % 10 == 0:
            print(f"{number} jobs: {held(os.getpid()) >> 20} MiB", flush=True)
        if number == SETTLED:
            settled = held(os.getpid())
    if settled:
        print(f"after {SETTLED} jobs and at the end: {held(os.getpid()) / settled - 1:+.1%}")


if __name__ == "__main__":
    main()
