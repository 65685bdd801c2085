"""The loop of every training run: learning rate, averaged weights, log, scores, checkpoints and resume.

loop = Loop(net, optimizer, process, config, evaluator=evaluator)
for progress in loop:
    with loop.autocast():
        losses = task_losses(loop.forward, next(batches))
    loop.update(losses)
return loop.scores
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.stateful import Stateful

from models.training.core.checkpoint import Exported, append_row, save_atomically
from models.training.core.config import RunConfig
from models.training.core.ema import averaged_model
from models.training.core.evaluator import Evaluator
from models.training.core.process import Process
from models.training.core.schedule import LearningRate, Schedule, one_cycle

N = TypeVar("N", bound=nn.Module)
SMOOTHING = 0.02  # weight of the newest loss in the log's running means


@dataclass(frozen=True)
class StepOptions:
    """How a training makes its steps, where that is not as most do.

    Attributes:
        learning_rate: factor of the peak by progress.
        clip: largest norm of the gradient, or None.
        decay: of the moving average; None: the network is scored and exported as it is.
        module: whose forward passes are taken, where that is not the network itself but something around it.
        log_every: steps a line of the log.
    """

    learning_rate: LearningRate = one_cycle
    clip: float | None = 1.0
    decay: float | None = 0.999
    module: nn.Module | None = None
    log_every: int = 20


class Loop(Generic[N]):
    """One network under training. Iterate over it for the run's progress, 0..1, and `update` once in each round.

    Leaves in `config.out`: log.csv, scores.csv, last.pt (to go on from), ema.safetensors (the averaged weights) and
    best.safetensors (those of the best score). At the end the run is saved first and then scored, so that a failure of
    the scoring costs no training; `scores` holds the last scores.

    Args:
        net: the network, on the process's device.
        optimizer: of its parameters; a group's `lr` at the start is the group's peak.
        process: this process.
        config: of the run.
        evaluator: scores the averaged network; None: nothing is scored.
        options: of the steps.
        extra: what else belongs to a checkpoint, by name.
        exported: what of the network is exported.

    Attributes:
        forward: the network for forward passes whose gradients are averaged over all processes.
        averaged: the averaged network, in evaluation mode.
        step: steps so far.
        running: running means of the losses.
        scores: the last ones; empty in processes that do not score.
        best_scores: those of the best weights.
    """

    def __init__(
        self,
        net: N,
        optimizer: torch.optim.Optimizer,
        process: Process,
        config: RunConfig,
        *,
        evaluator: Evaluator[N] | None = None,
        options: StepOptions = StepOptions(),
        extra: Mapping[str, Stateful] | None = None,
        exported: Exported[N] | None = None,
    ) -> None:
        self.net, self.optimizer, self.process, self.config = net, optimizer, process, config
        self.evaluator, self.options = evaluator, options
        self.extra, self.exported = dict(extra or {}), exported or Exported[N]()
        self._ema = None if options.decay is None else averaged_model(net, options.decay)
        self._module = options.module if options.module is not None else net
        if config.compiled:
            self._module = cast(nn.Module, torch.compile(self._module, dynamic=False))
        self.wrap()
        for group in optimizer.param_groups:
            group.setdefault("peak", group["lr"])
        config.out.mkdir(parents=True, exist_ok=True)
        self.step, elapsed, self._scored = 0, 0.0, -1
        self.running: dict[str, float] = {}
        self.scores: dict[str, float] = {}
        self.best_scores: dict[str, float] = {}
        if config.resume and (config.out / "last.pt").exists():
            elapsed = self._restore()
        self.schedule = Schedule(config.minutes, config.steps, elapsed)
        torch.manual_seed(process.seed(config.seed + self.step))  # other noise in each process and after each resume

    def wrap(self) -> None:
        """Makes `forward` anew; to be called where parameters were frozen, whose gradients nobody must wait for."""
        self.forward = self.process.wrap(self._module)

    @property
    def averaged(self) -> N:
        """The averaged network, in evaluation mode."""
        return self.net.eval() if self._ema is None else cast(N, self._ema.module)

    def autocast(self) -> AbstractContextManager[Any]:
        """Forward passes in bfloat16 where the run wants it."""
        return autocast(self.process.device, self.config.bf16)

    def __iter__(self) -> Iterator[float]:
        saved = scored = self.schedule.elapsed
        while (progress := self.process.agree(self.schedule.progress(self.step))) < 1:
            for group in self.optimizer.param_groups:
                group["lr"] = group["peak"] * self.options.learning_rate(progress)
            self.net.train()
            yield progress
            now = self.process.agree(self.schedule.elapsed)
            due = self.evaluator is not None and now - scored > 60 * self.config.score_minutes
            if due or now - saved > 60 * self.config.save_minutes:
                saved = now
                self.save()
            if due:
                scored = now
                self.evaluate()
        self.save()
        if self.evaluator is not None and self._scored != self.step:
            self.evaluate()
            self.save()  # with the scores, and which were the best

    def update(self, losses: Mapping[str, Tensor], columns: Mapping[str, float] | None = None) -> None:
        """One step down `losses["loss"]`.

        Args:
            losses: means over the batch; all of them go to the log as running means.
            columns: more numbers for the log, as they are.
        """
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        if self.options.clip is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.options.clip)
        self.optimizer.step()
        if self._ema is not None:
            self._ema.update_parameters(self.net)
        self.step += 1
        for name, value in losses.items():
            now = float(value.detach())
            self.running[name] = (1 - SMOOTHING) * self.running.get(name, now) + SMOOTHING * now
        if self.step % self.options.log_every == 0:
            self._log(columns or {})

    def _log(self, columns: Mapping[str, float]) -> None:
        if not math.isfinite(self.running["loss"]):
            raise FloatingPointError(
                f"the loss is no number at step {self.step}: go on with --resume and a smaller --lr, or without --bf16"
            )
        if self.process.first:
            row = {"step": self.step, "seconds": round(self.schedule.elapsed), **self.running, **columns}
            append_row(self.config.out / "log.csv", {name: round(value, 5) for name, value in row.items()})

    def evaluate(self) -> None:
        """Scores the averaged network into scores.csv; weights better than any before become best.safetensors."""
        assert self.evaluator is not None
        self._scored = self.step
        if not (self.process.first or self.evaluator.shared):
            return
        with torch.no_grad():
            self.scores = self.evaluator.score(self.averaged)
        objective = self.evaluator.objective
        better = not self.best_scores or objective(self.scores) < objective(self.best_scores)
        if better:
            self.best_scores = self.scores
        if self.process.first:
            row: dict[str, float] = {"step": self.step, "seconds": round(self.schedule.elapsed), **self.scores}
            append_row(self.config.out / "scores.csv", {name: round(value, 5) for name, value in row.items()})
            if better:
                self._export("best.safetensors")

    def save(self) -> None:
        """Writes last.pt and ema.safetensors, in the first process alone."""
        if not self.process.first:
            return
        state: dict[str, Any] = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self._ema is not None:
            state["average"] = self._ema.module.state_dict()
        state |= {name: part.state_dict() for name, part in self.extra.items()}
        state |= {"step": self.step, "elapsed": self.schedule.elapsed, "best_scores": self.best_scores}
        save_atomically(state, self.config.out / "last.pt")
        self._export("ema.safetensors")

    def _export(self, name: str) -> None:
        scores = self.scores if self._scored == self.step else {}
        self.exported.write(self.averaged, self.config.out / name, scores)

    def _restore(self) -> float:
        """From last.pt; returns the seconds of training so far."""
        state = torch.load(self.config.out / "last.pt", map_location=self.process.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, part in self.extra.items():
            part.load_state_dict(state[name])
        self.step, self.best_scores = state["step"], state.get("best_scores", {})
        if self._ema is not None:
            self._ema.module.load_state_dict(state["average"])
            self._ema.n_averaged.fill_(self.step)
        return float(state["elapsed"])


def autocast(device: torch.device, bf16: bool) -> AbstractContextManager[Any]:
    """Operations that bear it in bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)
