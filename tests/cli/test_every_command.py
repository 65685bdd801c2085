"""What holds for files in every command: what is kept, what is refused, what is said, streams, lines of JSON."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import Exit
from backend.io import image_files, sources
from tests.io.files import encoded, photograph, png_chunk

from .commands import COMMANDS, ONE_RESULT, OTHER, SURE, roles, run, words, write_files

pytestmark = pytest.mark.usefixtures("one_process")

BATCHES = [name for name in SURE if COMMANDS[name][0] not in ONE_RESULT]
READS = [(name, role) for name in SURE for role in roles(name)]


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1, printed
    assert "Traceback" not in printed
    assert len(printed) < 700
    return printed


@pytest.mark.parametrize(("command", "role"), READS)
@pytest.mark.parametrize("how", ["itself", "a link", "a hard link"])
def test_no_input_is_written_over(
    command: str, role: str, how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = write_files(tmp_path)
    target = tmp_path / f"{role}.png"
    if how != "itself":
        target = tmp_path / "link.png"
        (target.symlink_to if how == "a link" else target.hardlink_to)(names[role])
    before = {name: Path(path).read_bytes() for name, path in names.items()}
    for more in ([], ["--overwrite"]):
        assert run(*words(command, names), "-o", target, *more) == Exit.USAGE
        assert "input" in one_line(capsys)
    assert {name: Path(path).read_bytes() for name, path in names.items()} == before


@pytest.mark.parametrize("command", SURE)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_another_file_is_written_over_when_that_is_asked_for(
    command: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, theirs = write_files(tmp_path), tmp_path / f"theirs{suffix}"
    Image.new("RGB", (9, 9), "red").save(theirs)
    before = theirs.read_bytes()
    assert run(*words(command, names), "-o", theirs) == Exit.USAGE
    assert "--overwrite" in one_line(capsys)
    assert theirs.read_bytes() == before
    assert run(*words(command, names), "-o", theirs, "--overwrite") == Exit.DONE
    assert image_files.read(theirs).width in (40, OTHER[0])
    assert theirs.read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*map(os.path.basename, names.values()), theirs.name]
    )


def hostile(folder: Path) -> dict[str, Path]:
    """Things that are no images, whatever they are called."""
    found = {name: folder / f"{name}.png" for name in ("postscript", "bomb", "half", "text", "empty", "missing")}
    found["postscript"].write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 16, 6, 0, 0, 0))
    found["bomb"].write_bytes(b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"\0" * 1000)))
    whole = encoded(Image.fromarray((photograph() * 255).astype(np.uint8)), "PNG")
    found["half"].write_bytes(whole[: len(whole) // 2])
    found["text"].write_text("not an image")
    found["empty"].write_bytes(b"")
    found["long"] = folder / ("x" * 300 + ".png")
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe.png")
        found |= {"pipe": folder / "pipe.png", "device": Path("/dev/zero")}
    return found


@pytest.mark.parametrize(("command", "role"), READS)
def test_what_is_no_image_is_one_line_and_bad_input(
    command: str, role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "available", lambda: 1 << 33)
    names, out = write_files(tmp_path), tmp_path / "out.png"
    for kind, path in hostile(tmp_path).items():
        assert run(*words(command, names | {role: str(path)}), "-o", out) == Exit.BAD_INPUT, kind
        assert one_line(capsys).startswith(f"inlay {COMMANDS[command][0]}: ")
        assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="devices and pipes of POSIX")
@pytest.mark.parametrize("command", SURE)
def test_results_go_to_no_device_pipe_or_endless_name(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = write_files(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for target, code in {
        "pipe.png": Exit.USAGE, "zero.png": Exit.USAGE, "loop.png": Exit.BAD_INPUT, "x" * 300 + ".png": Exit.BAD_INPUT,
        "image.png/out.png": Exit.BAD_INPUT,
    }.items():  # fmt: skip
        for more in ([], ["--overwrite"]):
            assert run(*words(command, names), "-o", tmp_path / target, *more) == code, target
            *_, last = capsys.readouterr().err.splitlines()
            assert last.startswith(f"inlay {COMMANDS[command][0]}: ")


@pytest.mark.parametrize("command", BATCHES)
def test_what_is_no_image_does_not_stop_the_rest_of_a_batch(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "available", lambda: 1 << 33)
    names, out = write_files(tmp_path), tmp_path / "out"
    last = tmp_path / "last.png"
    last.write_bytes(Path(names["image"]).read_bytes())
    bad = hostile(tmp_path)
    assert run(*words(command, names, *bad.values(), last), "-o", out) == Exit.BAD_INPUT
    assert len(list(out.iterdir())) == 2
    assert {path.name.partition("-")[0] for path in out.iterdir()} == {"image", "last"}
    assert f"{len(bad)} of {len(bad) + 2} images could not be done" in capsys.readouterr().err


@pytest.mark.parametrize("command", [name for name in SURE if COMMANDS[name][0] != "select"])
@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_refused_where_the_result_cannot_keep_it(
    command: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, out = write_files(tmp_path), tmp_path / f"out{suffix}"
    for name in ("image", "other"):
        with Image.open(names[name]) as image:
            clear = image.convert("RGBA")
        clear.putpixel((0, 0), (255, 0, 255, 0))
        clear.save(names[name])
    assert run(*words(command, names), "-o", out) == Exit.USAGE
    assert "no transparency" in one_line(capsys)
    assert not out.exists()


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_a_mask_has_no_transparency_whatever_its_image_has(suffix: str, tmp_path: Path) -> None:
    names, out = write_files(tmp_path, mode="RGBA"), tmp_path / f"out{suffix}"
    with Image.open(names["image"]) as image:
        image.putalpha(128)
        image.save(names["image"])
    assert run(*words("select colors", names), "-o", out) == Exit.DONE
    with Image.open(out) as mask:
        assert (mask.mode, mask.size) == ("L", (40, 32))


@pytest.mark.parametrize(("command", "role"), READS)
def test_a_file_of_several_images_is_said_to_be_one(
    command: str, role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = write_files(tmp_path)
    with Image.open(names[role]) as image:
        first = image.copy()
    pages = tmp_path / "pages.tif"
    first.save(pages, save_all=True, append_images=[first.rotate(180), first.rotate(90)])
    before = pages.read_bytes()
    assert run(*words(command, names | {role: str(pages)}), "-o", tmp_path / "out.png") == Exit.DONE
    assert "It holds 3 images; only the first is worked on." in capsys.readouterr().err
    assert pages.read_bytes() == before


@contextmanager
def piped(content: bytes) -> Iterator[None]:
    """These bytes on standard input, through a pipe."""
    reading, writing = os.pipe()
    with open(writing, "wb") as end:  # noqa: PTH123 - a pipe's end
        end.write(content)
    with open(reading, encoding="latin-1") as stream, pytest.MonkeyPatch.context() as patch:  # noqa: PTH123 - its other end
        patch.setattr(sys, "stdin", stream)
        yield


@pytest.mark.parametrize(("command", "role"), READS)
def test_any_image_may_come_from_standard_input_and_the_result_go_to_standard_output(
    command: str, role: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    names = write_files(tmp_path)
    assert run(*words(command, names), "-o", tmp_path / "out.png") == Exit.DONE
    capfdbinary.readouterr()
    with piped(Path(names[role]).read_bytes()):
        assert run(*words(command, names | {role: "-"}), "-o", "-") == Exit.DONE
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as streamed, Image.open(tmp_path / "out.png") as written:
        assert np.array_equal(np.asarray(streamed), np.asarray(written))
    if len(roles(command)) > 1:
        assert run(*words(command, dict.fromkeys(names, "-")), "-o", "-") == Exit.USAGE


@pytest.mark.parametrize("command", SURE)
def test_lines_of_json_say_what_became_of_it(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names, out = write_files(tmp_path), tmp_path / "out.png"
    assert run(*words(command, names), "-o", out, "--json") == Exit.DONE
    first, *others = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["status"], first["output"]) == ("done", str(out))
    with Image.open(out) as image:
        assert (first["width"], first["height"]) == image.size
    if COMMANDS[command][0] not in ONE_RESULT:
        assert others == [{"done": 1, "failed": 0, "passed_over": {}}]
    assert run(*words(command, names), "-o", "-", "--json") == Exit.USAGE


FINDING = {
    "select subject": "subject", "select background": "subject", "select class": "known class", "cutout": "subject",
    "fill subject": "subject", "gray": "subject", "compose onto": "subject",
    "select sky": "sky", "replace found sky": "sky",
}  # fmt: skip
"""Commands that look for something, and for what."""


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
@pytest.mark.parametrize("command", FINDING)
def test_nothing_found_is_said_in_one_wording_with_one_exit_code(
    command: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, out = write_files(tmp_path), tmp_path / "out.png"
    Image.new("RGB", (96, 64), "white").convert(mode).save(names["image"])
    assert run(*words(command, names), "-o", out) == Exit.BAD_INPUT
    printed = one_line(capsys)
    assert printed.startswith(f"inlay {COMMANDS[command][0]}: No {FINDING[command]} was found. ")
    assert not out.exists()


@pytest.mark.parametrize("command", ["fill", "style region", "gray region", "paste"])
@pytest.mark.parametrize(("value", "printed"), [(0, ""), (1, "255 in place of 1"), (254, "invert")])
def test_a_mask_of_nothing_of_labels_or_the_other_way_round_gets_a_hint(
    command: str, value: int, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """254 stands for all but a corner."""
    names, out = write_files(tmp_path), tmp_path / "out.png"
    mask = np.zeros((32, 40), np.uint8)
    if value == 1:
        mask[:20, :20] = 1
    elif value:
        mask[:] = 255
        mask[:11, :11] = 0
    Image.fromarray(mask).save(names["mask"])
    code = run(*words(command, names), "-o", out)
    assert code == (Exit.DONE if value == 254 else Exit.BAD_INPUT)
    assert printed in capsys.readouterr().err


def with_masks(command: str, levels: tuple[int, ...], folder: Path) -> list[np.ndarray]:
    """What comes out in the middle where a mask of these levels lies; where it is 0, a pixel elsewhere is marked."""
    names, found = write_files(folder), []
    Image.new("RGB", OTHER, (60, 90, 200)).save(names["other"])
    more = {"fill network": ["--grow", "0", "--feather", "0"], "paste": ["--edge", "object", "--strength", "0"]}
    for level in levels:
        marked = np.zeros((32, 40), np.uint8)
        marked[8:24, 8:32] = level
        marked[0, 0] = 255 if level == 0 else 0
        Image.fromarray(marked).save(names["mask"])
        out = folder / f"{level}.png"
        assert run(*words(command, names), "-o", out, *more.get(command, [])) == Exit.DONE
        with Image.open(out) as image:
            found.append(np.asarray(image.convert("RGB"))[12:20, 12:18].astype(float))
    return found


@pytest.mark.parametrize("command", ["fill network", "style region", "paste"])
@pytest.mark.parametrize("level", [64, 160])
def test_a_gray_mask_is_a_weight(command: str, level: int, tmp_path: Path) -> None:
    nothing, part, everything = with_masks(command, (0, level, 255), tmp_path)
    assert np.abs(everything - nothing).mean() > 5
    share = level / 255
    assert np.abs(part - share * everything - (1 - share) * nothing).mean() < 4


def test_a_subject_marked_in_part_keeps_its_color_in_part(tmp_path: Path) -> None:
    colorful = [np.ptp(pixels, axis=2).mean() for pixels in with_masks("gray region", (0, 64, 160, 255), tmp_path)]
    assert all(more > less + 3 for less, more in pairwise(colorful))
