"""The paper's two ablations: its figures 4 and 5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.training.core.checkpoint import append_row
from models.training.core.process import Process
from models.training.paste.data import Difficulty
from models.training.paste.evaluator import PasteEvaluator, held_out_series
from models.training.paste.train import PasteConfig, load, train

ABLATIONS = {
    "sigma": {f"sigma {sigma:g}": Difficulty(sigma=sigma) for sigma in (1.0, 10.0, 60.0)},
    "shading": {"global shading": Difficulty(local=False), "local shading": Difficulty()},
}
"""Name -> variant -> how its training images are made."""


def train_or_ablate(config: PasteConfig) -> dict[str, float] | list[dict[str, Any]]:
    """What `config` asks for: one training, or the variants of an ablation."""
    return ablate(config, config.ablation) if config.ablation else train(config)


def ablate(config: PasteConfig, name: str) -> list[dict[str, Any]]:
    """Trains every variant alike and scores each on held-out composites of every variant: one row a training, one
    column a kind of composite, the foreground error as a share of the plain composite's. Also in `out/NAME.csv`.
    Only the first process scores; the others return no rows."""
    rows = []
    for variant, difficulty in ABLATIONS[name].items():
        run = replace(config, out=config.out / variant.replace(" ", "-"), difficulty=difficulty)
        train(run)
        if not (process := Process.start()).first:
            continue
        net = load(run.out / "best.safetensors").to(process.device)
        row: dict[str, Any] = {"trained on": variant}
        for other, test in ABLATIONS[name].items():
            series = held_out_series(config.data, config.size, config.scored, test, config.blend_function())
            row[other] = round(PasteEvaluator(series).score(net)["ratio"], 4)
        rows.append(row)
        append_row(config.out / f"{name}.csv", row)
    return rows
