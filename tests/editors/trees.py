"""Debian trees with editors of other versions than this machine's: how to enter them, what version they hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CACHE = Path.home() / ".cache/inlay-tests"
GIMP_TREE, KRITA_TREE = "INLAY_GIMP_TREE", "INLAY_KRITA_TREE"
"""Environment variables: the tree that holds the GIMP, and the Krita, that is tested. Without: a tree of Debian 13 in
the cache, and this machine's own Krita."""

_ENTER = """
root=$1 shared=$2; shift 2
mount --bind "$root" "$root" || exit 1
mount -t proc proc "$root/proc" || exit 1
mount --rbind /dev "$root/dev" || exit 1
[ -z "$shared" ] || mount --bind "$shared" "$root$shared" || exit 1
cd "$root" && PATH="/usr/sbin:/sbin:$PATH" pivot_root . mnt || exit 1
exec "$@"
"""


def inside(root: Path, shared: str = "") -> list[str]:
    """What goes before a command so that it runs in the tree as if that were all there is.

    It has /proc and /dev, and sees this machine's folder `shared` under the same path. The mounts end with it.
    """
    return ["unshare", "--mount", "sh", "-c", _ENTER, "enter", str(root), shared]


def gimp_root() -> Path:
    """The tree of the GIMP that is tested."""
    return Path(os.environ.get(GIMP_TREE) or CACHE / "gimp-tree").resolve()


def krita_root() -> Path:
    """The tree of the Krita that is tested; / for this machine's own."""
    return Path(os.environ.get(KRITA_TREE) or "/").resolve()


def check_can_enter(root: Path) -> None:
    """Raises RuntimeError where the tree cannot be entered."""
    if os.geteuid() != 0:
        raise RuntimeError(f"The editors' tests enter {root} with chroot, which needs root.")


def version(root: Path, *command: str) -> str:
    """The version that a program of the tree prints: "3.0.4"."""
    words = ["chroot", str(root), "env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/tmp", *command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout)
    if found is None:
        raise RuntimeError(f"{' '.join(command)} in {root} does not tell its version: {done.stdout}{done.stderr}")
    return found[0]


def python_version(root: Path) -> str:
    """Of the tree's Python, which its editors embed: "3.11"."""
    return (root / "usr/bin/python3").readlink().name.removeprefix("python")


def vendored_pyzmq(folder: Path, root: Path) -> Path:
    """pyzmq for the tree's Python, as the installer puts it beside the plug-in."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheel = ["--only-binary=:all:", "--no-deps", "--python-version", python_version(root), "pyzmq"]
    subprocess.run([*pip, "install", "--quiet", "--target", str(folder), *wheel], check=True, timeout=120)
    return folder
