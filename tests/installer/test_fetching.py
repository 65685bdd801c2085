"""What is fetched: the build for the CPU wherever an index has one, and what the user sees meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from installer import cpu_wheels, torch_build
from installer.console import Console, InstallError
from installer.cpu_wheels import Place, places
from installer.machine import Machine
from installer.progress import Downloads
from installer.torch_build import TorchBuild
from installer.venv import Venv

CONFIG = """:env:.find-links='/wheels'
global.index-url='https://mirror.example/simple'
global.extra-index-url='file:///a/simple https://b.example/simple/'
global.cert='/etc/ssl'
"""
WHEELS = """
torch-2.12.0-cp311-cp311-manylinux_2_28_x86_64.whl
torch-2.11.0+cpu-cp311-cp311-linux_x86_64.whl
<a href="torch-2.12.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=0">torch</a>
<a href="torch-2.13.0%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl">of another Python</a>
<a href="torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_aarch64.whl">of another processor</a>
<a href="torch-2.14.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl">without its torchvision</a>
<a href="torch-2.99.0%2Bcu130-cp311-cp311-manylinux_2_28_x86_64.whl">for CUDA</a>
"""
VISION = """
torchvision-0.26.0+cpu-cp311-cp311-linux_x86_64.whl
<a href="torchvision-0.27.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl">torchvision</a>
"""
LINUX = Machine("linux", Path("/home/me"))


def test_places_come_from_pips_settings_and_arguments() -> None:
    arguments = ["--index-url", "https://c.example", "-f", "/more", "--find-links=/yet", "--no-cache-dir"]
    assert places(CONFIG, arguments) == [
        Place("/wheels", True), Place("https://mirror.example/simple", False), Place("file:///a/simple", False),
        Place("https://b.example/simple/", False), Place("https://c.example", False), Place("/more", True),
        Place("/yet", True),
    ]  # fmt: skip


@pytest.mark.parametrize("flat", [True, False])
def test_the_newest_pair_for_the_cpu_is_found_in_an_index_and_in_a_folder(flat: bool) -> None:
    asked = []

    def read(url: str) -> str:
        asked.append(url)
        return WHEELS + VISION if flat else VISION if "torchvision" in url else WHEELS

    found = cpu_wheels.find(LINUX, "cp311", (2, 11), [Place("https://m.example/simple/", flat)], read)
    assert found == ["torch==2.12.1+cpu", "torchvision==0.27.1+cpu"]
    if not flat:
        assert asked == ["https://m.example/simple/torch/", "https://m.example/simple/torchvision/"]


def test_a_pair_that_is_too_old_or_of_another_python_is_none() -> None:
    where = [Place("x", True)]
    assert cpu_wheels.find(LINUX, "cp311", (2, 13), where, lambda url: WHEELS + VISION) == []
    assert cpu_wheels.find(LINUX, "cp310", (2, 11), where, lambda url: WHEELS + VISION) == []
    assert cpu_wheels.find(LINUX, "cp311", (2, 11), where, lambda url: "") == []


def test_folders_and_pages_on_disk_are_read(tmp_path: Path) -> None:
    (tmp_path / "torch-2.11.0+cpu-cp311-cp311-linux_x86_64.whl").touch()
    assert "torch-2.11.0+cpu" in cpu_wheels.read_page(str(tmp_path))
    (tmp_path / "index.html").write_text("a page")
    assert cpu_wheels.read_page(tmp_path.as_uri()) == "a page"
    assert cpu_wheels.read_page(str(tmp_path / "nothing")) == ""


class FakeVenv(Venv):
    tag = "cp311"

    def pip_config(self) -> str:
        return CONFIG


@pytest.mark.parametrize(
    ("kind", "pytorch_answers", "wheels", "exact", "message"),
    [
        ("cpu", True, True, [], "/whl/cpu"),
        ("cpu", False, True, ["torch==2.12.1+cpu", "torchvision==0.27.1+cpu"], "torch==2.12.1+cpu"),
        ("cpu", False, False, [], "larger build for CUDA"),
        ("cuda", False, True, [], "pip's own index"),
    ],
)
def test_a_machine_without_a_gpu_takes_the_build_for_the_cpu_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, kind: str, pytorch_answers: bool, wheels: bool, exact: list[str], message: str
) -> None:
    answers = ["--index-url", "https://torch.example/whl/cpu"] if pytorch_answers else []
    monkeypatch.setattr(torch_build, "index_arguments", lambda build: answers)
    monkeypatch.setattr(cpu_wheels, "read_page", lambda url: WHEELS + VISION if wheels else "")
    venv = FakeVenv(Path("/venv"), Console(Path("/log")))
    index, named, place = torch_build.source(LINUX, TorchBuild(kind, (kind, ""), "for a test"), venv)
    assert (index, named) == (answers, exact)
    assert message in place


PIP = """Collecting torch>=2.11
  Downloading https://m.example/torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)
Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl (821.2 MB)
Progress 0 of 821200000
Progress 82200000 of 821200000
Progress 90000000 of 821200000
Progress 821200000 of 821200000
Downloading six-1.16.0-py2.py3-none-any.whl (11 kB)
Progress 11000 of 11000
"""


def test_large_files_are_shown_with_their_size_and_how_far_they_are() -> None:
    lines: list[str] = []
    downloads = Downloads(lines.append)
    kept = [line for line in PIP.splitlines() if not downloads.line(line)]
    assert lines == ["  fetching torch 2.11.0, 821.2 MB", "    torch: 10 % of 821 MB", "    torch: 100 % of 821 MB"]
    assert not any("Progress" in line for line in kept)
    assert any("six" in line for line in kept)


def test_a_program_that_is_watched_shows_its_lines_as_they_come_and_its_log_when_it_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console, seen = Console(tmp_path / "log"), []
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(int(sys.argv[1]))"
    watch = lambda line: bool(seen.append(line)) or "one" in line  # noqa: E731 - one line
    console.run([sys.executable, "-u", "-c", code, "0"], watch=watch)
    assert sorted(seen) == ["one\n", "two\n"]
    assert "two" in console.log.read_text() and "\none" not in console.log.read_text()
    with pytest.raises(InstallError, match="exit status 3"):
        console.run([sys.executable, "-c", code, "3"], watch=watch)
    assert "two" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstallError, match=r"cannot be written .*INLAY_DATA_DIR"):
        Console(tmp_path / "file/log").run(["true"])


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    console = Console(tmp_path / "log")
    console.log.write_bytes(bytes(6 << 20))
    console.run(["true"])
    assert console.log.stat().st_size < 100
    assert (tmp_path / "log.1").stat().st_size == 6 << 20
