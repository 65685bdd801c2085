"""What a public network costs in Inlay: Select Subject with it at 12 megapixels beside the network by itself.

    python -m benchmarks.public_speed [--network isnet] [--rounds 3] [--threads 1] [--image FILE]

Both run in this process, in turn, in onnxruntime with the same number of threads. Processor time is measured, which
other programs on the machine change little; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from backend.imaging.color.spaces import to_unit
from backend.operations import Context
from backend.operations.networks import load_network
from backend.operations.public import at_size
from backend.worker.execute import execute
from benchmarks.select_speed import jobs, photograph
from models.zoo import roles
from models.zoo.contracts import MapContract


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process, all its threads together, that a call takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="isnet", help="the public network that Select Subject uses here")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--image", type=Path, help="a photograph (default: scikit-image's cat)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chosen = roles.choose("subject")
    if chosen is None or chosen.name != options.network:
        raise SystemExit(f"{options.network} is not what is used here: inlay models use subject {options.network}")
    context, image, contract = Context(), photograph(options.image), chosen.contract
    assert isinstance(contract, MapContract)
    (net,) = load_network(chosen.name, context).net
    seen = contract.tensor(to_unit(at_size(image[..., :3], contract.fitted(*image.shape[:2]))))
    alone, inside = [], []
    for number in range(options.rounds + 1):
        alone.append(processor_seconds(lambda: net({contract.input: seen}, (contract.output,))))
        job = next(jobs(image, number))
        inside.append(
            processor_seconds(
                lambda job=job: execute(job, "cpu", context.progress, context.cancelled, context.cache)  # type: ignore[misc] # mypy takes a lambda with a default for one that cannot be told
            )
        )
    for name, times in (("the network alone", alone[1:]), ("Select Subject", inside[1:])):  # the first warms up
        print(f"{name}: median {statistics.median(times):.2f} s of processor time of {[round(t, 2) for t in times]}")
    print(f"ratio: {statistics.median(inside[1:]) / statistics.median(alone[1:]):.2f}")


if __name__ == "__main__":
    main()
