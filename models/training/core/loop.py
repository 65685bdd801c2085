"""The loop of a training run: to the end of the clock, with averaged weights, a log, checkpoints and resume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.training.core.run import Average, Clock, Process, append_row, one_cycle, save_atomically

LOG_EVERY = 20  # steps


class Loop:
    """One network under training. Iterate over it for the run's progress, 0..1, and `descend` once in each round.

    Leaves in `out`: log.csv, last.pt and ema.safetensors (the averaged weights in half precision). With `resume` it
    goes on from last.pt where there is one.
    """

    def __init__(
        self,
        net: nn.Module,
        optimizer: torch.optim.Optimizer,
        process: Process,
        out: Path,
        minutes: float | None,
        steps: int | None,
        resume: bool = False,
        save_minutes: float = 5.0,
        compiled: bool = False,
    ) -> None:
        self.net, self.optimizer, self.process, self.out = net, optimizer, process, out
        self.save_minutes = save_minutes
        self.average = Average(net)
        self.wrapped = process.wrap(cast(nn.Module, torch.compile(net, dynamic=False)) if compiled else net)
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
        out.mkdir(parents=True, exist_ok=True)
        self.step, elapsed = 0, 0.0
        if resume and (out / "last.pt").exists():
            state = torch.load(out / "last.pt", map_location=process.device, weights_only=True)
            net.load_state_dict(state["net"])
            self.average.net.load_state_dict(state["average"])
            optimizer.load_state_dict(state["optimizer"])
            self.step, elapsed, self.average.count = state["step"], state["elapsed"], state["step"]
        self.clock = Clock(minutes, steps, elapsed)
        self.running: dict[str, float] = {}

    def __iter__(self) -> Iterator[float]:
        saved = self.clock.elapsed
        while (progress := self.process.agree(self.clock.progress(self.step))) < 1:
            for group in self.optimizer.param_groups:
                group["lr"] = group["peak"] * one_cycle(progress)
            self.net.train()
            yield progress
            if self.clock.elapsed - saved > 60 * self.save_minutes:
                saved = self.clock.elapsed
                self.save()
        self.save()

    def descend(self, losses: dict[str, Tensor]) -> None:
        """One step down `losses["loss"]`; all of them go to the log as running means."""
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        for name, value in losses.items():
            now = float(value.detach())
            self.running[name] = 0.98 * self.running.get(name, now) + 0.02 * now
        if self.process.first and self.step % LOG_EVERY == 0:
            row: dict[str, Any] = {"step": self.step, "seconds": round(self.clock.elapsed)}
            append_row(self.out / "log.csv", row | {name: round(v, 4) for name, v in self.running.items()})

    def save(self) -> None:
        """Writes last.pt and ema.safetensors, in the first process alone."""
        if not self.process.first:
            return
        state: dict[str, Any] = {"net": self.net.state_dict(), "average": self.average.net.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict(), "step": self.step, "elapsed": self.clock.elapsed}
        save_atomically(state, self.out / "last.pt")
        export(self.average.net, self.out / "ema.safetensors")


def export(net: nn.Module, path: Path, prefix: str = "", metadata: dict[str, str] | None = None) -> None:
    """The weights whose names begin with `prefix`, without it, as half-precision safetensors."""
    state = {
        name.removeprefix(prefix): value.half().contiguous()
        for name, value in net.state_dict().items()
        if name.startswith(prefix) and value.is_floating_point()
    }
    partial = path.with_suffix(".partial")
    save_file(state, partial, metadata)
    partial.replace(path)
