"""Which PyTorch goes onto which machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from installer.machine import Machine
from installer.torch_build import INDEX, Run, choose, index_arguments


def nvidia(version: str) -> Run:
    def run(command: Sequence[str]) -> str:
        return f"| NVIDIA-SMI 570.1   CUDA Version: {version}  |" if command[0] == "nvidia-smi" else ""

    return run


def nothing(command: Sequence[str]) -> str:
    return ""


def machine(tmp_path: Path, system: str = "linux", processor: str = "x86_64") -> Machine:
    return Machine(system, tmp_path, {}, tmp_path, processor)


@pytest.mark.parametrize(
    ("driver", "first"), [("13.1", "cu130"), ("13.0", "cu130"), ("12.9", "cu128"), ("12.6", "cu126"), ("12.2", "cu126")]
)
def test_the_newest_cuda_that_the_driver_knows(tmp_path: Path, driver: str, first: str) -> None:
    build = choose(machine(tmp_path), run=nvidia(driver))
    assert build.kind == "cuda"
    assert build.indexes[0] == first
    assert build.indexes[-1] == ""  # the default index, should PyTorch's own not answer


def test_an_old_driver_means_cpu_and_says_so(tmp_path: Path) -> None:
    build = choose(machine(tmp_path), run=nvidia("11.4"))
    assert build.kind == "cpu"
    assert "driver is too old" in build.reason


def test_rocm_and_xpu_are_seen_by_their_drivers(tmp_path: Path) -> None:
    assert choose(machine(tmp_path), run=nothing).kind == "cpu"
    vendor = tmp_path / "sys/class/drm/card0/device/vendor"
    vendor.parent.mkdir(parents=True)
    vendor.write_text("0x8086\n")
    assert choose(machine(tmp_path), run=nothing).kind == "cpu"  # the GPU without its compute driver
    (tmp_path / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    (tmp_path / "usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1").touch()
    assert choose(machine(tmp_path), run=nothing).kind == "xpu"
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    (tmp_path / "opt/rocm").mkdir(parents=True)
    assert choose(machine(tmp_path), run=nothing).kind == "rocm"
    assert choose(machine(tmp_path), run=nvidia("12.8")).kind == "cuda"


def test_macs_with_apple_processors_take_the_default_index(tmp_path: Path) -> None:
    build = choose(machine(tmp_path, "darwin", "arm64"))
    assert (build.kind, build.indexes) == ("mps", ("",))
    with pytest.raises(ValueError, match="Intel"):
        choose(machine(tmp_path, "darwin", "x86_64"))


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    assert choose(machine(tmp_path), "cpu", nvidia("13.0")).kind == "cpu"
    assert choose(machine(tmp_path), "rocm", nothing).kind == "rocm"
    assert choose(machine(tmp_path, "win32"), "xpu", nothing).kind == "xpu"
    for system, wanted in (("win32", "rocm"), ("linux", "mps")):
        with pytest.raises(ValueError, match=r"index|Apple"):
            choose(machine(tmp_path, system), wanted, nothing)


def test_the_first_index_that_answers_is_used_for_both_packages(tmp_path: Path) -> None:
    build = choose(machine(tmp_path), run=nvidia("13.0"))
    assert index_arguments(build, lambda index: index == "cu126") == ["--index-url", f"{INDEX}/cu126"]
    assert index_arguments(build, lambda index: False) == []
