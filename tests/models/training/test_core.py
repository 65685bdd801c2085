"""The core of every training: command lines, earlier spellings, image files, scores after saving, a lost run."""

from __future__ import annotations

import csv
import re
import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from models.training import __main__ as command_line
from models.training.core.command_line import parse, renamed
from models.training.core.config import RunConfig
from models.training.core.images import read_gray, read_rgb, read_rgba
from models.training.core.loading import ProgressiveResizing
from models.training.core.loop import Loop
from models.training.core.process import Process
from models.training.paste.train import PasteConfig
from models.training.segmentation.subject import SubjectConfig

ROOT = Path(__file__).parents[3]
CPU = Process(0, 1, torch.device("cpu"))


class Memory:
    """An evaluator that looks at what lies on the disk when it is asked."""

    shared = False

    def __init__(self, out: Path, fails: bool = False) -> None:
        self.out, self.fails, self.steps = out, fails, [0]

    def score(self, net: nn.Module) -> dict[str, float]:
        assert not net.training
        self.steps.append(torch.load(self.out / "last.pt", weights_only=True)["step"])
        if self.fails:
            raise RuntimeError("no score")
        return {"error": abs(3 - float(next(net.parameters()).detach().mean()))}

    def objective(self, scores: dict[str, float]) -> float:
        return scores["error"]


def loop(out: Path, evaluator: Memory | None = None, lr: float = 0.1, **changes: Any) -> Loop[nn.Linear]:
    torch.manual_seed(0)
    net = nn.Linear(1, 1, bias=False)
    settings: dict[str, Any] = {"out": out, "steps": 40} | changes
    return Loop(net, torch.optim.Adam(net.parameters(), lr), CPU, RunConfig(**settings), evaluator=evaluator)


def descend(run: Loop[nn.Linear], target: Tensor | float = 3.0) -> None:
    for _ in run:
        run.update({"loss": (run.forward(torch.ones(1, 1)) - target).square().mean()})


def test_a_run_is_saved_before_it_is_scored(tmp_path: Path) -> None:
    evaluator = Memory(tmp_path, fails=True)
    with pytest.raises(RuntimeError, match="no score"):
        descend(loop(tmp_path, evaluator))
    assert evaluator.steps == [0, 40]
    run = loop(tmp_path, Memory(tmp_path), resume=True)
    descend(run)
    assert run.step == 40, "nothing was lost"
    assert set(run.scores) == {"error"}


def test_the_best_weights_of_all_parts_of_a_run_are_kept(tmp_path: Path) -> None:
    first = loop(tmp_path, Memory(tmp_path))
    descend(first)
    best = (tmp_path / "best.safetensors").read_bytes()
    away = loop(tmp_path, Memory(tmp_path), steps=80, resume=True)
    descend(away, target=-50.0)
    assert away.scores["error"] > away.best_scores["error"] == first.scores["error"]
    assert (tmp_path / "best.safetensors").read_bytes() == best
    with (tmp_path / "scores.csv").open() as rows:
        assert [row["step"] for row in csv.DictReader(rows)] == ["40", "80"]


def test_a_loss_that_is_no_number_ends_the_run_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match="smaller --lr"):
        descend(loop(tmp_path), target=float("nan"))


def test_noise_differs_from_process_to_process_and_after_a_resume() -> None:
    seeds = {Process(rank, 2, CPU.device).seed(seed) for rank in (0, 1) for seed in range(10)}
    assert len(seeds) == 20


def test_images_grow_with_the_run() -> None:
    made: list[int] = []

    def make(size: int) -> Any:
        made.append(size)
        return iter([size] * 100)

    samples = ProgressiveResizing(((0.5, 32), (1.0, 64)), make)
    assert [samples.next(progress) for progress in (0.0, 0.2, 0.5, 0.9)] == [32, 32, 64, 64]
    assert made == [32, 64]
    with pytest.raises(ValueError, match="until share 1"):
        ProgressiveResizing(((0.5, 32),), make)


def test_a_command_line_is_its_dataclass() -> None:
    config = parse(PasteConfig, shlex.split("--data A --out B --steps 3 --width 8 --poisson --no-local"), "paste")
    assert (config.network.width, config.network.poisson, config.difficulty.local) == (8, True, False)
    defaults = {field.name: field.default for field in fields(PasteConfig)}
    assert (config.lr, config.bf16, config.batch) == (defaults["lr"], defaults["bf16"], defaults["batch"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("--steps 3 --minutes 2", "once"), ("", "--minutes or --steps"), ("--steps three", "three")],
)
def test_a_wrong_command_line_is_refused_with_what_is_wrong(
    wrong: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(PasteConfig, shlex.split(f"--data A --out B {wrong}"), "paste")
    assert message in str(refused.value) + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("segment --data A --rate 1 --again=0.4 --people 2 --from W --size 320",
         "subject --data A --lr 1 --two-pass-prob 0.4 --person-weight 2 --init W --sizes 1 320"),
        ("segment --network subject --data A", "subject --data A"),
        ("segment --network=fcn8s --rate 1 --from W", "segment --network=fcn8s --lr 1 --init W"),
        ("paste --rate 1 --from W --global-shading", "paste --lr 1 --init W --no-local"),
        ("fill --style 12 --cycle --fine-rate 1", "fill --style-loss-weight 12 --one-cycle --fine-lr 1"),
        ("style --code-rate 1 --size 64", "style --code-lr 1 --sizes 1 64"),
        ("predictor --from W", "predictor --init W"),
        ("export --shrink 0.5", "export --residual-scale 0.5"),
        ("relabel --data A W", "pseudo-label --data A W"),
        ("mean A B --out C", "average-weights A B --out C"),
    ],
)  # fmt: skip
def test_earlier_spellings_still_work(before: str, now: str) -> None:
    name, rest = command_line.command_of(before.split())
    assert [name, *renamed(rest, command_line.COMMANDS[name].old)] == now.split()


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_help_tells_the_options_and_no_earlier_spelling(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        command_line.main([name, "--help"])
    assert done.value.code == 0
    text = capsys.readouterr().out
    assert f"python -m models.training {name}" in text
    for old in command_line.COMMANDS[name].old:
        assert not re.search(rf"{old}[\s,]", text), old


def _documented() -> list[str]:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"-m models\.training ([a-z-]+ .*)", text)


@pytest.mark.parametrize("command", _documented())
def test_the_commands_of_the_manual_are_understood(command: str) -> None:
    words = shlex.split(command)
    name, rest = command_line.command_of(words)
    assert name == words[0], "the manual uses the names of today"
    assert renamed(rest, command_line.COMMANDS[name].old) == rest
    config = parse(command_line._resolve(command_line.COMMANDS[name].config), rest, name)
    assert isinstance(config, command_line._resolve(command_line.COMMANDS[name].config))


def test_a_field_without_a_length_of_its_own_needs_one() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Own(RunConfig):
        lr: float = 1.0

    with pytest.raises(ValueError, match="--minutes or --steps"):
        Own(out=Path())
    assert SubjectConfig(out=Path(), data=Path()).steps is None


def _turned(folder: Path) -> Path:
    image = Image.new("RGB", (40, 20), (200, 0, 0))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(folder / "turned.jpg", exif=exif)
    return folder / "turned.jpg"


def test_images_are_turned_as_their_camera_was(tmp_path: Path) -> None:
    path = _turned(tmp_path)
    assert read_rgb(path).shape == (40, 20, 3)
    assert read_rgba(path).shape == (40, 20, 4)
    assert read_gray(path).shape == (40, 20)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_16_bits_become_8(channels: int, tmp_path: Path) -> None:
    values = np.full((6, 9, channels), 0x8000, np.uint16)
    if channels > 1:
        values[..., 2] = 0xFFFF  # red, in OpenCV's order
    cv2.imwrite(str(tmp_path / "deep.png"), values)
    pixels = read_rgba(tmp_path / "deep.png")
    assert pixels.dtype == np.uint8
    assert pixels.shape == (6, 9, 4)
    assert pixels[3, 4].tolist() == [255 if channels > 1 else 128, 128, 128, 128 if channels == 4 else 0]


@pytest.mark.parametrize("name", ["größe.png", "絵.png"])
def test_files_with_any_name_are_read_and_damaged_ones_named(name: str, tmp_path: Path) -> None:
    Image.new("RGBA", (5, 4), (1, 2, 3, 4)).save(tmp_path / name)
    assert read_rgba(tmp_path / name)[0, 0].tolist() == [1, 2, 3, 4]
    for content in (b"", b"no image"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read_rgb(tmp_path / name)
