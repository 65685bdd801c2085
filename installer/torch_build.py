"""Which build of PyTorch fits a machine, and where its wheels are.

PyTorch keeps an index of wheels for each kind of accelerator. When it cannot be reached, the default index serves:
there is one build a system there (CUDA on Linux, CPU on Windows, MPS on macOS). torch and torchvision always come from
one index, in one run of pip, because builds do not mix.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import cpu_wheels
from .machine import Machine
from .venv import Venv, least_torch, pip_arguments

INDEX = "https://download.pytorch.org/whl"
KINDS = ("auto", "cpu", "cuda", "rocm", "xpu", "mps")
CUDA_BUILDS = ((13, 0), (12, 8), (12, 6))
"""CUDA versions that PyTorch is built for, newest first."""

ROCM_BUILDS = ("rocm7.2", "rocm7.1", "rocm7.0", "rocm6.4")
"""ROCm versions that PyTorch is built for, newest first."""

Run = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class TorchBuild:
    """A build: its kind, the indexes to try in turn ("" is the default index), and what there is to say about it."""

    kind: str
    indexes: tuple[str, ...]
    reason: str


def output_of(command: Sequence[str]) -> str:
    """What a program prints; empty when it is missing, fails or takes longer than ten seconds."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def choose(machine: Machine, wanted: str = "auto", run: Run = output_of) -> TorchBuild:
    """The build for a machine, or that of the `wanted` kind. Raises ValueError where there is none of it."""
    if machine.system == "darwin":
        if machine.processor not in ("arm64", "aarch64"):
            raise ValueError("PyTorch is no longer built for Macs with Intel processors.")
        if wanted not in ("auto", "mps", "cpu"):
            raise ValueError(f"There is no build of PyTorch for {wanted} on macOS; leave --torch out.")
        return TorchBuild("mps", ("",), "an Apple processor")
    if wanted == "mps":
        raise ValueError("MPS is Apple's; leave --torch out.")
    cuda = _driver_cuda(run)
    if wanted == "cuda" or (wanted == "auto" and cuda >= (12, 0)):
        return _cuda(cuda)
    if wanted == "rocm" or (wanted == "auto" and _has_rocm(machine, run)):
        if machine.system == "win32":
            raise ValueError("There is no ROCm build of PyTorch for Windows in PyTorch's index; take --torch cpu.")
        return TorchBuild("rocm", (*ROCM_BUILDS, ""), "an AMD GPU with ROCm")
    if wanted == "xpu" or (wanted == "auto" and _has_xpu(machine)):
        return TorchBuild("xpu", ("xpu", ""), "an Intel GPU")
    reason = "it was asked for" if wanted == "cpu" else "no GPU that PyTorch can use was found"
    if wanted == "auto" and cuda > (0, 0):
        reason = f"the NVIDIA driver is too old (CUDA {cuda[0]}.{cuda[1]}); with a newer one, run this again"
    return TorchBuild("cpu", ("cpu", ""), reason)


def reachable(index: str, timeout: float = 6.0) -> bool:
    """Whether one of PyTorch's indexes answers."""
    try:
        with urllib.request.urlopen(f"{INDEX}/{index}/torch/", timeout=timeout) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def index_arguments(build: TorchBuild, answers: Callable[[str], bool] = reachable) -> list[str]:
    """Arguments for pip that name the first of the build's indexes that answers."""
    for index in build.indexes:
        if not index:
            return []
        if answers(index):
            return ["--index-url", f"{INDEX}/{index}"]
    return []


def source(machine: Machine, build: TorchBuild, venv: Venv) -> tuple[list[str], list[str], str]:
    """Where a build comes from: arguments for pip, exact versions to ask for ([]: any), and the place in words.

    Where PyTorch's own index cannot be reached, a build for the CPU is looked for in every index that pip knows.
    """
    if index := index_arguments(build):
        return index, [], index[-1]
    if build.kind == "cpu":
        where = cpu_wheels.places(venv.pip_config(), pip_arguments())
        if exact := cpu_wheels.find(machine, venv.tag, least_torch(), where):
            return [], exact, f"pip's own index, {' and '.join(exact)}"
        if machine.system == "linux":
            return [], [], "pip's own index, which has but the larger build for CUDA; that runs on the CPU, too"
    return [], [], "pip's own index"


def _cuda(driver: tuple[int, int]) -> TorchBuild:
    fitting = [build for build in CUDA_BUILDS if build <= driver] or [CUDA_BUILDS[-1]]
    names = tuple(f"cu{major}{minor}" for major, minor in fitting)
    reason = f"an NVIDIA GPU whose driver knows CUDA {driver[0]}.{driver[1]}" if driver > (0, 0) else "it was asked for"
    return TorchBuild("cuda", (*names, ""), reason)


def _driver_cuda(run: Run) -> tuple[int, int]:
    """Newest CUDA version that the NVIDIA driver knows; (0, 0) without one."""
    match = re.search(r"CUDA Version:\s*(\d+)\.(\d+)", run(["nvidia-smi"]))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _has_rocm(machine: Machine, run: Run) -> bool:
    if machine.system != "linux" or not (machine.root / "dev/kfd").exists():
        return False
    return (machine.root / "opt/rocm").exists() or "gfx" in run(["rocminfo"])


def _has_xpu(machine: Machine) -> bool:
    """An Intel GPU with the Level Zero driver that PyTorch needs."""
    libraries = machine.root / "usr"
    if machine.system != "linux" or not any(libraries.glob("lib*/**/libze_intel_gpu.so*")):
        return False
    vendors = (machine.root / "sys/class/drm").glob("card*/device/vendor")
    return any(path.read_text().strip() == "0x8086" for path in vendors)
