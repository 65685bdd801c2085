"""Which package may import which (docs/architecture.md), read off the sources; no modules import in circles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("plugin", "backend", "models", "installer")
FORBIDDEN = (
    ("plugin", ("backend", "models", "installer", "numpy", "torch", "cv2", "scipy", "PIL")),
    ("plugin.client", ("plugin.gimp", "plugin.krita", "gi", "krita", "PyQt5", "PyQt6")),
    ("plugin.gimp", ("plugin.krita",)),
    ("plugin.krita", ("plugin.gimp",)),
    ("backend.server", ("torch", "models", "backend.worker", "backend.operations", "backend.imaging", "backend.cli")),
    ("backend.worker", ("backend.server", "backend.cli")),
    ("backend.operations", ("backend.server", "backend.cli", "backend.worker.main", "zmq")),
    (
        "backend.imaging",
        ("backend.server", "backend.cli", "backend.worker", "backend.operations", "backend.io", "models"),
    ),
    ("models", ("backend", "installer", "plugin.gimp", "plugin.krita", "plugin.client.net")),
    ("models.networks", ("models.training",)),
    ("installer", ("backend", "models", "numpy", "torch")),
)
"""A package, and what neither it nor what is in it may import, anywhere: inside functions and for types, too."""


def sources() -> dict[str, Path]:
    """Every module of the project, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = sources()


def imports(name: str) -> Iterator[str]:
    """What a module imports: the project's modules by their full names, others as they are written."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inside = f"{module}.{alias.name}"
                yield inside if inside in MODULES else module


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize(("package", "forbidden"), FORBIDDEN, ids=[package for package, _ in FORBIDDEN])
def test_a_package_imports_nothing_that_it_must_not(package: str, forbidden: tuple[str, ...]) -> None:
    inside = [name for name in MODULES if within(name, package)]
    assert inside
    wrong = [
        f"{name} imports {imported}"
        for name in inside
        for imported in imports(name)
        if any(within(imported, other) for other in forbidden)
    ]
    assert not wrong


def test_no_modules_import_in_circles() -> None:
    graph = {name: {other for other in imports(name) if other in MODULES and other != name} for name in MODULES}
    while free := [name for name, others in graph.items() if not others]:
        for name in free:
            del graph[name]
        for others in graph.values():
            others.difference_update(free)
    # what is left is part of a circle, or imports one
    circles = {name for name in graph if any(name in graph.get(other, ()) for other in graph[name])}
    assert not graph, f"circles around {sorted(circles or graph)}"


@pytest.mark.parametrize("module", ["backend.server.main", "backend.server.broker", "backend.cli.main"])
def test_server_and_command_line_start_without_torch(module: str) -> None:
    code = f"import sys, {module}; print(*{{'torch', 'cv2', 'scipy', 'models'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
