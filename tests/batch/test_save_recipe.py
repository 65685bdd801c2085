"""A run that was saved as a recipe does the same in a batch; the recipe in the manual works."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import backend
from backend.batch import recipe as recipes
from backend.cli import Exit, apply_recipe, select
from backend.cli.main import main
from backend.cli.runner import Runner
from tests.cli.commands import COMMANDS, ONE_RESULT, SURE, words, write_files
from tests.jobs import DEMO

from .files import report

ROOT = Path(backend.__file__).parent.parent
SAVED = [name for name in SURE if COMMANDS[name][0] not in ONE_RESULT]
COMMANDS_WITH_IMAGES = [
    path.stem for path in (ROOT / "backend/cli").glob("*.py")
    if "add_images(" in path.read_text(encoding="utf-8") and path.stem != "action_options"
] + ["cutout"]  # fmt: skip
"""Those that have the option --save-recipe."""

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(autouse=True)
def one_runner(one_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch's jobs run where those of the other commands do."""

    @contextlib.contextmanager
    def runners(in_process: bool, cancelled: Callable[[], bool]) -> Iterator[list[Runner]]:
        with select.runner(in_process) as shared:
            yield [shared]

    monkeypatch.setattr(apply_recipe, "runners", runners)


def run(*given: str | Path) -> int:
    return main([*map(str, given)])


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("command", SAVED)
def test_a_saved_run_gives_the_same_in_a_batch(command: str, tmp_path: Path) -> None:
    names = write_files(tmp_path, (64, 48))
    (tmp_path / "recipes").mkdir()
    recipe = tmp_path / "recipes/mine.toml"
    assert run(*words(command, names), "-o", tmp_path / "once.png", "--save-recipe", recipe) == Exit.DONE
    assert run("batch", recipe, names["image"], "-o", tmp_path / "out") == Exit.DONE
    assert np.array_equal(pixels(tmp_path / "once.png"), pixels(tmp_path / "out/image-mine.png"))


def saved(path: Path, *given: str | Path) -> recipes.Recipe:
    """The recipe that a command writes before it works; nothing need be found in the image."""
    run(*given, "--save-recipe", path)
    return recipes.load(path)


def test_points_and_boxes_become_steps(tmp_path: Path) -> None:
    names = write_files(tmp_path, (64, 48))
    place = ["--box", "1,2,30,20", "--point", "9,9", "--not-point", "2,2", "--grow", "3"]
    recipe = saved(tmp_path / "a.toml", "select", names["image"], *place, "-o", tmp_path / "out.png")
    first, second = recipe.steps
    assert (first.action.name, first.box) == ("select.object", (1, 2, 30, 20))
    assert (second.action.name, second.points, second.not_points) == ("select.strokes", ((9, 9),), ((2, 2),))
    assert second.parameters["grow"] == 3
    cut = ["cutout", names["image"], "--target", "class:cat", "--keep-hidden", "-o", tmp_path / "cut.png"]
    recipe = saved(tmp_path / "b.toml", *cut)
    assert [step.action.name for step in recipe.steps] == ["select.class", "cutout.background"]
    assert recipe.steps[0].parameters["class_name"] == "cat"
    assert recipe.steps[1].parameters["keep_hidden"] is True


def test_every_command_with_the_option_saves(tmp_path: Path) -> None:
    given = {
        "select": ["--target", "colors"], "cutout": ["--target", "colors"], "fill": ["--target", "subject"],
        "remove": ["--target", "object", "--point", "9,9"], "style": ["--style", "hat"], "background": ["blur"],
    }  # fmt: skip
    names = write_files(tmp_path, (64, 48))
    for command in COMMANDS_WITH_IMAGES:
        effect = given[command][:1] if command == "background" else []
        rest = given[command][len(effect) :]
        recipe = tmp_path / f"{command}.toml"
        assert saved(recipe, command, *effect, names["image"], *rest, "-o", tmp_path / f"{command}.png").steps


def test_a_recipe_replaces_nothing_and_reads_no_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = write_files(tmp_path)
    theirs = tmp_path / "theirs.toml"
    theirs.write_text("mine")
    given = [*words("fill", names), "-o", tmp_path / "out.png", "--save-recipe"]
    for target in (theirs, names["image"], names["mask"]):
        before = Path(target).read_bytes()
        assert run(*given, target) == Exit.USAGE
        assert Path(target).read_bytes() == before
    assert run(*given, "-") == Exit.USAGE
    assert "a recipe is a file" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
    assert run(*given, theirs, "--overwrite") == Exit.DONE
    assert recipes.load(theirs).steps[0].action.name == "fill.selection"


def test_the_recipe_of_the_manual_works(tmp_path: Path) -> None:
    text = (ROOT / "docs/batch.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    recipe = tmp_path / "example.toml"
    recipe.write_text(example, encoding="utf-8")
    photos = tmp_path / "photos"
    photos.mkdir()
    with Image.open(DEMO / "astronaut.jpg") as image:
        image.resize((160, 160)).save(photos / "astronaut.png")
    assert run("batch", recipe, photos, "-o", tmp_path / "out") == Exit.DONE
    assert report(tmp_path / "out")["counts"]["done"] == 1
    name = recipes.load(recipe).name
    before, after = pixels(photos / "astronaut.png"), pixels(tmp_path / f"out/astronaut-{name}.png")
    changed = np.abs(before.astype(int) - after).max(axis=2)
    assert changed[:20, 120:].max() > 8  # the background
    assert changed[60:75, 70:85].mean() < changed[:20, 120:].mean() / 4  # the face
