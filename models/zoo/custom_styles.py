"""The user's custom styles: codes for the bundled style network, learned from a painting of theirs.

A style is one small file, NAME.safetensors, in the folder `styles` beside the fetched models: the code, and for which
network it is. While it is learned, the folder NAME.run holds the run.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.zoo import store
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

if TYPE_CHECKING:
    from torch import Tensor

NETWORK = "styles"  # the card of the network that the codes are for
_LARGEST = 1 << 20  # bytes; a style has a few thousand
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class CustomStyleError(ValueError):
    """A style that is not there, or a name that cannot be one; the message says what to do."""


@dataclass(frozen=True)
class CustomStyle:
    """A style's code, 1 x L, and the file name of the painting it was learned from."""

    name: str
    painting: str
    code: Tensor


def folder() -> Path:
    """Where they are kept."""
    return store.cache_folder().parent / "styles"


def run_folder(name: str) -> Path:
    """Where the run that learns a style keeps what it needs to go on."""
    return folder() / f"{name}.run"


def path_of(name: str) -> Path:
    """The file of a style."""
    return folder() / f"{check_name(name)}.safetensors"


def check_name(name: str) -> str:
    """The name, when it can be one of a style. Raises CustomStyleError."""
    if not _NAME.fullmatch(name):
        raise CustomStyleError(
            f"{name!r} cannot be the name of a style: use up to 32 small letters, digits and dashes, no dash first."
        )
    if name in PRESETS or name == PHOTOGRAPH:
        raise CustomStyleError(f"{name!r} is one of the styles that come along. Choose another name.")
    return name


def read_regular(path: Path) -> bytes:
    """A small file of the user's. Raises OSError where it cannot be read, ValueError where it is no plain small file.

    A pipe in its place would hold the reader up for ever, a link lead it elsewhere.
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
        raise ValueError(f"{path} is no plain small file")
    return path.read_bytes()


def names() -> list[str]:
    """The names of all custom styles, sorted."""
    return sorted(path.stem for path in folder().glob("*.safetensors"))


def write(style: CustomStyle) -> Path:
    """Puts a style into the folder; one of the same name is replaced. The bundled network's card must be there."""
    from safetensors.torch import save_file

    path = path_of(style.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"painting": style.painting, "network": store.find_card(NETWORK).sha256}
    partial = path.with_suffix(".partial")
    save_file({"code": style.code.detach().float().cpu().contiguous()}, partial, facts)
    partial.replace(path)
    return path


def read(name: str) -> CustomStyle:
    """Raises CustomStyleError when there is no such style, or it was learned for another network than this one."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load

    path = path_of(name)
    if not path.is_symlink() and not path.exists():
        there = ", ".join(names()) or "none yet"
        raise CustomStyleError(f"There is no style of your own called {name!r}; there are: {there}.")
    damaged = CustomStyleError(f"{path} is damaged: it holds no style. Remove that file and train the style again.")
    try:
        load(read_regular(path))  # all of it is checked before any of it is believed
        with safe_open(path, "pt") as file:
            facts, code = file.metadata() or {}, file.get_tensor("code")
    except (OSError, ValueError, SafetensorError):
        raise damaged from None
    if not {"network", "painting"} <= facts.keys() or code.ndim != 2 or not bool(code.isfinite().all()):
        raise damaged
    if facts["network"] != store.find_card(NETWORK).sha256:
        raise CustomStyleError(
            f"The style {name!r} was learned for another version of Inlay's network. Train it again."
        )
    return CustomStyle(name, facts["painting"], code)
