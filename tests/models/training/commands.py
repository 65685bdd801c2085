"""The training commands in small, as the tests of the command line and of torchrun run them.

Run by torchrun, it runs all of them, in each of its processes, and leaves beside every run's checkpoint what each
process had in the end: `python -m torch.distributed.run --nproc-per-node 2 -m tests.models.training.commands DATA OUT`.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

import torch

from models.training.__main__ import main
from models.training.core.loop import Loop
from models.training.core.process import Process

STEPS = 2
COMMANDS = {
    "subject": "subject --data DATA/cache --sizes 1 64 --score-every 2 --two-pass-prob 0.5",
    "sky": "sky --data DATA/cache --sizes 1 64 --score-size 64 --score-every 1",
    "segment": "segment --network fcn16s --data DATA/pairs --classes 2 --size 64 --width 0.0625 --balance",
    "paste": "paste --data DATA/cache --width 4 --affine --stride 4 --poisson --size 32 --scored 2",
    "paste-adversarial": "paste --data DATA/cache --width 4 --adversarial --critic-width 4 --size 32 --scored 2",
    "harmonize": "harmonize --data DATA/cache --scored 2",
    "fill": "fill --data DATA --cache DATA/cache --width 4 --depth 3 --size 32 --fine-from 0.5 --smooth",
    "style": "style --data DATA --cache DATA/cache --styles wave scream --sizes 0.5 40 1 48 --width 4 --blocks 1",
    "features": "features --data DATA --cache DATA/cache --width 0.125 --sizes 1 48",
    "predictor": "predictor --data DATA --cache DATA/cache --width 4 --blocks 1 --encoder-width 0.125 --sizes 1 48",
}
"""By a name of its own: a command of docs/training.md in small, without its length."""


def arguments(name: str, data: Path, out: Path, *more: str) -> list[str]:
    """Of one of the COMMANDS, for a run in out/NAME of STEPS steps."""
    words = COMMANDS[name].replace("DATA", str(data)).split()
    return [*words, "--out", str(out / name), "--steps", str(STEPS), "--batch", "2", "--workers", "0", *more]


def run_all(data: Path, out: Path) -> None:
    """Runs every command and notes what this process had in the end, or what went wrong."""
    process = Process.start()
    torch.set_num_threads(1)
    save = Loop.save

    def note(loop: Loop[torch.nn.Module]) -> None:
        save(loop)
        weights = torch.cat([p.detach().flatten() for p in loop.net.parameters()])
        facts = {"weights": weights.double().norm().item(), "loss": loop.running["loss"], "scores": loop.scores}
        (loop.config.out / f"rank{process.rank}.json").write_text(json.dumps(facts))

    Loop.save = note  # type: ignore[method-assign,assignment]  # a look at what train() does not return
    for name in COMMANDS:
        try:
            main(arguments(name, data, out))
        except Exception:  # noqa: PERF203 - the others are still to be seen
            (out / f"{name}.error{process.rank}").write_text(traceback.format_exc())


if __name__ == "__main__":
    run_all(Path(sys.argv[1]), Path(sys.argv[2]))
