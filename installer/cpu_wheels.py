"""PyTorch's build for the CPU in whichever index pip is set up with.

The default index has but CUDA builds for Linux, of several gigabytes. Mirrors and private indexes often have the CPU
build as well, as version "2.11.0+cpu"; pip would take it only if it were asked for by that name.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import Machine

_SETTING = re.compile(r"^[\w:.-]*\.?(index-url|extra-index-url|find-links)='(.*)'$", re.MULTILINE)
_OPTIONS = {"-i": "index-url", "--index-url": "index-url", "--extra-index-url": "extra-index-url"}
_OPTIONS |= {"-f": "find-links", "--find-links": "find-links"}
_WHEEL = re.compile(r"\b(torch|torchvision)-(\d+)\.(\d+)\.(\d+)(?:\+|%2[bB])cpu-(cp\d+)-cp\d+-([\w.]+)\.whl")
_VISION = 15
"""torchvision 0.26 is made for torch 2.11: the second number is larger by this."""

Read = Callable[[str], str]


@dataclass(frozen=True)
class Place:
    """An index, or (`flat`) a folder or page of links to wheels."""

    url: str
    flat: bool


def places(config: str, arguments: Sequence[str] = ()) -> list[Place]:
    """Where pip looks, from what `pip config list` prints and from arguments of pip."""
    found = [(match[1], url) for match in _SETTING.finditer(config) for url in match[2].split()]
    for option, value in zip(arguments, [*arguments[1:], ""], strict=False):
        name, _, joined = option.partition("=")
        if name in _OPTIONS:
            found.append((_OPTIONS[name], joined or value))
    return list(dict.fromkeys(Place(url, kind == "find-links") for kind, url in found if url))


def find(
    machine: Machine, tag: str, least: tuple[int, int], where: Iterable[Place], read: Read | None = None
) -> list[str]:
    """torch and torchvision, the newest pair for the CPU that is no older than `least`, as pip wants them named.

    `tag` is the Python's, "cp311". Empty where no index has such a pair.
    """
    read = read or read_page
    torch: set[tuple[int, ...]] = set()
    vision: set[tuple[int, ...]] = set()
    for place in where:
        pages = [place.url] if place.flat else [f"{place.url.rstrip('/')}/{name}/" for name in ("torch", "torchvision")]
        for name, *numbers, python, platform in _WHEEL.findall("\n".join(map(read, pages))):
            if python == tag and _fits(machine, platform):
                (torch if name == "torch" else vision).add(tuple(map(int, numbers)))
    for major, minor, patch in sorted(torch, reverse=True):
        fitting = [each for each in vision if each[:2] == (0, minor + _VISION)]
        if (major, minor) >= least and fitting:
            return [f"torch=={major}.{minor}.{patch}+cpu", f"torchvision=={'.'.join(map(str, max(fitting)))}+cpu"]
    return []


def read_page(url: str) -> str:
    """The text of a page, or the names in a folder; empty when it cannot be read."""
    path = (
        Path(urllib.request.url2pathname(url.removeprefix("file://")))
        if "://" not in url or url[:4] == "file"
        else None
    )
    try:
        if path is not None:
            page = path / "index.html"
            return page.read_text(encoding="utf-8") if page.is_file() else "\n".join(p.name for p in path.iterdir())
        with urllib.request.urlopen(url, timeout=6.0) as answer:
            return str(answer.read(1 << 24).decode("utf-8", "replace"))
    except (OSError, ValueError):
        return ""


def _fits(machine: Machine, platform: str) -> bool:
    processor = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.processor, machine.processor)
    return machine.system == "linux" and "linux" in platform and platform.endswith(processor)
