"""Files of a command on many images: what is taken, what results are called, what is kept, what is said."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from backend.cli import CommandError, Exit, batch
from backend.cli.main import main
from backend.cli.progress import Report
from plugin.client.image import Raster

FILLED = batch.Naming("filled")


class Idle:
    """A runner that is not asked for anything."""

    def __init__(self) -> None:
        self.notes: list[str] = []


def image(path: Path, color: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 5), color).save(path, {".jpg": "JPEG", ".webp": "WEBP", ".gif": "GIF"}.get(path.suffix, "PNG"))
    return path


def arguments(*images: Path, output: Path | None = None, **given: bool) -> argparse.Namespace:
    settings: dict[str, object] = {"recursive": False, "overwrite": False, "json": False} | given
    return argparse.Namespace(images=list(images), output=output, **settings)


def names(plan: batch.Plan, root: Path) -> dict[str, str]:
    """Which image goes where, both below a folder."""
    return {str(t.source.relative_to(root)): str(t.output.relative_to(root)) for t in plan.tasks}


def same(raster: Raster, report: Report) -> Raster:
    return raster


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with images, and with much that is none."""
    folder = tmp_path / "photos"
    for name in ("a.png", "b.jpg", "c.webp", "d.gif", "no suffix", "wrong.txt"):
        image(folder / name)
    for name in (".hidden.png", "._a.png", "sub/e.png", ".cache/f.png", "sub/deep/g.png"):
        image(folder / name)
    (folder / "notes.md").write_text("no image")
    (folder / "drawing.svg").write_text("<svg xmlns='x'/>")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.png")
    return folder


def test_a_folder_gives_its_images_and_counts_what_it_passes_over(photos: Path, tmp_path: Path) -> None:
    plan = batch.plan(arguments(photos, output=tmp_path / "out"), FILLED)
    assert names(plan, tmp_path) == {
        "photos/a.png": "out/a-filled.png", "photos/b.jpg": "out/b-filled.jpg", "photos/c.webp": "out/c-filled.webp",
        "photos/d.gif": "out/d-filled.png", "photos/no suffix": "out/no suffix-filled.png",
        "photos/wrong.txt": "out/wrong-filled.png",
    }  # fmt: skip
    assert plan.skipped == {
        "hidden": 3, "no image": 1, "of a format that is not read": 1, "folder (--recursive takes it)": 1,
        "no regular file": 1,
    }  # fmt: skip


def test_folders_of_folders_are_taken_when_asked_for_and_mirrored(photos: Path, tmp_path: Path) -> None:
    plan = batch.plan(arguments(photos, output=tmp_path / "out", recursive=True), FILLED)
    found = names(plan, tmp_path)
    assert found["photos/sub/e.png"] == "out/sub/e-filled.png"
    assert found["photos/sub/deep/g.png"] == "out/sub/deep/g-filled.png"
    assert len(found) == 8


def test_a_loop_of_links_ends(photos: Path, tmp_path: Path) -> None:
    (photos / "sub/again").symlink_to(photos)
    assert len(batch.plan(arguments(photos, output=tmp_path / "out", recursive=True), FILLED).tasks) == 8


def test_what_cannot_be_looked_into_in_a_folder_is_counted(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refusing(folder: Path) -> object:
        if Path(folder).name == "deep":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    (photos / "loop.png").symlink_to(photos / "loop.png")
    (photos / "gone.png").symlink_to(photos / "nowhere.png")
    monkeypatch.setattr(os, "scandir", refusing)
    plan = batch.plan(arguments(photos, output=tmp_path / "out", recursive=True), FILLED)
    assert len(plan.tasks) == 7
    assert plan.skipped["folder that cannot be read"] == 1
    assert plan.skipped["no regular file"] == 3


@pytest.mark.parametrize("where", ["in", "in/out"])
@pytest.mark.parametrize("naming", [batch.MASK, batch.CUTOUT, FILLED])
def test_a_folder_run_again_passes_over_its_own_results(where: str, naming: batch.Naming, tmp_path: Path) -> None:
    for name in ("in/a.png", "in/b.png"):
        image(tmp_path / name)
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    given = arguments(tmp_path / "in", output=tmp_path / where, recursive=True)
    for turn in range(3):
        plan = batch.plan(given, naming)
        assert len(plan.tasks) == 2
        assert plan.skipped["result of this command"] == (2 if turn else 0)
        assert batch.process(plan, Idle(), same) == Exit.DONE
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list((tmp_path / "in").rglob("*.png"))) == 4


def test_names_do_not_depend_on_what_else_is_there_unless_they_would_be_the_same(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.png"):
        image(tmp_path / "in" / name)
    plan = batch.plan(arguments(tmp_path / "in", output=tmp_path / "out"), batch.MASK)
    assert names(plan, tmp_path) == {
        "in/a.png": "out/a.png-mask.png", "in/a.jpg": "out/a.jpg-mask.png", "in/b.png": "out/b-mask.png",
    }  # fmt: skip
    image(tmp_path / "other/b.png")
    with pytest.raises(CommandError, match="different folders") as raised:
        batch.plan(arguments(tmp_path / "in", tmp_path / "other", output=tmp_path / "out"), batch.MASK)
    assert raised.value.code == Exit.USAGE


def test_one_image_goes_to_the_file_or_the_folder_or_beside_itself(tmp_path: Path) -> None:
    photo = image(tmp_path / "a.jpg")
    (tmp_path / "folder").mkdir()
    for output, result in ((tmp_path / "x.png", "x.png"), (tmp_path / "folder", "folder/a-mask.png"),
                           (None, "a-mask.png")):  # fmt: skip
        plan = batch.plan(arguments(photo, output=output), batch.MASK)
        assert names(plan, tmp_path) == {"a.jpg": result}
    assert len(batch.plan(arguments(photo, tmp_path / "." / "a.jpg"), batch.MASK).tasks) == 1


@pytest.mark.parametrize(
    ("images", "output", "printed"),
    [
        (["a.jpg"], "a.jpg", "input"), (["a.jpg"], "photo.png", "--overwrite"), (["a.jpg"], "x.xyz", ".png"),
        (["a.jpg", "photo.png"], "x.png", "several images"), (["a.jpg", "photo.png"], "photo.png", "file"),
        (["folder"], None, "-o FOLDER"), (["-", "-"], "out", "once"), (["a.jpg", "photo.png"], "-", "one image"),
    ],
)  # fmt: skip
def test_what_would_lose_something_is_refused_before_any_work(
    images: list[str], output: str | None, printed: str, tmp_path: Path
) -> None:
    image(tmp_path / "a.jpg")
    image(tmp_path / "photo.png", "blue")
    image(tmp_path / "folder/b.png")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    paths = [Path(name) if name == "-" else tmp_path / name for name in images]
    target = Path("-") if output == "-" else tmp_path / output if output else None
    with pytest.raises(CommandError, match=printed) as raised:
        batch.plan(arguments(*paths, output=target), FILLED)
    assert raised.value.code == Exit.USAGE
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_another_file_that_is_read_is_kept_too(tmp_path: Path) -> None:
    photo, mask = image(tmp_path / "a.png"), image(tmp_path / "mask.png")
    with pytest.raises(CommandError, match="input"):
        batch.plan(arguments(photo, output=mask, overwrite=True), FILLED, [mask, None])


def test_in_a_batch_what_must_be_kept_is_named_and_the_rest_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        image(tmp_path / "in" / name)
    theirs = image(tmp_path / "out/b-mask.png", "blue")
    before = theirs.read_bytes()
    (tmp_path / "in/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    plan = batch.plan(arguments(tmp_path / "in", output=tmp_path / "out"), batch.MASK)
    assert batch.process(plan, Idle(), same) == Exit.USAGE
    assert theirs.read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-mask.png", "b-mask.png", "c-mask.png"]
    printed = capsys.readouterr().err
    assert "b-mask.png exists" in printed
    assert "broken.png: this PNG cannot be read" in printed.replace(str(tmp_path / "in") + "/", "")
    assert "2 of 4 images could not be done" in printed


def test_several_frames_are_said_and_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.gif"
    frames = [Image.new("RGB", (6, 5), color) for color in ("red", "blue", "green")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    before = path.read_bytes()
    plan = batch.plan(arguments(path), FILLED)
    assert batch.process(plan, Idle(), same) == Exit.DONE
    assert "3 images" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_lines_of_json_say_what_became_of_each(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "broken.png").write_bytes(b"nothing")
    running = Idle()

    def noted(raster: Raster, report: Report) -> Raster:
        running.notes.append("Memory was short for this layer.")
        return raster

    plan = batch.plan(arguments(photos, output=tmp_path / "out", json=True), batch.MASK)
    assert batch.process(plan, running, noted) == Exit.BAD_INPUT
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    *each, summary = told
    assert summary["done"] == 6
    assert summary["failed"] == 1
    assert summary["passed_over"]["hidden"] == 3
    done = next(line for line in each if line["input"].endswith("a.png"))
    assert done == {
        "input": str(photos / "a.png"), "status": "done", "notes": ["Memory was short for this image."],
        "output": str(tmp_path / "out/a-mask.png"), "width": 6, "height": 5,
    }  # fmt: skip
    failed = next(line for line in each if line["input"].endswith("broken.png"))
    assert (failed["status"], failed["code"]) == ("failed", Exit.BAD_INPUT)
    assert "broken.png" in failed["message"]


def test_transparency_is_refused_before_any_work_where_the_result_cannot_keep_it(tmp_path: Path) -> None:
    Image.new("RGBA", (6, 5), (255, 0, 255, 0)).save(tmp_path / "a.png")

    def worked(raster: Raster, report: Report) -> Raster:
        raise AssertionError("the image should not have been worked on")

    plan = batch.plan(arguments(tmp_path / "a.png", output=tmp_path / "x.jpg"), FILLED)
    with pytest.raises(CommandError, match="no transparency") as raised:
        batch.process(plan, Idle(), worked)
    assert raised.value.code == Exit.USAGE
    Image.new("RGBA", (6, 5), (255, 0, 255, 255)).save(tmp_path / "a.png")
    assert batch.process(plan, Idle(), same) == Exit.DONE


@pytest.mark.parametrize("command", ["paste", "compose"])
def test_commands_with_one_result_keep_files_and_say_what_they_did_too(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, theirs = tmp_path / "target.png", image(tmp_path / "theirs.png")
    Image.linear_gradient("L").resize((24, 20)).convert("RGB").save(target)
    cutout = Image.new("RGBA", (9, 9), (0, 0, 0, 0))
    cutout.paste((0, 0, 255, 255), (2, 2, 7, 9))
    cutout.save(tmp_path / "source.png")
    paths = [target, tmp_path / "source.png"] if command == "paste" else [tmp_path / "source.png", target]
    words = [command, *map(str, paths), *(["--at", "1,1"] if command == "paste" else []), "--in-process"]
    for kept in (target, theirs, tmp_path / "source.png"):
        before = kept.read_bytes()
        assert main([*words, "-o", str(kept)]) == Exit.USAGE
        assert kept.read_bytes() == before
    assert main([*words, "-o", str(target), "--overwrite"]) == Exit.USAGE
    capsys.readouterr()
    assert main([*words, "-o", str(tmp_path / "out.png"), "--json"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["output"], told["width"]) == ("done", str(tmp_path / "out.png"), 24)
