"""What the docs name exists: files of the tree, images, other pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
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
