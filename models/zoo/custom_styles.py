"""The user's custom styles: codes for the bundled style network, learned from a painting of theirs.

A style is one small file, NAME.safetensors, in the folder `styles` beside the fetched models: the code, and for which
network it is. While it is learned, the folder NAME.run holds the run. In file names, characters that not every system
takes are written as in web addresses, %3F for a question mark.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from models.zoo import store
from models.zoo.regular_file import read_regular
from models.zoo.style_presets import PHOTOGRAPH, PRESETS

if TYPE_CHECKING:
    from torch import Tensor

NETWORK = "styles"  # the card of the network that the codes are for
_LONGEST = 64  # characters of a name
_FORBIDDEN = re.compile(r"^-|[/\\\x00-\x1f\x7f]")
_ESCAPED = re.compile(r'[<>:"|?*%]|^[.]|[.]$|^(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=[.]|$)')
"""What file names cannot have on every system."""


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
    return folder() / f"{_file_name(name)}.run"


def path_of(name: str) -> Path:
    """The file of a style."""
    return folder() / f"{_file_name(check_name(name))}.safetensors"


def check_name(name: str) -> str:
    """The name as it is kept, when it can be one of a style. Raises CustomStyleError."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise CustomStyleError("Give the style a name.")
    if len(name) > _LONGEST or len(_file_name(name).encode()) > 200 or _FORBIDDEN.search(name):
        raise CustomStyleError(
            f"{name!r} cannot be the name of a style: use up to {_LONGEST} characters, no / or \\ among them, no dash "
            "first."
        )
    if name in PRESETS or name == PHOTOGRAPH:
        raise CustomStyleError(f"{name!r} is one of the styles that come along. Choose another name.")
    return name


def names() -> list[str]:
    """The names of all custom styles, sorted."""
    return sorted((unquote(path.stem) for path in folder().glob("*.safetensors")), key=str.casefold)


def runs() -> list[str]:
    """The names of the styles that are being learned, or whose learning was paused, sorted."""
    return sorted((unquote(path.stem) for path in folder().glob("*.run") if path.is_dir()), key=str.casefold)


def _file_name(name: str) -> str:
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


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
