"""A batch over files: names, what is done again and what is not, retries, how much runs at once, what is reported."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from backend.batch.manifest import NAME, Manifest
from backend.cli import CommandError, Exit
from plugin.client.image import Raster

from .files import Fake, report, run, write_images, write_recipe

Use = Callable[..., None]


def statuses(folder: Path) -> list[str]:
    return [file["status"] for file in report(folder)["files"]]


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ('action = "select.subject"', ["a-mine.png", "b-mine.png", "c-mine.png"]),
        ('action = "cutout.subject"', ["a-mine.png", "b-mine.png", "c-mine.webp"]),
        ('action = "background.blur"', ["a-mine.jpg", "b-mine.png", "c-mine.webp"]),
    ],
)
def test_results_are_named_by_image_recipe_and_what_they_keep(
    step: str, names: list[str], tmp_path: Path, with_runners: Use
) -> None:
    with_runners(Fake())
    (tmp_path / "in/sub").mkdir(parents=True)
    for name, form in (("a.jpg", "JPEG"), ("b.bmp", "BMP"), ("sub/c.webp", "WEBP")):
        Image.new("RGB", (9, 8), "red").save(tmp_path / "in" / name, form)
    (tmp_path / "in/notes.txt").write_text("not an image")
    recipe = write_recipe(tmp_path, f'name = "mine"\n[[steps]]\n{step}\n')
    out = tmp_path / "out"
    assert run(recipe, tmp_path / "in", "-r", "-o", out) == Exit.DONE
    results = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert results == {*names[:2], f"sub/{names[2]}", NAME, "report.json", "report.html"}
    assert report(out)["passed_over"] == {"no image": 1}


def test_images_of_one_name_are_told_apart_and_a_folder_may_be_its_own(tmp_path: Path, with_runners: Use) -> None:
    with_runners(Fake())
    for name, form in (("a.jpg", "JPEG"), ("a.png", "PNG")):
        Image.new("RGB", (9, 8), "red").save(tmp_path / name, form)
    recipe = write_recipe(tmp_path)
    for jobs in (2, 2):
        assert run(recipe, tmp_path, "-o", tmp_path) == Exit.DONE
        assert {path.name for path in tmp_path.glob("*colors*")} == {"a.jpg-colors.png", "a.png-colors.png"}
        assert Fake.jobs == jobs


def test_what_is_done_is_not_done_again_unless_something_changed(tmp_path: Path, with_runners: Use) -> None:
    with_runners(Fake())
    images, out, recipe = write_images(tmp_path / "in", 3), tmp_path / "out", write_recipe(tmp_path)

    def again() -> list[str]:
        assert run(recipe, tmp_path / "in", "-o", out) == Exit.DONE
        return statuses(out)

    assert again() == ["done"] * 3
    assert again() == ["unchanged"] * 3
    Image.new("RGB", (40, 32), "red").save(images[1])
    assert again() == ["unchanged", "done", "unchanged"]
    (out / "002-colors.png").unlink()
    assert again() == ["unchanged", "unchanged", "done"]
    write_images(tmp_path / "in", 4)
    assert again() == ["unchanged", "done", "unchanged", "done"]  # the second is as it was at first
    recipe.write_text(recipe.read_text().replace("3", "4"))
    assert again() == ["done"] * 4
    images[0].touch()
    assert again() == ["unchanged"] * 4


@pytest.mark.parametrize(
    ("code", "options", "failures", "status", "attempts"),
    [
        (Exit.JOB_FAILED, [], 1, "done", 2),
        (Exit.JOB_FAILED, [], 2, "failed", 2),
        (Exit.JOB_FAILED, ["--retries", "3"], 3, "done", 4),
        (Exit.JOB_FAILED, ["--retries", "0"], 1, "failed", 1),
        (Exit.BAD_INPUT, ["--retries", "3"], 1, "failed", 1),
    ],
)
def test_what_may_not_come_again_is_tried_again(
    code: Exit,
    options: list[str],
    failures: int,
    status: str,
    attempts: int,
    tmp_path: Path,
    with_runners: Use,
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = failures

    def fail(image: Raster) -> None:
        nonlocal left
        if image.width == 50 and left:
            left -= 1
            raise CommandError("the worker died", code)

    with_runners(Fake(fail))
    write_images(tmp_path / "in", 2)
    Image.new("RGB", (50, 9), "red").save(tmp_path / "in/wide.png")
    words = [write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out"]
    assert run(*words, *options) == (Exit.DONE if status == "done" else code)
    *others, wide = report(tmp_path / "out")["files"]
    assert [file["status"] for file in others] == ["done"] * 2
    assert (wide["status"], wide["attempts"]) == (status, attempts)
    assert (tmp_path / "out/wide-colors.png").exists() == (status == "done")
    if status == "failed":
        assert wide["message"] == "step 1 (select.colors): the worker died"
        assert "1 of 3 images could not be done" in capsys.readouterr().err
        left = 0
        assert run(*words) == Exit.DONE
        assert statuses(tmp_path / "out") == ["unchanged", "unchanged", "done"]


def test_a_backend_out_of_reach_ends_the_batch_and_the_rest_waits(tmp_path: Path, with_runners: Use) -> None:
    def lose(image: Raster) -> None:
        if Fake.jobs > 3:
            raise CommandError("the backend is gone", Exit.UNREACHABLE)

    with_runners(Fake(lose))
    write_images(tmp_path / "in", 9)
    words = [write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out"]
    assert run(*words) == Exit.UNREACHABLE
    assert report(tmp_path / "out")["counts"] == {"done": 3, "unchanged": 0, "failed": 0, "waiting": 6}
    with_runners(Fake())
    assert run(*words) == Exit.DONE
    assert report(tmp_path / "out")["counts"] == {"done": 6, "unchanged": 3, "failed": 0, "waiting": 0}


def test_as_many_jobs_run_at_once_as_there_are_runners(tmp_path: Path, with_runners: Use) -> None:
    together = threading.Barrier(3)  # three at once, or the test fails

    def meet(image: Raster) -> None:
        together.wait(30)

    with_runners(*(Fake(meet) for _ in range(3)))
    write_images(tmp_path / "in", 9)
    assert run(write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out") == Exit.DONE
    assert Fake.most == 3


class Page(HTMLParser):
    """What a page would fetch, its thumbnails, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name == "src"]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_stands_alone_and_shows_every_file(tmp_path: Path, with_runners: Use) -> None:
    with_runners(Fake())
    write_images(tmp_path / "in", 2, (300, 200))
    Image.new("RGBA", (90, 60), (200, 0, 0, 0)).save(tmp_path / "in/<b>&.png")
    (tmp_path / "in/broken.png").write_bytes((tmp_path / "in/000.png").read_bytes()[:90])
    out = tmp_path / "out"
    assert run(write_recipe(tmp_path), tmp_path / "in", "-o", out) == Exit.BAD_INPUT
    told = report(out)
    assert told["counts"] == {"done": 3, "unchanged": 0, "failed": 1, "waiting": 0}
    assert told["recipe"] == "colors"
    first, *_, named, broken = told["files"]
    assert (first["width"], first["height"], first["output"]) == (300, 200, "000-colors.png")
    assert first["seconds"] > 0
    assert first["notes"] == ["A note on an image."]
    assert "cannot be read" in broken["message"]
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe", "b", "object"} & set(page.tags)
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert len(page.sources) == 3
    sizes = []
    for source in page.sources:
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as thumbnail:
            thumbnail.load()
            sizes.append(thumbnail.size)
    assert sizes[0][0] in range(250, 262)
    assert sizes[0][1] in range(84, 87)
    assert page.links == ["000-colors.png", "001-colors.png", "%3Cb%3E%26-colors.png"]
    for word in ("3 done, 1 failed", named["input"], broken["message"], "A note on an image.", "select.colors"):
        assert word in page.text
    assert not re.search(r"https?:|url\(|@import", (out / "report.html").read_text(encoding="utf-8"))


def test_a_line_of_json_for_each_file_and_one_with_the_counts(
    tmp_path: Path, with_runners: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    with_runners(Fake())
    write_images(tmp_path / "in", 2)
    for status in ("done", "unchanged"):
        assert run(write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out", "--json") == Exit.DONE
        *files, counts = map(json.loads, capsys.readouterr().out.splitlines())
        assert [(file["status"], file["width"]) for file in files] == [(status, 40)] * 2
        assert counts[status] == 2


def test_files_of_others_are_kept(tmp_path: Path, with_runners: Use, capsys: pytest.CaptureFixture[str]) -> None:
    with_runners(Fake())
    write_images(tmp_path / "in", 2)
    recipe, out = write_recipe(tmp_path), tmp_path / "out"
    out.mkdir()
    words = [recipe, tmp_path / "in", "-o", out]
    for name in (NAME, "report.json", "report.html"):
        (out / name).write_text("mine\n")
        assert run(*words) == Exit.USAGE
        assert "exists and is" in capsys.readouterr().err
        assert [(path.name, path.read_text()) for path in out.iterdir()] == [(name, "mine\n")]
        (out / name).unlink()
    (out / "000-colors.png").write_text("mine")
    assert run(*words) == Exit.USAGE
    assert statuses(out) == ["failed", "done"]
    assert (out / "000-colors.png").read_text() == "mine"
    assert run(*words, "--overwrite") == Exit.DONE
    assert statuses(out) == ["done", "unchanged"]


def test_two_batches_do_not_write_to_one_folder(
    tmp_path: Path, with_runners: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    with_runners(Fake())
    write_images(tmp_path / "in", 1)
    with Manifest(tmp_path / "out"):
        assert run(write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out") == Exit.USAGE
    assert "another batch is writing" in capsys.readouterr().err
    assert run(write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out") == Exit.DONE


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_a_line_cut_off_is_passed_over_and_its_file_done_again(cut: int, tmp_path: Path, with_runners: Use) -> None:
    with_runners(Fake())
    write_images(tmp_path / "in", 3)
    words = [write_recipe(tmp_path), tmp_path / "in", "-o", tmp_path / "out"]
    assert run(*words) == Exit.DONE
    path = tmp_path / "out" / NAME
    *whole, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole) + last[:cut])
    for expected in ({"done": 1, "unchanged": 2}, {"done": 0, "unchanged": 3}):
        assert run(*words) == Exit.DONE
        assert report(tmp_path / "out")["counts"] == {"failed": 0, "waiting": 0} | expected


@pytest.mark.parametrize("words", [["-", "-o", "{out}"], ["{in}", "-o", "-"], ["{in}", "-o", "{in}/000.png"]])
def test_a_batch_goes_from_files_to_a_folder(words: list[str], tmp_path: Path, with_runners: Use) -> None:
    with_runners(Fake())
    write_images(tmp_path / "in", 1)
    places = {"in": tmp_path / "in", "out": tmp_path / "out"}
    assert run(write_recipe(tmp_path), *(word.format(**places) for word in words)) == Exit.USAGE
    assert Fake.jobs == 0
