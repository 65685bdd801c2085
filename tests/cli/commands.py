"""The commands that read and write images, as words with places for files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import background, compose, cutout, fill, paste, remove, replace_sky, select, style
from backend.cli.main import main
from backend.cli.runner import InProcess
from backend.operations import Context, networks
from backend.operations.networks import STYLES, Network, cache_key
from tests.io.files import photograph
from tests.operations.style.networks import small_network
from tests.operations.style.test_arbitrary import context

COMMANDS = {
    "select subject": ["select", "{image}"],
    "select colors": ["select", "{image}", "--target", "colors"],
    "select object": ["select", "{image}", "--target", "object", "--point", "0,0"],
    "select box": ["select", "{image}", "--target", "object", "--box", "0,0,1,1", "--method", "grabcut"],
    "select class": ["select", "{image}", "--target", "class"],
    "select background": ["select", "{image}", "--target", "background"],
    "select objects": ["select", "{image}", "--target", "objects"],
    "select other people": ["select", "{image}", "--target", "other-people"],
    "select sky": ["select", "{image}", "--target", "sky"],
    "select points": ["select", "{image}", "--point", "0,0", "--not-point", "0,0"],
    "cutout": ["cutout", "{image}"],
    "cutout colors": ["cutout", "{image}", "--target", "colors"],
    "fill": ["fill", "{image}", "--mask", "{mask}"],
    "fill network": ["fill", "{image}", "--mask", "{mask}", "--method", "network"],
    "fill source": ["fill", "{image}", "--mask", "{mask}", "--source", "{area}"],
    "fill subject": ["fill", "{image}", "--target", "subject"],
    "fill object": ["fill", "{image}", "--target", "object", "--point", "0,0"],
    "remove dust": ["remove", "{image}", "--target", "dust"],
    "style": ["style", "{image}", "--style", "wave"],
    "style region": ["style", "{image}", "--style", "wave", "--mask", "{mask}"],
    "style image": ["style", "{image}", "--style-image", "{other}"],
    "style gatys": ["style", "{image}", "--style-image", "{other}", "--gatys", "--steps", "1", "--size", "64"],
    "blur": ["background", "blur", "{image}", "--mask", "{mask}"],
    "gray": ["background", "gray", "{image}"],
    "gray region": ["background", "gray", "{image}", "--mask", "{mask}"],
    "paste": ["paste", "{other}", "{image}", "--mask", "{mask}", "--at", "3,2"],
    "paste onto": ["paste", "{image}", "{other}", "--at", "0,0"],
    "compose": ["compose", "{other}", "{image}"],
    "compose onto": ["compose", "{image}", "{other}"],
    "replace sky": ["replace-sky", "{image}", "{other}", "--mask", "{mask}"],
    "replace found sky": ["replace-sky", "{image}", "{other}"],
}

ONE_RESULT = ("paste", "compose", "replace-sky")
"""Commands with one result; all others take any number of images."""

SURE = [
    "select colors", "cutout colors", "fill", "fill network", "fill source", "style", "style region", "style image",
    "style gatys", "blur", "paste", "paste onto", "compose", "replace sky",
]  # fmt: skip
"""Those that find what they need in any image, such as `write_files` makes."""

OTHER = (20, 30)
"""The size of the second image."""


def write_files(folder: Path, size: tuple[int, int] = (40, 32), mode: str = "RGB") -> dict[str, str]:
    """An image, a mask of its upper left quarter, the area beside it, and a cutout; their paths by name."""
    paths = {name: folder / f"{name}.png" for name in ("image", "mask", "area", "other")}
    Image.fromarray((photograph(*size) * 255).astype(np.uint8)).convert(mode).save(paths["image"])
    marked = np.zeros(size[::-1], np.uint8)
    marked[: (size[1] + 1) // 2, : (size[0] + 1) // 2] = 255
    Image.fromarray(marked).save(paths["mask"])
    Image.fromarray(255 - marked).save(paths["area"])
    cut = np.zeros((OTHER[1], OTHER[0], 4), np.uint8)
    cut[5:, 6:14] = (200, 60, 40, 255)
    Image.fromarray(cut).save(paths["other"])
    return {name: str(path) for name, path in paths.items()}


def words(command: str, names: dict[str, str], *more: str | Path) -> list[str]:
    """What is typed after `inlay`; more: further images."""
    typed = [word.format(**names) for word in COMMANDS[command]]
    after = COMMANDS[command].index("{image}") + 1
    return [*typed[:after], *map(str, more), *typed[after:]]


def roles(command: str) -> list[str]:
    """The names of the files that a command reads, the first image first."""
    found = [word.strip("{}") for word in COMMANDS[command] if word.startswith("{")]
    return sorted(found, key=lambda name: name != "image")


def run(*given: str | Path) -> int:
    """The exit code."""
    return main([*map(str, given)])


@pytest.fixture(scope="module")
def one_process() -> Iterator[None]:
    """One process's runner for all commands, so that networks are loaded once; small ones in place of the styles'."""
    shared = InProcess()
    loaded, really_load = context().cache, networks._load
    loaded[cache_key(STYLES)] = Network(small_network(), None)

    def load(name: str, context: Context) -> Network:
        return loaded.get(cache_key(name)) or really_load(name, context)

    @contextlib.contextmanager
    def runner(in_process: bool) -> Iterator[InProcess]:
        yield shared

    with pytest.MonkeyPatch.context() as patch:
        for module in (background, compose, cutout, fill, paste, remove, replace_sky, select, style):
            patch.setattr(module, "runner", runner)
        patch.setattr("backend.operations.networks._load", load)
        yield
