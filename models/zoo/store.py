"""The models there are, and how to get one: bundled weights first, then the cache folder, which `fetch` fills.

A checkpoint is checked against the sha256 of its card before it is read, and read without pickle: safetensors, or
torch's weights-only reader for the published .pth files.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.zoo import runtimes
from models.zoo.cards import Card, CardError, DamagedCardError, find_card, names
from models.zoo.download import DownloadError, OfflineError, Progress, download, offline, sha256_of
from plugin.client.server.launcher import data_directory

if TYPE_CHECKING:  # torch is imported where a network is loaded: listing and fetching do without
    import torch
    from torch import Tensor, nn

__all__ = [
    "BUILDERS", "Card", "CardError", "DamagedCardError", "DownloadError", "OfflineError", "WeightsError",
    "build", "cache_folder", "damaged", "fetch", "find_card", "is_here", "load", "locate", "names", "offline", "paths",
]  # fmt: skip

WEIGHTS = Path(__file__).parent / "weights"

BUILDERS: dict[str, str] = {
    "subject_net": "models.networks.subject_net:SubjectNet",
    "sky_net": "models.networks.sky:SkyNet",
    "harmonizer": "models.networks.harmonizer:Harmonizer",
    "copy_paste": "models.papers.copy_paste:copy_paste_net",
    "mobile_sam": "models.papers.mobile_sam:MobileSam",
    "pconv_unet": "models.papers.pconv:PConvUNet",
    "transformer_net": "models.networks.transformer_net:transformer_net",
    "maskrcnn_resnet50_fpn": "models.zoo.public:maskrcnn_resnet50_fpn",
    "deeplabv3_mobilenet_v3_large": "models.zoo.public:deeplabv3_mobilenet_v3_large",
    "fcn_resnet50": "models.zoo.public:fcn_resnet50",
    "lraspp_mobilenet_v3_large": "models.zoo.public:lraspp_mobilenet_v3_large",
    "feature_net": "models.networks.feature_net:FeatureNet",
    "any_style": "models.networks.style_predictor:any_style",
    "vgg16": "models.zoo.public:vgg16",
}
"""Builder name -> module:callable, imported only when it is asked for."""


class WeightsError(RuntimeError):
    """Weights that are not there, damaged, or not those of the network; the message says what to do."""


def cache_folder() -> Path:
    """Where downloads are kept: `models` in the folder that holds the installation."""
    return data_directory() / "models"


def shared_folder() -> Path | None:
    """Where files may lie that somebody else looks after, such as a disk of a machine without a network:
    INLAY_MODELS_DIR. Nothing is written there."""
    named = os.environ.get("INLAY_MODELS_DIR")
    return Path(named) if named else None


def locate(card: Card) -> Path | None:
    """The card's first file where all of its files are on this machine (bundled or fetched), else None. Nothing is
    read."""
    found = paths(card)
    return found[0] if found else None


def is_here(name: str) -> bool:
    """Whether there is a model of that name, and its files are on this machine. Nothing is read."""
    try:
        return locate(find_card(name)) is not None
    except CardError:
        return False


def paths(card: Card) -> list[Path]:
    """All of the card's files, in its order; none where one of them is not on this machine."""
    shared = shared_folder()
    folders = [WEIGHTS] if card.bundled else [cache_folder(), *([shared] if shared else [])]
    places = [[at / card.place(part) for at in folders] for part in card.parts]
    found = [next((path for path in each if path.is_file()), None) for each in places]
    return [path for path in found if path is not None] if all(found) else []


def damaged(card: Card) -> Path | None:
    """The first of the card's files whose sha256 is not the card's."""
    for path, part in zip(paths(card), card.parts, strict=False):
        if not sha256_of(path).startswith(part.sha256):
            return path
    return None


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Makes sure that the weights of `name` are on this machine and returns their path; see
    `models.zoo.download.download`.

    Raises WeightsError when bundled weights are missing, and what `download` raises.
    """
    card = find_card(name)
    if (path := locate(card)) is not None:
        return path
    if card.bundled:
        raise WeightsError(f"{card.file} is missing from {WEIGHTS}. Reinstall Inlay.")
    if not card.url:
        raise WeightsError(f"{name} cannot be fetched: {card.source}. Then run `inlay models import FILE`.")
    before = 0
    for part in card.parts:
        target = cache_folder() / card.place(part)
        if not target.is_file():
            download((part.url, *part.mirrors), target, part.sha256, part.size, _of_all(progress, before, card.total))
        before += part.size
    return cache_folder() / card.place(card.parts[0])


def _of_all(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Progress of one of several files as that of all."""
    return None if progress is None else lambda have, _: progress(before + have, total)


def build(card: Card) -> nn.Module:
    """The card's network with untrained weights; CardError where no builder has that name."""
    if card.builder not in BUILDERS:
        raise CardError(
            f"card {card.name}: there is no builder called {card.builder!r}; there are {', '.join(sorted(BUILDERS))}"
        )
    module, _, attribute = BUILDERS[card.builder].partition(":")
    net: nn.Module = getattr(importlib.import_module(module), attribute)(**card.settings)
    return net


def load(name: str, device: torch.device | str = "cpu") -> tuple[Any, Card]:
    """The network `name`, in float32 and for inference, and its card. Never downloads: see `fetch`.

    A module of torch's, or for the other runtimes a list of `models.zoo.runtimes.Runnable`, one a file.

    Raises CardError for an unknown name, WeightsError for weights that are absent, damaged or of another network.
    """
    card = find_card(name)
    path = locate(card)
    if path is None:
        raise WeightsError(f"the weights of {name} are not on this machine. Run `inlay models fetch {name}` first.")
    if (wrong := damaged(card)) is not None:
        raise WeightsError(
            f"{wrong} is damaged: its sha256 is not that of its card. Delete it and run `inlay models fetch {name}`."
        )
    if card.runtime != "torch":
        try:
            return runtimes.load(card, paths(card), str(device)), card
        except runtimes.MissingRuntimeError as error:
            raise WeightsError(str(error)) from None
        except (ValueError, RuntimeError) as error:
            raise WeightsError(f"{path} does not fit its runtime, {card.runtime}: {error}") from None
    net = build(card)
    _load_state(net, read_weights(path), path)
    return net.eval().requires_grad_(False).to(device), card


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a safetensors file or of a checkpoint of torch's, as they are, on the CPU; without pickle."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    import torch

    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _load_state(net: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    missing, unexpected = net.load_state_dict(state, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]  # counters that only training needs
    if missing or unexpected:
        first = (missing + unexpected)[0]
        raise WeightsError(
            f"{path} does not fit its network: {len(missing)} missing, {len(unexpected)} unexpected, e.g. {first}"
        )
