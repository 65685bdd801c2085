"""Scenarios from bug reports, from end to end: files of odd kinds, results in odd places, images without a subject."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from backend.cli import Exit
from backend.cli.main import main
from backend.io import icc
from tests.io.files import camera_exif, encoded, photograph, png_with, write_tiff

WIDTH, HEIGHT = 96, 64
HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[20:34, 30:52] = True
AWAY = ~(cv2.dilate(HOLE.astype(np.uint8), np.ones((9, 9))) > 0)


def unit(channels: int) -> np.ndarray:
    """A cat in 0..1 as gray or RGB, with a ramp of alpha where there are two or four channels."""
    image = photograph(WIDTH, HEIGHT)
    color = image.mean(2, keepdims=True) if channels < 3 else image
    ramp = np.linspace(1, 0.3, WIDTH, dtype=np.float32)[None, :, None].repeat(HEIGHT, 0)
    return np.concatenate([color, ramp], axis=2) if channels in (2, 4) else color


def run(*words: str | Path) -> int:
    return main([*map(str, words), "--in-process"])


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    Image.fromarray(HOLE.astype(np.uint8) * 255).save(path)
    return path


def filled(path: Path, mask: Path, name: str) -> Path:
    out = path.with_name(name)
    words = ("--mask", mask, "--grow", "0", "--method", "patches", "-o", out)
    assert run("fill", path, *words) == Exit.DONE
    return out


@pytest.mark.parametrize(
    ("name", "channels", "kind", "options"),
    [
        ("planar", 3, np.uint16, {"planarconfig": "separate"}),
        ("white is zero", 1, np.uint16, {"photometric": "miniswhite"}),
        ("signed", 3, np.int16, {}),
        ("half", 3, np.float16, {}),
        ("float gray with alpha", 2, np.float32, {}),
        ("gray with alpha", 2, np.uint16, {}),
        ("premultiplied", 4, np.uint16, {"extrasamples": ["assocalpha"]}),
        ("zstd", 4, np.float32, {"compression": "zstd"}),
    ],
)
def test_a_fill_leaves_all_but_the_hole_of_a_tiff_of_any_kind(
    name: str, channels: int, kind: type, options: dict[str, object], tmp_path: Path, mask: Path
) -> None:
    image = unit(channels)
    stored = image.copy()
    if name == "white is zero":
        stored = 1 - stored
    if name == "premultiplied":
        stored[..., :3] *= stored[..., 3:]
    full = 1.0 if np.dtype(kind).kind == "f" else float(np.iinfo(kind).max)
    stored = (stored * full if full == 1 else np.rint(stored * full)).astype(kind)
    out = filled(write_tiff(tmp_path / "in.tif", stored, **options), mask, "out.tif")
    after = tifffile.imread(out)
    assert after.dtype == (np.uint16 if kind is np.int16 else kind)
    found = np.atleast_3d(after / (1.0 if after.dtype.kind == "f" else 65535)).reshape(HEIGHT, WIDTH, -1)
    assert found.shape == image.shape
    np.testing.assert_allclose(found[AWAY], image[AWAY], atol=1e-3 if kind is np.float16 else 1e-4)


def test_cmyk_is_filled_in_srgb(tmp_path: Path, mask: Path) -> None:
    image = unit(3)
    inks = np.concatenate([1 - image, np.zeros((HEIGHT, WIDTH, 1), np.float32)], axis=2)
    stored = np.rint(inks * 65535).astype(np.uint16)
    deep = filled(write_tiff(tmp_path / "in.tif", stored, photometric="separated", extrasamples=None), mask, "out.tif")
    np.testing.assert_allclose(tifffile.imread(deep)[AWAY] / 65535, image[AWAY], atol=1e-4)
    (tmp_path / "in.jpg").write_bytes(
        encoded(Image.fromarray(np.rint(image * 255).astype(np.uint8)).convert("CMYK"), "JPEG", quality=95)
    )
    with Image.open(filled(tmp_path / "in.jpg", mask, "out.jpg")) as result:
        assert result.mode == "RGB"
        assert "icc_profile" not in result.info


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_deep_cutout_says_which_channel_is_its_alpha(kind: type, tmp_path: Path) -> None:
    image = unit(3) * (1 if kind is np.float32 else 65535)
    path = write_tiff(tmp_path / "in.tif", image.astype(kind))
    out = tmp_path / "out.tif"
    assert run("cutout", path, "--target", "colors", "-o", out) == Exit.DONE
    with tifffile.TiffFile(out) as file:
        assert [int(value) for value in file.pages[0].extrasamples] == [2]
        assert file.pages[0].dtype == kind


def test_a_color_image_is_pasted_onto_gray_with_a_profile(tmp_path: Path) -> None:
    gray = np.rint(unit(1)[..., 0] * 255).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "gray.png", icc_profile=icc.gray_gamma(2.2))
    source = np.zeros((20, 20, 4), np.uint8)
    source[4:16, 4:16] = (220, 40, 40, 255)
    Image.fromarray(source).save(tmp_path / "source.png")
    out = tmp_path / "out.png"
    words = ["--at", "10,10", "--edge", "object", "--strength", "0", "-o", out]
    assert run("paste", tmp_path / "gray.png", tmp_path / "source.png", *words) == Exit.DONE
    with Image.open(out) as image:
        after = np.asarray(image.convert("RGB")).astype(int)
    away = after[40:]
    assert np.abs(away - gray[40:, :, None]).max() <= 10  # gamma 2.2 and sRGB are close but in the shadows
    assert after[20, 20, 0] > after[20, 20, 1] + 20


def test_a_transparent_color_at_sixteen_bits_stays_transparent(tmp_path: Path, mask: Path) -> None:
    import imagecodecs

    gray = np.rint(unit(1)[..., 0] * 65535).astype(np.uint16)
    key = gray[5, 5]
    content = png_with(bytes(imagecodecs.png_encode(gray)), [(b"tRNS", int(key).to_bytes(2, "big"))])
    (tmp_path / "in.png").write_bytes(content)
    after = cv2.imread(str(filled(tmp_path / "in.png", mask, "out.png")), cv2.IMREAD_UNCHANGED)
    assert after.dtype == np.uint16
    assert after[5, 5, -1] == 0
    assert after[60, 90, -1] == 65535


@pytest.mark.parametrize("command", ["fill", "style", "background"])
def test_transparent_images_do_not_go_to_formats_without_it(command: str, tmp_path: Path, mask: Path) -> None:
    hidden = np.dstack([np.full((HEIGHT, WIDTH, 3), (255, 0, 255), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)])
    Image.fromarray(hidden).save(tmp_path / "in.png")
    words = {"fill": ["fill"], "style": ["style"], "background": ["background", "gray"]}[command]
    for suffix in (".jpg", ".bmp"):
        out = tmp_path / f"out{suffix}"
        assert run(*words, tmp_path / "in.png", "--mask", mask, "-o", out) == Exit.USAGE
        assert not out.exists()


def test_images_are_kept_when_their_folder_is_the_output(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        Image.fromarray(np.rint(unit(3) * 255).astype(np.uint8)).save(tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):
        assert run("select", tmp_path, "--target", "colors", "-o", tmp_path) == Exit.DONE
        assert {path: path.read_bytes() for path in before} == before
        assert len(list(tmp_path.iterdir())) == 4


def test_pages_and_metadata_are_not_lost(tmp_path: Path, mask: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = [np.rint(unit(3) * 255).astype(np.uint8), np.rint(255 - unit(3) * 255).astype(np.uint8)]
    with tifffile.TiffWriter(tmp_path / "pages.tif") as writer:
        for page in pages:
            writer.write(page, photometric="rgb")
    before = (tmp_path / "pages.tif").read_bytes()
    words = ["--mask", mask, "--method", "patches"]
    assert run("fill", tmp_path / "pages.tif", *words, "-o", tmp_path / "pages.tif", "--overwrite") == Exit.USAGE
    assert (tmp_path / "pages.tif").read_bytes() == before
    assert run("fill", tmp_path / "pages.tif", *words, "-o", tmp_path / "out.tif") == Exit.DONE
    assert "2 images" in capsys.readouterr().err
    Image.fromarray(pages[0]).save(tmp_path / "photo.jpg", exif=camera_exif(), dpi=(300, 300))
    assert run("fill", tmp_path / "photo.jpg", *words) == Exit.DONE
    with Image.open(tmp_path / "photo-filled.jpg") as image:
        assert image.getexif()[0x0132] == "2020:01:02 03:04:05"
        assert image.info["dpi"] == (300, 300)


@pytest.mark.parametrize("command", ["select", "cutout", "fill", "background", "style"])
def test_an_image_without_a_subject_gives_one_line_and_nothing_else(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(tmp_path / "white.png")
    out = tmp_path / "out.png"
    words = {
        "fill": ["fill", "--target", "subject"], "background": ["background", "gray"],
        "style": ["style", "--region", "subject"],
    }.get(command, [command])  # fmt: skip
    assert run(*words, tmp_path / "white.png", "-o", out) == Exit.BAD_INPUT
    assert not out.exists()
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert printed.startswith(f"inlay {command}: No subject was found. Mark it with --")
