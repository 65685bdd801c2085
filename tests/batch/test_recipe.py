"""A recipe is checked by the table of actions before anything runs, and what is wrong names the step."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from backend.batch import recipe as recipes
from backend.cli import CommandError, Exit
from backend.cli.main import main

SELECT = '[[steps]]\naction = "select.subject"\n'
FILL = '[[steps]]\naction = "fill.selection"\n'

MISTAKES = {
    "no TOML": ("name = ", "is no recipe"),
    "no steps": ('name = "a"', "[[steps]]"),
    "steps that are none": ("steps = [1]", "[[steps]]"),
    "an unknown key": (f"color = 1\n{SELECT}", "a recipe has no 'color'"),
    "a name that leads elsewhere": (f'name = "../a"\n{SELECT}', "name is part of the results' names"),
    "a name that is none": (f"name = 3\n{SELECT}", "name must be text"),
    "no action": ("[[steps]]\n", "step 1 (no action): a step needs an action"),
    "an unknown action": (f'{SELECT}[[steps]]\naction = "fill.sky"\n', "step 2 (fill.sky): there is no such action"),
    "a hidden action": ('[[steps]]\naction = "select.classes"\n', "step 1 (select.classes): this action makes no"),
    "an action without a result": ('[[steps]]\naction = "style.train"\n', "step 1 (style.train)"),
    "an unknown key of a step": (f"{SELECT}grow = 3\n", "step 1 (select.subject): a step has no 'grow'"),
    "an unknown parameter": (f"{SELECT}parameters = {{ size = 3 }}\n", "select.subject has no parameter 'size'"),
    "a value out of range": (f"{SELECT}parameters = {{ grow = 999 }}\n", "(select.subject): grow must be between"),
    "a value of another type": (f'{SELECT}parameters = {{ grow = "3" }}\n', "grow must be a whole number, not '3'"),
    "an unknown choice": (f'{SELECT}parameters = {{ edge = "sharp" }}\n', "edge must be one of soft, hard"),
    "parameters that are no table": (f"{SELECT}parameters = 3\n", "parameters must be a table"),
    "several results": (f"{SELECT}{FILL}parameters = {{ variants = 2 }}\n", "step 2 (fill.selection): variants must"),
    "no selection": (FILL, "step 1 (fill.selection): it needs a selection"),
    "a selection too late": (FILL + SELECT, "step 1 (fill.selection): it needs a selection"),
    "a region without a selection": (
        '[[steps]]\naction = "style.preset"\nparameters = { region = "selection" }\n', "region = 'selection' needs"
    ),
    "no image for an input": ('[[steps]]\naction = "style.layer"\n', 'it needs a file: inputs = { style = "FILE" }'),
    "no target": ('[[steps]]\naction = "paste.harmonize"\n', 'inputs = { target = "FILE" }'),
    "an unknown input": (f'{SELECT}inputs = {{ style = "a.png" }}\n', "select.subject has no input 'style'"),
    "inputs that are no files": (f"{SELECT}inputs = {{ image = 3 }}\n", "inputs must be a table of files"),
    "a file that is not there": (f'{FILL}inputs = {{ selection = "no.png" }}\n', "the file for selection cannot be"),
    "nothing of the batch": (f'{SELECT}inputs = {{ image = "a.png" }}\n', "would not work on the images of the batch"),
    "a box of three": (f"{FILL}box = [1, 2, 3]\n", "box must be [x, y, width, height]"),
    "a point of floats": (f"{FILL}points = [[1.5, 2]]\n", "points must be points [x, y]"),
    "a point by itself": (f"{FILL}points = 3\n", "points must be a list of points"),
    "a box for nothing": (f"{SELECT}box = [1, 2, 3, 4]\n", "this action takes none"),
    "two places": (f"{FILL}box = [1, 2, 3, 4]\npoints = [[1, 2]]\n", "give one of them"),
    "points that are strokes": (f"{FILL}points = [[1, 2], [3, 4]]\n", "go with select.strokes"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_before_anything_runs(
    mistake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, expected = MISTAKES[mistake]
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    path = tmp_path / "mine.toml"
    path.write_text(content)
    assert main(["batch", str(path), str(tmp_path), "-o", str(tmp_path / "out"), "--in-process"]) == Exit.USAGE
    error = capsys.readouterr().err
    assert error.startswith(f"inlay batch: {path}")
    assert expected in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_is_not_there_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", str(tmp_path / "no.toml"), str(tmp_path), "-o", str(tmp_path / "out")]) == Exit.BAD_INPUT
    assert "no.toml" in capsys.readouterr().err


def test_older_names_are_taken_and_what_is_not_given_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    old = "select.colours"  # codespell:ignore
    path.write_text(f'[[steps]]\naction = "{old}"\nparameters = {{ position = 2.0, combine = "add" }}\n')
    recipe = recipes.load(path)
    assert recipe.name == "old"
    assert recipe.steps[0].action.name == "select.colors"
    expected = {"spatial_weight": 2.0, "mode": "add", "clusters": 4}
    assert {name: recipe.steps[0].parameters[name] for name in expected} == expected


def test_a_recipe_written_is_the_one_read(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (9, 9)).save(tmp_path / name)
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep/it.toml"
    path.write_text(
        'name = "two words \u00e9\U0001f600"\n'
        '[[steps]]\naction = "select.strokes"\npoints = [[1, 2], [3, 4]]\nnot_points = [[5, 6]]\n'
        '[[steps]]\naction = "style.layer"\ninputs = { style = "../a.png", selection = "../b.png" }\n'
        "parameters = { strength = 1e-07, keep_colors = true }\n"
        '[[steps]]\naction = "fill.object"\nbox = [1, 2, 3, 4]\n',
        encoding="utf-8",
    )
    recipe = recipes.load(path)
    (tmp_path / "again.toml").write_text(recipes.text(recipe, tmp_path), encoding="utf-8")
    again = recipes.load(tmp_path / "again.toml")
    assert again.digest() == recipe.digest()
    assert again.name == recipe.name
    assert [[path.resolve() for path in each.files] for each in (again, recipe)] == [
        [tmp_path / "a.png", tmp_path / "b.png"]
    ] * 2


def test_the_digest_is_of_all_that_decides(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    path = tmp_path / "it.toml"
    contents = [
        f"{SELECT}", f"{SELECT}parameters = {{ grow = 1 }}\n", f"{FILL}box = [1, 2, 3, 4]\n",
        f"{FILL}box = [1, 2, 3, 5]\n", f"{FILL}points = [[1, 2]]\n", f'{FILL}inputs = {{ selection = "a.png" }}\n',
    ]  # fmt: skip
    digests = []
    for content in contents:
        path.write_text(content)
        digests.append(recipes.load(path).digest())
    Image.new("RGB", (9, 9), "red").save(tmp_path / "a.png")
    digests.append(recipes.load(path).digest())
    assert len(set(digests)) == len(digests)
    path.write_text(f'name = "other"\n{contents[0]}parameters = {{ grow = 0 }}\n')
    assert recipes.load(path).digest() == digests[0]


def test_a_file_that_goes_away_is_bad_input(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    (tmp_path / "it.toml").write_text(f'{FILL}inputs = {{ selection = "a.png" }}\n')
    recipe = recipes.load(tmp_path / "it.toml")
    (tmp_path / "a.png").unlink()
    with pytest.raises(CommandError) as raised:
        recipe.digest()
    assert raised.value.code == Exit.BAD_INPUT
