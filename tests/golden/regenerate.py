"""Writes the reference outputs anew: `python -m tests.golden.regenerate [NAME ...]`; all of them without names.

Look at what changed (`git diff --stat tests/golden`) and at the images before you believe that it should.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial

from backend.imaging.arrays import FloatArray
from tests.golden import contracts, networks, operations, references


def cases() -> dict[str, Callable[[], dict[str, FloatArray]]]:
    """By the reference's name, what makes its arrays."""
    found = {f"network-{name}": partial(networks.outputs, name) for name in networks.bundled()}
    found |= {f"contract-{name}": partial(contracts.outputs, name) for name in contracts.contracted()}
    return found | {f"operation-{name}": partial(operations.outputs, name) for name in operations.names()}


def main(names: Sequence[str]) -> None:
    """Writes those, or all."""
    known = cases()
    if unknown := set(names) - set(known):
        raise SystemExit(f"there is no reference {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in names or known:
        references.write(name, known[name]())
        print(f"{name}: {(references.FOLDER / f'{name}.npz').stat().st_size / 1000:.1f} kB", flush=True)
    for path in sorted(references.FOLDER.glob("*.npz")):
        if path.stem not in known:
            path.unlink()
            print(f"{path.stem}: removed, nothing makes it")


if __name__ == "__main__":
    main(sys.argv[1:])
