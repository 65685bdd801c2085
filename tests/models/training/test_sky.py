"""Labels of the sky, samples made of them, and a run in small."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from models.networks.sky import SkyNet
from models.training.__main__ import main
from models.training.core.cache import Entry, Table, write_table
from models.training.core.checkpoint import export, load_weights
from models.training.core.process import Process
from models.training.sky import labels
from models.training.sky.data import SkySamples, darken, swap_sky
from models.training.sky.scores import SkyEvaluator, predict_sky
from models.zoo import cards, store

from .small import HORIZON, TALL, whole_data_folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_data_folder(tmp_path_factory.mktemp("data"), 2) / "cache"


def samples(cache: Path, count: int, size: int = 64) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images S x S x 3 and skies S x S."""
    for sample in islice(SkySamples(cache, size, 0), count):
        yield sample["image"].permute(1, 2, 0).numpy(), sample["sky"][0].numpy()


def test_who_looked_at_an_image_decides_and_else_a_teacher_that_finds_nothing() -> None:
    seen = {"seen": labels.SKY, "wall": labels.NONE, "odd": "unusable"}
    mask = np.zeros((50, 50), np.float32)
    assert labels.kind_of("new", mask, seen) == labels.NONE
    mask[:10] = 0.9
    assert [labels.kind_of(name, mask, seen) for name in ("new", "seen", "wall", "odd")] == [
        None, labels.SKY, labels.NONE, None,
    ]  # fmt: skip


def test_verdicts_are_of_known_kinds_and_none_is_given_twice() -> None:
    rows = labels.VERDICTS.read_text().splitlines()[1:]
    assert len({row.split(",")[0] for row in rows}) == len(rows)
    assert set(labels.read_verdicts().values()) == {labels.SKY, labels.NONE, "unusable"}


def test_samples_have_sky_where_it_is_bright_and_none_without(cache: Path) -> None:
    shares = []
    for image, sky in samples(cache, 60):
        assert image.shape == (64, 64, 3) and sky.shape == (64, 64)
        shares.append((sky > 127).mean())
    assert min(shares) == 0 and 0.3 < max(shares) <= 1
    assert 0.15 < np.mean(np.array(shares) == 0) < 0.6


def test_no_image_kept_from_training_is_a_sample(cache: Path) -> None:
    entries = Table(cache, "sky").entries
    kept = {number for number, entry in enumerate(entries) if labels.held_out(entry)}
    made = SkySamples(cache, 64, 0)
    assert kept and not kept & {*made.skies, *made.others}
    assert SkyEvaluator(cache, 64, 1, Process.start()).kept == sorted(kept)
    assert labels.held_out(Entry("any", "photos_dev", labels.SKY, 1, 1, 0))


def test_another_sky_changes_nothing_of_what_stands_before_it() -> None:
    rng = np.random.default_rng(4)
    image, sky = np.full((99, 99, 3), 90, np.uint8), np.zeros((99, 99), np.uint8)
    sky[:8] = 255
    other = np.full((99, 99, 3), 200, np.uint8)
    results = [swap_sky(image, sky, other, rng) for _ in range(12)]
    assert all((result[:8] == 200).all() for result in results)
    assert any((result[8:] == 90).all() for result in results)
    assert np.median(darken(image, sky, rng)) < 0.6 * np.median(image)


def test_a_run_learns_resumes_and_is_exported(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sky", "--data", str(cache), "--out", str(tmp_path / "run"), "--sizes", "1", "64", "--score-size", "64"]
    words += ["--score-every", "1", "--batch", "4", "--workers", "0"]
    torch.manual_seed(0)
    main([*words, "--steps", "30"])
    main([*words, "--steps", "34", "--resume"])
    net = SkyNet()
    net.load_state_dict(load_weights(tmp_path / "run/ema.safetensors"), strict=False)
    pixels = np.asarray(Table(cache, "sky")[1])
    found = predict_sky(net.eval(), np.ascontiguousarray(pixels[..., :3]), 64)
    assert found[: HORIZON - 8].mean() > 0.2 + found[HORIZON + 8 :].mean()
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    main(["export", "--task", "sky", "--run", str(tmp_path / "run"), "--weights", "ema.safetensors",
          "--data", str(cache), "--size", "64"])  # fmt: skip
    card = cards.find_card("sky")
    assert card.bundled and card.role == "sky" and card.input_size == 64
    assert set(card.scores) == {"mean IoU", "median IoU", "found in images without a sky, share of them"}
    assert "mean IoU" in capsys.readouterr().out


def test_scores_are_those_of_the_answers(cache: Path, tmp_path: Path) -> None:
    """A network that calls everything sky."""
    net = SkyNet().eval()
    torch.nn.init.zeros_(net.decoder.logit.weight)
    torch.nn.init.constant_(net.decoder.logit.bias, 9.0)
    export(net, tmp_path / "all.safetensors")
    scores = SkyEvaluator(cache, 64, 1, Process.start()).score(net)
    assert scores["iou"] == pytest.approx(HORIZON / TALL, abs=1e-5) and scores["false alarms"] == 1


def test_the_label_command_applies_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = whole_data_folder(tmp_path / "data", 2)

    class Everything:
        """A teacher that calls all of it sky."""

        def __init__(self, _folder: Path) -> None:
            pass

        def __call__(self, image: np.ndarray) -> np.ndarray:
            return np.ones(image.shape[:2], np.float32)

    monkeypatch.setattr(labels, "Teacher", Everything)
    monkeypatch.setattr(labels, "read_verdicts", lambda: {"p_0": labels.NONE, "p_1": labels.SKY, "coco_0": "unusable"})
    write_table(data / "subjects/cutouts", tmp_path / "cache", "cutouts")
    main(["label-sky", "--data", str(data), "--out", str(tmp_path / "cache")])
    table = Table(tmp_path / "cache", "sky")
    kinds = {(entry.set, entry.name): entry.kind for entry in table.entries}
    assert kinds[("photos_train", "p_0")] == labels.NONE and kinds[("photos_train", "p_1")] == labels.SKY
    assert not any(name == "coco_0" for _, name in kinds)
    masks = {entry.name: table[i][..., 3] for i, entry in enumerate(table.entries) if entry.set == "photos_train"}
    assert masks["p_0"].max() == 0 and masks["p_1"].min() == 255
