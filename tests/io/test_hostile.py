"""Files that are no images, lie, or never end: one clear line, the exit code for bad input, and nothing executed."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.cli import CommandError, Exit
from backend.io import image_files, sources

from .files import encoded, photograph, pixels, png_chunk, write_tiff

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/executed) (w) file closefile\nshowpage\n"


def printed(path: Path) -> str:
    """What is said when a file is read; it is one line."""
    with pytest.raises(CommandError) as raised:
        image_files.load(path)
    assert raised.value.code == Exit.BAD_INPUT
    message = str(raised.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert len(message) < 700
    return message


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.eps", "a"])
@pytest.mark.parametrize(
    "start", [b"", b"\n\n", b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 32, len(POSTSCRIPT)) + b"\0" * 20]
)
def test_postscript_never_reaches_an_interpreter(
    name: str, start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(start + POSTSCRIPT)
    monkeypatch.setattr(subprocess, "Popen", None)
    assert "PostScript" in printed(tmp_path / name)


def test_pillow_is_only_asked_for_the_format_that_the_content_has() -> None:
    """A file that begins as one of the readable formats and goes on as another stays with the first."""
    for path in (Path(image_files.__file__).parent).glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "Image.open(" in line:
                assert "formats=" in line, f"{path.name}: {line}"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7", "PDF"), (b"8BPS\0\1", "Photoshop"), (b"gimp xcf v011", "GIMP"), (b"\xff\x0a\0\0", "JPEG XL"),
        (b"v/1\x01\2\0\0\0", "OpenEXR"), (b"<?xml version='1'?><svg xmlns='x'/>", "SVG"), (b"<html><body>", "web page"),
        (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/x-krita", "Krita"), (b"\x1f\x8b\x08", "gzip"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw"), (b"FUJIFILMCCD-RAW 0201", "raw"), (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw"),
        (b"\0\0\0\x18ftypisom\0\0\0\1", "video"), (b"plain text", "PNG, JPEG, TIFF"), (b"\0" * 5000, "PNG, JPEG, TIFF"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.png", "a"])
def test_what_is_not_read_is_named_with_what_helps(content: bytes, word: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    message = printed(tmp_path / name)
    assert word in message
    assert "damaged" not in message


def test_a_cameras_raw_file_is_not_read_as_its_thumbnail(tmp_path: Path) -> None:
    write_tiff(tmp_path / "photo.nef", pixels(3, "u8"))
    assert "raw" in printed(tmp_path / "photo.nef")


def test_heic_without_its_library_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    (tmp_path / "a.heic").write_bytes(encoded(Image.fromarray(pixels(3, "u8")), "HEIF"))
    assert image_files.load(tmp_path / "a.heic").format == "HEIC"
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    message = printed(tmp_path / "a.heic")
    assert "inlay[heif]" in message
    assert "damaged" not in message


def bomb_png(width: int, height: int) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [100_000, 2**31 - 1])
def test_bombs_are_refused_by_their_header(side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "available", lambda: 1 << 33)
    (tmp_path / "a.png").write_bytes(bomb_png(side, side))
    assert str(side) in printed(tmp_path / "a.png")
    tiff = bytearray(write_tiff(tmp_path / "a.tif", pixels(3, "u8")).read_bytes())
    for tag in (256, 257):
        at = tiff.find(struct.pack("<HH", tag, 3)) if tiff.find(struct.pack("<HH", tag, 3)) > 0 else tiff.find(
            struct.pack("<HH", tag, 4))  # fmt: skip
        tiff[at + 2 : at + 4] = struct.pack("<H", 4)
        tiff[at + 8 : at + 12] = struct.pack("<I", side)
    (tmp_path / "a.tif").write_bytes(tiff)
    assert str(side) in printed(tmp_path / "a.tif")
    jpeg = bytearray(encoded(Image.fromarray(pixels(3, "u8")), "JPEG"))
    at = jpeg.find(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    (tmp_path / "a.jpg").write_bytes(jpeg)
    printed(tmp_path / "a.jpg")
    (tmp_path / "a.ppm").write_bytes(f"P6 {side} {side} 65535\n".encode() + b"\0" * 100)
    printed(tmp_path / "a.ppm")


def test_a_larger_image_than_memory_says_how_much_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(bomb_png(2000, 2000))
    monkeypatch.setattr(sources, "available", lambda: 64 << 20)
    assert "GiB" in printed(tmp_path / "a.png")


@pytest.mark.skipif(sys.platform == "win32", reason="devices and pipes of POSIX")
def test_devices_pipes_and_folders_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path, word in (
        (Path("/dev/zero"), "device"), (Path("/dev/null"), "device"), (tmp_path / "pipe.png", "named pipe"),
        (tmp_path, "folder"), (tmp_path / ("x" * 300 + ".png"), "too long"), (tmp_path / "a\0b.png", "cannot read"),
        (tmp_path / "missing.png", "No such file"), (tmp_path / "line\nbreak.png", "No such file"),
        (tmp_path / "/".join(["deep"] * 1200), "too long"),
    ):  # fmt: skip
        assert word in printed(path)


@pytest.mark.parametrize("name", ["empty.png", "empty.tif", "empty"])
def test_an_empty_file_is_called_empty(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    assert "empty" in printed(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="devices of POSIX")
@pytest.mark.parametrize("stream", ["/dev/zero", "/dev/null"])
def test_standard_input_that_is_no_image_ends(stream: str) -> None:
    code = (
        "from pathlib import Path; from backend.io import image_files; from backend.cli import CommandError\n"
        "try: image_files.load(Path('-'))\nexcept CommandError as error: print(error)\n"
    )
    with open(stream, "rb") as source:  # noqa: PTH123 - a device, as standard input
        done = subprocess.run([sys.executable, "-c", code], stdin=source, capture_output=True, text=True, check=True)
    assert "device" in done.stdout
    assert done.stderr == ""
    piped = subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE)
    done = subprocess.run([sys.executable, "-c", code], stdin=piped.stdout, capture_output=True, text=True, check=True)
    piped.stdout.close()
    piped.wait()
    assert "no image" in done.stdout


def seeds() -> dict[str, bytes]:
    """A small sound file of every format."""
    image = Image.fromarray((photograph(24, 17) * 255).astype(np.uint8))
    found = {form: encoded(image, form) for form in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "JPEG2000", "TGA")}
    found["GIF"] = encoded(image.quantize(8), "GIF")
    found["AVIF"] = encoded(image, "AVIF")
    stream = io.BytesIO()
    import tifffile

    tifffile.imwrite(stream, pixels(4, "u16", 24, 17), photometric="rgb", compression="zlib", tile=(16, 16),
                     extrasamples=["unassalpha"])  # fmt: skip
    found["deep TIFF"] = stream.getvalue()
    return found


SEEDS = seeds()


@pytest.mark.parametrize("form", SEEDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_in_one_line_or_does_no_harm(form: str, data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(SEEDS[form])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(content) - 1, 400)))
        content[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content)))]
    path = tmp_path / ("a.tga" if form == "TGA" else "a.bin")
    path.write_bytes(content)
    try:
        raster = image_files.load(path).raster
    except CommandError as error:
        assert error.code == Exit.BAD_INPUT
        assert "\n" not in str(error)
    else:
        assert raster.width > 0


@pytest.mark.parametrize("form", [form for form in SEEDS if form not in ("GIF", "TGA")])
def test_half_a_file_is_called_incomplete_and_its_format_is_named(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.bin").write_bytes(SEEDS[form][: len(SEEDS[form]) * 6 // 10])
    message = printed(tmp_path / "a.bin")
    assert "incomplete" in message
    assert any(word in message for word in ("PNG", "JPEG", "TIFF", "WebP", "BMP", "PNM", "AVIF"))
    assert capfd.readouterr() == ("", "")
