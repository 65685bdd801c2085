"""What to compute on: the device, its memory, and what to try when that memory does not do. For the worker alone.

torch is imported when a function needs it, so that a job that needs no torch does not wait for it.
"""

from __future__ import annotations

import gc
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..memory import available, give_back, held

GIB = 2**30

KEPT_BYTES = 512 << 20
"""How much free memory the C library may keep from one job to the next."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to run a job: where, in which precision, and within how many bytes (0: as many as it likes)."""

    device: str
    half: bool = False
    budget: int = 0
    note: str = ""  # for the user, when it is this way that succeeded


def choose(wanted: str = "auto") -> tuple[str, str]:
    """The torch device to use and a line about it. One that does not compute is passed over for the CPU, saying why."""
    names = _present() if wanted == "auto" else [wanted]
    for name in names:
        if reason := _unusable(name):
            return "cpu", f"{describe('cpu')}; {name} cannot be used: {reason}"
        return name, describe(name)
    return "cpu", describe("cpu")


def describe(device: str) -> str:
    """A device in words: kind, name, memory or threads."""
    import torch

    kind, _, index = device.partition(":")
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(int(index or 0))
        vendor = "ROCm" if torch.version.hip else "CUDA"
        return f"{vendor}: {properties.name}, {properties.total_memory / GIB:.0f} GiB"
    if kind == "xpu":
        found = torch.xpu.get_device_properties(int(index or 0))
        return f"XPU: {found.name}, {found.total_memory / GIB:.0f} GiB"
    if kind == "mps":
        return f"MPS: {platform.machine()}"
    return f"CPU: {cores()} threads"


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory(device: str) -> int:
    """Bytes free on a device; on the CPU and on MPS, which shares it, of the machine."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if kind == "xpu":
        return int(torch.xpu.mem_get_info(device)[0])
    return available()


def attempts(device: str) -> Iterator[Attempt]:
    """The ways to run a job, best first: each is for when the one before ran out of memory."""
    yield Attempt(device)
    kind = device.partition(":")[0]
    budget = (available() if kind == "cpu" else free_memory(device)) // 4
    yield Attempt(device, False, budget, "Memory was short: the work was done in smaller pieces.")
    if kind != "cpu":
        yield Attempt(device, True, budget, "Memory was short: the work was done in small pieces and half precision.")
        note = f"The memory of {device} was short: the work was done on the CPU."
        yield Attempt("cpu", False, available() // 4, note)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, torch, numpy or OpenCV means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    of_torch = getattr(sys.modules.get("torch"), "OutOfMemoryError", None)  # None while torch is being imported, too
    if of_torch is not None and isinstance(error, of_torch):
        return True
    signs = ("out of memory", "can't allocate memory", "insufficient memory", "failed to allocate", "alloc_failed")
    return isinstance(error, Exception) and any(sign in str(error).lower() for sign in signs)


def release(cache: dict[Any, Any]) -> None:
    """Empty a worker's cache and give back the memory that torch and the C library keep for later."""
    cache.clear()
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        for kind in ("cuda", "xpu", "mps"):
            backend = getattr(torch, kind, None)
            if backend is not None and backend.is_available():
                backend.empty_cache()
    Heap().give_back()


class Heap:
    """Free memory that the C library keeps for later: after jobs of ever other sizes that adds up.

    What is given back has to be asked for again by the next job, which costs a tenth of its time. So it is given back
    when no job follows, or where a job has left this process with KEPT_BYTES more than it had the last time.
    """

    def __init__(self) -> None:
        self._least = held(os.getpid())

    def after_job(self) -> None:
        """Give back what is much."""
        if held(os.getpid()) - self._least > KEPT_BYTES:
            self.give_back()

    def give_back(self) -> None:
        """Give back all of it."""
        give_back()
        self._least = held(os.getpid())


def facts() -> dict[str, str]:
    """What `inlay doctor` tells of the machine: the torch build, each device, and what computes."""
    import torch

    entries = {"torch": torch.__version__, "CPU": f"{cores()} threads, {available() / GIB:.1f} GiB of memory free"}
    for name in _present():
        reason = _unusable(name)
        entries[name] = f"cannot be used: {reason}" if reason else describe(name)
    entries["used"] = choose()[1]
    return entries


def _present() -> list[str]:
    import torch

    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())]  # ROCm's, too
    names += [f"xpu:{i}" for i in range(torch.xpu.device_count())] if torch.xpu.is_available() else []
    return names + ["mps"] * torch.backends.mps.is_available()


def _unusable(name: str) -> str:
    """Why a device does not compute, empty when it does: a driver may be there, but too old for this torch."""
    try:
        probe(name)
    except Exception as error:  # torch raises many types here: RuntimeError, AssertionError, NotImplementedError
        return (str(error) or type(error).__name__).splitlines()[0]
    return ""


def probe(device: str) -> None:
    """Do a little of what operations do on a device, each kind once. Raises what torch raises where it cannot."""
    import torch
    import torch.nn.functional as F

    rng = torch.Generator(device).manual_seed(0)
    image = torch.rand(1, 4, 16, 16, generator=rng, device=device).contiguous(memory_format=torch.channels_last)
    kernel = torch.ones(4, 4, 3, 3, device=device)
    with torch.inference_mode():
        x = F.relu(F.conv2d(F.pad(image, [1] * 4, mode="replicate"), kernel, stride=2)).sigmoid()  # networks
    for mode in ("nearest", "bilinear"):
        F.interpolate(x.float(), scale_factor=2, mode=mode)
    F.avg_pool2d(image, 2, ceil_mode=True)
    F.max_pool2d(image, 2)
    x.float().softmax(1)
    flat = image.flatten()
    chosen = (flat > 0.5).nonzero()[:, 0]  # the nearest-neighbor field of a fill
    picked = flat.index_select(0, chosen).sort().values
    places = torch.randint(0, len(flat), (len(chosen),), generator=rng, device=device)
    flat[places] = picked
    flat.index_add_(0, places, picked)
    torch.randperm(len(flat), generator=rng, device=device)
    torch.cdist(flat[:8].view(4, 2), flat[8:16].view(4, 2)).argmin(1)
    torch.cov(flat.view(4, -1)) @ flat.view(4, -1)
    torch.lerp(torch.addcmul(image, image, image), image, 0.25).aminmax()  # multigrid
    torch.stack([torch.dot(flat, flat), flat.amax()]).cpu().double()
    square = image.clone().requires_grad_(True)  # the iterative style
    (gradient,) = torch.autograd.grad(F.conv2d(square, kernel).square().mean(), square)
    gradient.abs().sum().item()  # what was only queued is done now
