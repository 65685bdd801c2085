"""Whole runs, tiny: a network learns discs and resumes; clock, average and data folders do what they say."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from models.training.core.cache import Table, write_table
from models.training.core.ema import averaged_model
from models.training.core.plot import plot_run
from models.training.core.schedule import Schedule, one_cycle
from models.training.segmentation.papers import SegmentConfig, train
from models.training.segmentation.papers_data import SegmentationFolder, find_pairs, median_frequency_weights


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "discs"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(20):
        image = rng.integers(0, 60, (60, 80, 3), np.uint8)
        mask = cv2.circle(np.zeros((60, 80), np.uint8), (int(rng.integers(20, 60)), 30), 18, 255, -1)
        image[mask > 0] += 150
        cv2.imwrite(str(folder / "images" / f"{i:02}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"{i:02}.png"), mask)
    return folder


def test_a_network_learns_and_resumes(discs: Path, tmp_path: Path) -> None:
    config = SegmentConfig(
        network="cnn_resnet", data=discs, out=tmp_path / "run", epochs=5, size=64, batch=6, lr=3e-3, classes=2,
        width=1 / 8,
    )  # fmt: skip
    assert train(config).mean_iu > 0.7
    train(replace(config, epochs=6, resume=True))
    with (config.out / "log.csv").open() as log:
        assert [row["step"] for row in csv.DictReader(log)] == ["3", "6", "9", "12", "15", "18"]
    with (config.out / "scores.csv").open() as log:
        assert [row["step"] for row in csv.DictReader(log)] == ["3", "6", "9", "12", "15", "18"]
    assert (config.out / "curves.png").stat().st_size > 1000
    plot_run(config.out, tmp_path / "again.png")


def test_networks_that_cannot_be_built_say_why(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fcn8s"):
        train(SegmentConfig(network="fcn64s", data=discs, out=tmp_path / "run"))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="classes 2"):
        train(SegmentConfig(network="cnn_resnet", data=discs, out=tmp_path / "run"))


def test_learning_rates_are_the_papers(discs: Path, tmp_path: Path) -> None:
    config = SegmentConfig(network="fcn16s", data=discs, out=tmp_path)
    assert config.peak == 1e-5
    assert replace(config, init=tmp_path / "fcn32s.safetensors").peak == 1e-7


def test_pascal_voc_layout_is_read(tmp_path: Path) -> None:
    for name in ("ImageSets/Segmentation", "JPEGImages", "SegmentationClass"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("2007_1\n2007_2\n")
    assert [pair.labels.name for pair in find_pairs(tmp_path, "train")] == ["2007_1.png", "2007_2.png"]
    with pytest.raises(ValueError, match="neither"):
        find_pairs(tmp_path / "JPEGImages", "train")


def test_rare_classes_weigh_more(discs: Path) -> None:
    background, disc = median_frequency_weights(SegmentationFolder(discs, "train", 64, 2, False)).tolist()
    assert background < 1 < disc


def test_a_table_keeps_images_and_masks(discs: Path, tmp_path: Path) -> None:
    rows = "".join(f"images/{i:02}.png,masks/{i:02}.png,object\n" for i in range(20))
    (discs / "sources.csv").write_text("file,mask,kind\n" + rows)
    write_table(discs, tmp_path / "cache", "discs")
    table = Table(tmp_path / "cache", "discs")
    image = cv2.imread(str(discs / "images" / "07.png"))
    mask = cv2.imread(str(discs / "masks" / "07.png"), cv2.IMREAD_GRAYSCALE)
    assert len(table) == 20
    assert np.array_equal(table[7][..., 2::-1], image) and np.array_equal(table[7][..., 3], mask)


def test_a_table_has_16_bits_at_their_value_and_images_upright(tmp_path: Path) -> None:
    deep = np.full((6, 9, 3), 0x8000, np.uint16)
    deep[..., 2] = 0xFFFF  # red, in OpenCV's order
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    image = Image.new("RGB", (40, 20), (200, 0, 0))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "sources.csv").write_text("file,kind\ndeep.png,object\nturned.jpg,object\n")
    write_table(tmp_path, tmp_path / "cache", "both")
    table = Table(tmp_path / "cache", "both")
    assert table[0].shape == (6, 9, 4) and table[0][5, 8].tolist() == [255, 128, 128, 0]
    assert table[1].shape == (40, 20, 4) and abs(int(table[1][39, 19, 0]) - 200) < 3


def test_the_learning_rate_rises_and_falls_and_the_clock_ends() -> None:
    assert one_cycle(0.02) == 1 and one_cycle(0.0) < 0.1 and one_cycle(1.0) == pytest.approx(0.01)
    schedule = Schedule(None, 10)
    assert schedule.progress(5) == 0.5 and schedule.progress(12) == 1
    with pytest.raises(ValueError, match=r"minutes .* or in steps"):
        Schedule(None, None)


def test_the_average_follows_the_weights() -> None:
    net = nn.Linear(1, 1, bias=False)
    average = averaged_model(net, decay=0.9)
    with torch.no_grad():
        net.weight.fill_(3.0)
    for _ in range(60):
        average.update_parameters(net)
    assert average.module.weight.item() == pytest.approx(3.0, abs=0.02)
