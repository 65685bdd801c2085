"""Plots of a run's logs."""

from __future__ import annotations

import csv
from pathlib import Path


def read_log(path: Path) -> dict[str, list[float]]:
    """The columns of a CSV log as numbers."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}


def plot_run(run: Path, out: Path) -> None:
    """Losses (log.csv) and, where there are any, scores (scores.csv) of a run against the step, as an image. Needs
    matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    logs = [(name, read_log(run / f"{name}.csv")) for name in ("log", "scores") if (run / f"{name}.csv").exists()]
    figure, axes = plt.subplots(1, len(logs), figsize=(6 * len(logs), 4), squeeze=False)
    for axis, (name, columns) in zip(axes[0], logs, strict=True):
        for label, values in columns.items():
            if label not in ("step", "seconds", "size", "progress", "rate"):
                axis.plot(columns["step"], values, label=label)
        axis.set(xlabel="step", ylabel="loss" if name == "log" else "score")
        axis.legend()
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out, dpi=110)
    plt.close(figure)
