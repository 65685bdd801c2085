"""Folders of small images, a recipe, and runners for a batch's tests."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.cli import apply_recipe
from backend.cli.main import main
from backend.cli.progress import Report
from backend.cli.runner import Runner
from plugin.client.actions import Value
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Output, Result, ResultKind
from tests.io.files import photograph

COLORS = 'name = "colors"\n[[steps]]\naction = "select.colors"\nparameters = { clusters = 3, edge = "hard" }\n'
"""A fast recipe that finds something in any image."""


def write_images(folder: Path, count: int, size: tuple[int, int] = (40, 32)) -> list[Path]:
    """So many images, each of them another."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    base = (photograph(*size) * 255).astype(np.uint8)
    for number in range(count):
        paths.append(folder / f"{number:03}.png")
        Image.fromarray(np.roll(base, number, axis=1)).save(paths[-1])
    return paths


def write_recipe(folder: Path, content: str = COLORS) -> Path:
    path = folder / "recipe.toml"
    path.write_text(content, encoding="utf-8")
    return path


def run(*words: str | Path) -> int:
    """The exit code of `inlay batch`."""
    return main(["batch", *map(str, words)])


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


class Fake:
    """A runner that selects all of an image, or does what `first` does; it knows how many of its kind run at once."""

    running = most = jobs = 0
    lock = threading.Lock()

    def __init__(self, first: Callable[[Raster], None] = lambda image: None) -> None:
        self.notes: list[str] = []
        self.first = first

    def run(self, action: str, parameters: dict[str, Value], inputs: dict[str, Raster], report: Report) -> Result:
        image = inputs["image"]
        with Fake.lock:
            Fake.jobs += 1
            Fake.running += 1
            Fake.most = max(Fake.most, Fake.running)
        try:
            self.first(image)
        finally:
            with Fake.lock:
                Fake.running -= 1
        self.notes.append("A note on a layer.")
        white = Raster(PixelFormat("Y", "u8"), image.width, image.height, b"\xff" * (image.width * image.height))
        return Result("", (Output(ResultKind.SELECTION, "all", white),), ())


@pytest.fixture
def with_runners(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that has `inlay batch` use these runners."""
    Fake.running = Fake.most = Fake.jobs = 0

    def use(*runners: Runner) -> None:
        @contextlib.contextmanager
        def given(in_process: bool, cancelled: Callable[[], bool]) -> Iterator[list[Runner]]:
            yield list(runners)

        monkeypatch.setattr(apply_recipe, "runners", given)

    return use
