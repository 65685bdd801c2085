"""What is done before and after the trainings: labels, averages, plots and exports, by their commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.networks.subject_net import SubjectNet
from models.training.__main__ import main
from models.training.core.checkpoint import append_row, export
from models.zoo import cards, store

from .small import whole_data_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_data_folder(tmp_path_factory.mktemp("data"), 2)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two exported subject networks with random weights."""
    folder, found = tmp_path_factory.mktemp("weights"), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        export(SubjectNet(), folder / f"{seed}.safetensors")
        found.append(folder / f"{seed}.safetensors")
    return found


def test_average_weights_writes_the_mean(weights: list[Path], tmp_path: Path) -> None:
    main(["average-weights", *map(str, weights), "--out", str(tmp_path / "mean.safetensors")])
    mean, *both = (load_file(path) for path in (tmp_path / "mean.safetensors", *weights))
    name = "class_logits.weight"
    torch.testing.assert_close(mean[name].float(), sum(x[name].float() for x in both) / 2, atol=1e-3, rtol=0)


def test_pseudo_label_adds_to_the_labels_that_are_there(
    data: Path, weights: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((data / "cache/photos.agreed.json").read_text())
    main(["pseudo-label", "--data", str(data / "cache"), *map(str, weights)])
    after = json.loads((data / "cache/photos.agreed.json").read_text())
    assert after[: len(before)] == before
    assert "more photographs" in capsys.readouterr().out


def test_a_subject_network_is_exported_with_its_scores(
    data: Path, weights: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    run = weights[0].parent
    main(["export", "--run", str(run), "--weights", weights[0].name, "--data", str(data / "cache"), "--size", "64"])
    card = cards.find_card("subject")
    assert set(card.scores) == {"coco subject", "coco box", "coco lasso"}
    assert all(0 <= score <= 1 for score in card.scores.values())
    assert 'role = "subject"' in capsys.readouterr().out
    assert isinstance(store.load("subject")[0], SubjectNet)


def test_a_run_is_plotted(tmp_path: Path) -> None:
    for step in (20, 40):
        append_row(tmp_path / "log.csv", {"step": step, "seconds": step, "loss": 1 / step})
    main(["plot", "--run", str(tmp_path), "--out", str(tmp_path / "curves.png")])
    assert (tmp_path / "curves.png").stat().st_size > 1000
