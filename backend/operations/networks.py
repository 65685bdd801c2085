"""The networks of a process: each is loaded once for each device, whatever action asks for it.

A name is that of a card (bundled or fetched weights), or FEATURES, which is the network that has this role: VGG-16
where that was fetched, the bundled one where not, or what is set. Or it is `custom/NAME`, the style network with one
more code. What was loaded stays in the context's cache under its name and its device: after a job that ended on
the CPU, the next one gets the GPU's.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.client.messages import ErrorCode

from . import Context, OperationError

if TYPE_CHECKING:
    import torch

    from models.zoo.cards import Card

FEATURES = "features"
STYLES = "styles"
CUSTOM = "custom/"
_loading = threading.RLock()  # two threads of a job may ask for the same network


class Network(NamedTuple):
    """A network for inference, in float32, on one device; its card says what it wants to see."""

    net: Any
    card: Card


def cache_key(name: str, device: str = "cpu") -> tuple[object, ...]:
    """Under which a context's cache holds the `Network` of a name and a torch device."""
    return ("network", name, device, _version(name))


def is_present(name: str) -> bool:
    """Whether the weights of a network are on this machine; nothing is read."""
    from models.zoo import custom_styles, store

    if name.startswith(CUSTOM):
        return custom_styles.path_of(name.removeprefix(CUSTOM)).is_file() and is_present(STYLES)
    try:
        return store.locate(_find_card(name)) is not None
    except store.CardError:
        return False


def load_network(name: str, context: Context) -> Network:
    """The network `name` on the context's device, kept in its cache.

    Raises OperationError, with the remedy, when its weights are missing, damaged or for another version.
    """
    with _loading:
        key = cache_key(name, context.device)
        if key not in context.cache:
            for stale in [k for k in context.cache if isinstance(k, tuple) and k[:3] == key[:3]]:
                del context.cache[stale]
            context.cache[key] = _load(name, context)
        found: Network = context.cache[key]
        return found


def find_network(name: str, context: Context) -> Network | None:
    """The same; None where its weights are not on this machine. Raises OperationError when they are damaged."""
    if cache_key(name, context.device) in context.cache or is_present(name):
        return load_network(name, context)
    return None


def precision(device: str) -> torch.dtype:
    """What a network's convolutions are quickest in on a torch device with next to the same result: bfloat16 on a
    processor with matrix units for it (Intel's AMX: four to ten times as quick), float32 elsewhere."""
    import torch

    onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch has no types for it
    if torch.device(device).type != "cpu" or not onednn:
        return torch.float32
    has_matrix_units = getattr(torch.cpu, "_is_amx_tile_supported", None)  # not in every torch
    return torch.bfloat16 if has_matrix_units is not None and has_matrix_units() else torch.float32


def _version(name: str) -> object:
    """What tells one state of a network's files from the next: a custom style, or fetched weights that were removed or
    brought anew; the bundled ones do not change while a process runs."""
    from models.zoo import custom_styles, store

    try:
        if name.startswith(CUSTOM):
            files = [custom_styles.path_of(name.removeprefix(CUSTOM))]
        else:
            card = _find_card(name)
            files = [] if card.bundled else store.paths(card)
        return tuple((found.st_mtime_ns, found.st_size) for found in (path.stat() for path in files))
    except (OSError, custom_styles.CustomStyleError, store.CardError):
        return None


def _find_card(name: str) -> Card:
    """The card of a name; CardError where there is none."""
    from models.zoo import roles, store

    return (roles.choose(FEATURES) if name == FEATURES else None) or store.find_card(name)


def _load(name: str, context: Context) -> Network:
    from models.zoo import store

    if name.startswith(CUSTOM):
        return _custom(name.removeprefix(CUSTOM), context)
    try:
        if name == FEATURES:
            from models.networks import feature_net

            return Network(feature_net.load(context.device), _find_card(FEATURES))
        return Network(*store.load(name, context.device))
    except (store.CardError, store.WeightsError) as error:
        raise OperationError(ErrorCode.INTERNAL, *_explained(name, error)) from error


def _explained(name: str, error: Exception) -> tuple[str, str]:
    """What is wrong with a network's weights, and what to do."""
    from models.zoo import store

    try:
        card = store.find_card(name)
    except store.DamagedCardError as damage:
        return f"What is known of the network '{name}' cannot be read.", str(damage)
    except store.CardError:
        return f"The network '{name}' is missing from this installation.", f"Reinstall Inlay ({error})."
    if card.bundled:
        state = "missing" if store.locate(card) is None else "damaged"
        return (
            f"The network '{name}', which comes with Inlay, is {state}.",
            f"Reinstall Inlay: models/zoo/weights/{card.file} could not be used.",
        )
    return (
        f"The network '{name}' cannot be used: {error}",
        f"Remove it, and fetch it anew if you want it: inlay models remove {name}",
    )


def _custom(style: str, context: Context) -> Network:
    """The style network with one more code."""
    import torch

    from models.zoo import custom_styles

    net, card = load_network(STYLES, context)
    try:
        code = custom_styles.read(style).code
    except custom_styles.CustomStyleError as error:
        raise OperationError(
            ErrorCode.BAD_INPUT, str(error), "Train one with `inlay train-style PAINTING --name NAME --photos FOLDER`."
        ) from None
    extended = copy.deepcopy(net)
    extended.config = replace(net.config, styles=(*net.config.styles, style))
    extended.codes = torch.nn.Parameter(torch.cat([net.codes, code.to(net.codes)]), requires_grad=False)
    return Network(extended, card)
