"""Debian trees with editors that this machine's own Debian does not have, made with mmdebstrap as root."""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ..console import Console, InstallError

ATTEMPTS = 3
KRITA_FROM_EXPERIMENTAL = "Package: krita*\\nPin: release a=experimental\\nPin-Priority: 990\\n"


@dataclass(frozen=True)
class Recipe:
    """What a tree is made of. `program` is there once it is."""

    title: str
    program: str
    suite: str
    packages: str
    hook: str = ""  # shell, run with the tree as $1 before apt
    lines: tuple[str, ...] = ("{mirror}",)  # mirrors, or lines of sources.list

    def is_made(self, tree: Path) -> bool:
        """Whether the tree is there."""
        return (tree / self.program).exists()


OLDEST = Recipe("GIMP 3.0 (Debian 13)", "usr/bin/gimp-console-3", "trixie", "gimp,python3-zmq")
NEWEST = Recipe(
    "GIMP 3.2 and Krita 5.3 (Debian 14)",
    "usr/bin/gimp-console-3",
    "forky",
    "gimp,krita,python3-pyqt5,python3-pyqt5.sip",
)
KRITA6 = Recipe(
    "Krita 6 (Debian experimental)",
    "usr/bin/krita",
    "sid",
    "krita,python3-pyqt6,python3-pyqt6.sip,qt6-svg-plugins",
    f'mkdir -p "$1/etc/apt/preferences.d"; printf "{KRITA_FROM_EXPERIMENTAL}" > "$1/etc/apt/preferences.d/krita"',
    ("deb {mirror} sid main", "deb {mirror} experimental main"),
)


def make(recipe: Recipe, tree: Path, console: Console) -> None:
    """Make the tree, unless it is there; it appears whole or not at all. Raises InstallError."""
    if recipe.is_made(tree):
        return
    fresh = tree.with_name(f"{tree.name}.incomplete")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    console.step(f"make a tree with {recipe.title} in {tree}")
    persistently(console, command(recipe, fresh, mirror()), fresh)
    fresh.rename(tree)


def command(recipe: Recipe, target: Path, source: str) -> list[str]:
    """What makes the tree. The index of an unreleased suite may be past its date; it is signed all the same."""
    options = ("APT::Install-Recommends", "false"), ("Acquire::Retries", "5"), ("Acquire::Check-Valid-Until", "false")
    return [
        *("mmdebstrap", "--mode=root", "--variant=apt", "--skip=check/qemu", f"--include={recipe.packages}"),
        *(f'--aptopt={name} "{value}"' for name, value in options),
        *([f"--setup-hook={recipe.hook}"] if recipe.hook else []),
        *(recipe.suite, str(target), *(line.format(mirror=source) for line in recipe.lines)),
    ]


def persistently(console: Console, words: list[str], target: Path | None = None) -> None:
    """Run a command that fetches; a mirror's hiccup is given two more chances."""
    for attempt in range(ATTEMPTS):
        if target is not None:
            shutil.rmtree(target, ignore_errors=True)
        try:
            console.run(words, plain())
        except InstallError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(5 * (attempt + 1))
        else:
            return


def mirror(apt: Path = Path("/etc/apt")) -> str:
    """The Debian mirror that this machine uses."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("debian*"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    match = re.search(r"^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    return match[1] if match else "http://deb.debian.org/debian"


def plain() -> dict[str, str]:
    """An environment in which Debian's programs ask nothing and speak English."""
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
