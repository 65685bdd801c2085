"""What the docs name exists: files of the tree, images, other pages. Docstrings of public functions say what is due."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
EXPLAINED = ("plugin/client", "backend/imaging", "backend/operations", "models/networks")
"""Where functions with many parameters have a section on each of them."""

MANY = 4
TREES = ("plugin", "backend", "models", "installer", "tests", "benchmarks", "docs")


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(TREES)})/[\w./-]+)(?::\w+)?`", page.read_text(encoding="utf-8"))
    missing = [name for name in named if not re.search(r"[A-Z]{4}", name) and not (ROOT / name).exists()]
    assert not missing


def test_the_architecture_names_files_and_functions_that_are_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    files = {path.name for tree in TREES for path in (ROOT / tree).rglob("*") if path.is_file()}
    bare = set(re.findall(r"`([\w-]+\.(?:py|md|toml|action))`", text))
    assert len(bare) > 10
    assert not bare - files
    functions = re.findall(r"`([\w/]+\.py):(\w+)`", text)
    assert functions
    assert not [(n, f) for n, f in functions if f"def {f}(" not in (ROOT / n).read_text(encoding="utf-8")]
    classes = re.findall(r"`([A-Z]\w+)`", text)
    sources = "".join(path.read_text(encoding="utf-8") for tree in TREES[:3] for path in (ROOT / tree).rglob("*.py"))
    assert classes
    assert not [name for name in classes if not name.isupper() and f"class {name}" not in sources]


def test_the_places_to_change_hold_what_is_said() -> None:
    held = {
        "plugin/client/codec.py": "def decode(",
        "plugin/gimp/dialogs.py": "ProcedureDialog",
        "plugin/client/actions/fill.py": '"sampling_radius"',
        "backend/operations/fill/content_aware.py": '["sampling_radius"]',
        "models/training/paste/harmonization.py": "def losses(",
        "models/training/paste/losses.py": "def gradient_penalty(",
        "installer/kritas.py": "(Flatpak)",
    }
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for name, content in held.items():
        assert f"`{name}`" in architecture
        assert content in (ROOT / name).read_text(encoding="utf-8")


def public_functions(tree: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of modules and methods of classes whose names have no underscore before them."""
    for path in (ROOT / tree).rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
        for owner in (module, *classes):
            for node in owner.body:
                if isinstance(node, ast.FunctionDef) and node.name[0] != "_":
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def raised(node: ast.AST) -> Iterator[str]:
    """Names of the exceptions that a function makes and raises itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.Try):
            continue
        if isinstance(child, ast.Raise) and child.exc is not None:
            error = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            yield ast.unparse(error).rpartition(".")[2]
        yield from raised(child)


@pytest.mark.parametrize("tree", EXPLAINED)
def test_many_parameters_are_explained_one_by_one(tree: str) -> None:
    found = dict(public_functions(tree))
    assert found
    for name, node in found.items():
        parameters = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
        text = ast.get_docstring(node) or ""
        if len(parameters) >= MANY and "Args:" not in text:
            pytest.fail(f"{name} has {len(parameters)} parameters, and no section Args in its docstring")
        if "Args:" in text:
            section = text.partition("Args:")[2].partition("\n\n")[0]
            assert not [a for a in parameters if not re.search(rf"^ +{a}:", section, re.MULTILINE)], name


@pytest.mark.parametrize("tree", ["plugin", "backend", "models", "installer"])
def test_errors_that_a_public_function_raises_are_in_its_docstring(tree: str) -> None:
    missing = [
        f"{name}: {error}"
        for name, node in public_functions(tree)
        for text in [ast.get_docstring(node)]
        if text is not None
        for error in raised(node)
        if error[0].isupper() and error not in text and not name.startswith("backend/cli")
    ]
    assert not missing
