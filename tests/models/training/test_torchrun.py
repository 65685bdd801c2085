"""Every training on two processes, started by torchrun."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from .commands import COMMANDS, STEPS
from .small import whole_data_folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each command, by the two processes of one torchrun."""
    data, out = whole_data_folder(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("runs")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*launcher, "-m", "tests.models.training.commands", str(data), str(out)],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    (out / "output").write_text(done.stdout + done.stderr)
    return out


@pytest.mark.parametrize("name", COMMANDS)
def test_two_processes_train_one_network(runs: Path, name: str) -> None:
    errors = "".join(path.read_text() for path in sorted(runs.glob(f"{name}.error*")))
    assert not errors, errors
    assert (runs / name / "last.pt").exists(), (runs / "output").read_text()[-3000:]
    first, second = (json.loads((runs / name / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert torch.load(runs / name / "last.pt", weights_only=True)["step"] == STEPS
    assert first["weights"] == pytest.approx(second["weights"], rel=1e-6), "gradients are the mean of both"
    assert first["loss"] != second["loss"], "each has its own samples"
    with (runs / name / "scores.csv").open() as rows:
        scores = list(csv.DictReader(rows))
    assert len({row["step"] for row in scores}) == len(scores), "the first process alone writes"
    assert first["scores"] == pytest.approx(
        {key: float(value) for key, value in scores[-1].items() if key not in ("step", "seconds")}, abs=1e-4
    )
    assert (runs / name / "ema.safetensors").exists()
    assert (runs / name / "best.safetensors").exists()
