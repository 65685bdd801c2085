"""Nothing is lost in writing: inputs and others' files are kept, and what is written is whole or not there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from backend.cli import CommandError, Exit
from backend.io import image_files, safe_write
from backend.io.rasters import from_array

from .files import pixels

RASTER = from_array(pixels(3, "u8"))
OTHER = from_array(255 - pixels(3, "u8"))
MARKED = [".png", ".jpg", ".tif", ".webp"]


@pytest.mark.parametrize("suffix", [*MARKED, ".bmp"])
def test_a_file_of_others_is_kept_unless_it_may_be_overwritten(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(pixels(3, "u8")).save(path)
    before = path.read_bytes()
    with pytest.raises(CommandError, match="--overwrite") as raised:
        image_files.write(path, OTHER)
    assert raised.value.code == Exit.USAGE
    assert path.read_bytes() == before
    image_files.write(path, OTHER, overwrite=True)
    assert path.read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", MARKED)
def test_a_result_may_be_replaced_until_somebody_changes_it(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"result{suffix}"
    image_files.write(path, RASTER)
    image_files.write(path, OTHER)
    with Image.open(path) as image:  # another program opens it and saves it again, metadata and all
        exif = image.getexif()
        image.rotate(90).save(path, exif=exif)
    with pytest.raises(CommandError, match="--overwrite"):
        image_files.write(path, RASTER)


@pytest.mark.parametrize("suffix", MARKED)
def test_a_result_with_one_byte_changed_is_no_longer_one(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"result{suffix}"
    image_files.write(path, RASTER)
    assert safe_write.is_own(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not safe_write.is_own(path)


@pytest.mark.parametrize("how", ["itself", "a link", "a hard link", "another spelling"])
def test_an_input_is_never_written_over(how: str, tmp_path: Path) -> None:
    source = tmp_path / "photo.png"
    image_files.write(source, RASTER)  # even where it is a result of ours
    target = source
    if how == "a link":
        target = tmp_path / "link.png"
        target.symlink_to(source)
    elif how == "a hard link":
        target = tmp_path / "link.png"
        target.hardlink_to(source)
    elif how == "another spelling":
        target = tmp_path / ".." / tmp_path.name / "photo.png"
    before = source.read_bytes()
    with pytest.raises(CommandError, match="input") as raised:
        image_files.write(target, OTHER, inputs=[source], overwrite=True)
    assert raised.value.code == Exit.USAGE
    assert source.read_bytes() == before


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    image_files.write(real, RASTER)
    real.chmod(0o640)
    link.symlink_to(real)
    image_files.write(link, OTHER)
    assert link.is_symlink()
    assert image_files.read(real).data[:3] == OTHER.data[:3]
    assert real.stat().st_mode & 0o777 == 0o640


def test_new_files_have_the_permissions_that_new_files_have(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        image_files.write(tmp_path / "new.png", RASTER)
    finally:
        os.umask(old)
    assert (tmp_path / "new.png").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_full_disk_or_ctrl_c_leaves_what_was_there(
    fault: BaseException, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.png"
    if step == "fsync":
        image_files.write(path, RASTER)
    before = path.read_bytes() if path.exists() else None

    def failing(*_: object) -> None:
        raise fault

    monkeypatch.setattr(os, step, failing)
    full_link = step == "link" and isinstance(fault, OSError)  # taken for a file system without links: renamed
    if full_link:
        image_files.write(path, OTHER)
    else:
        with pytest.raises(CommandError if isinstance(fault, OSError) else KeyboardInterrupt):
            image_files.write(path, OTHER)
        assert (path.read_bytes() if path.exists() else None) == before
    assert [p.name for p in tmp_path.iterdir()] == (["result.png"] if before or full_link else [])


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_kill_in_mid_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """The process is killed once the new content has begun to be written beside."""
    path = tmp_path / "result.png"
    image_files.write(path, RASTER)
    before = path.read_bytes()
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from backend.io import safe_write\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "safe_write.write_bytes(Path(sys.argv[1]), b'x' * 1000000, True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "result.png", os.link

    def late(source: str, target: Path) -> None:
        path.write_bytes(b"somebody else's")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(CommandError, match="exists"):
        image_files.write(path, RASTER)
    assert path.read_bytes() == b"somebody else's"
    assert [p.name for p in tmp_path.iterdir()] == ["result.png"]


def test_readers_see_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "result.png"
    image_files.write(path, RASTER)
    stop, broken = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            if not safe_write.is_own(path):
                broken.append(1)

    thread = threading.Thread(target=look)
    thread.start()
    for turn in range(30):
        image_files.write(path, (RASTER, OTHER)[turn % 2])
    stop.set()
    thread.join()
    assert not broken


@pytest.mark.parametrize("name", ["ünïcödé 猫.png", "a b'\"$&.png", "x" * 240 + ".png"])
@pytest.mark.parametrize("kind", ["u8", "u16"])
def test_any_name_that_the_system_takes(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "Fotos für Müller" / name
    image_files.write(path, from_array(pixels(3, kind)))
    assert image_files.read(path).format.depth == kind
