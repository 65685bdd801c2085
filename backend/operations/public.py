"""The networks that others have made, in the roles they fill: which one is used, and what it says of an image.

What to feed a network and how to read its answer is in its card's contract (`models.zoo.contracts`): there is one
function here for each kind of contract, none for any one network. Images are H x W x 3 RGB as `perception.rgb_image`
gives them, maps float32, 0..1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from backend.imaging.arrays import AnyArray, BoolArray, FloatArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from plugin.client.image import Box
from plugin.client.messages import ErrorCode

from ..worker.devices import free_memory
from . import Context, OperationError
from .networks import is_present, load_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.zoo.cards import Card
    from models.zoo.contracts import PromptContract
    from models.zoo.runtimes import Runnable

MAPS = "public maps"  # the key of the last maps in a context's cache
KEPT = 4  # maps (about 4 MB each)
EMBEDDINGS = "public embeddings"  # the key of the last image that was encoded for prompts
SURE = 0.5  # score of an object that counts
MIB = 1 << 20


def public_card(role: str, context: Context) -> Card | None:
    """The public network that a role gets, None where it is the bundled one; the note says which it was.

    It is chosen anew each time: one that is brought or removed counts from the next job on.
    """
    from models.zoo import cards, roles

    card = roles.choose(role, free_memory(context.device) // MIB)
    wanted = roles.pins().get(role, roles.AUTO)
    if card is not None:
        note_used(card, context)
    elif wanted not in (roles.AUTO, roles.BUNDLED) and not is_present(wanted):
        _add_note(f"{wanted}, which is set for this, is not on this machine: the bundled network was used.", context)
    for damage in cards.readable()[1]:
        _add_note(str(damage), context)
    return card


def note_used(card: Card, context: Context) -> None:
    """Says in the result's note that a network was used, unless it comes with Inlay."""
    if not card.bundled:
        _add_note(f"The public network {card.name} was used.", context)


def probability_map(card: Card, pixels: AnyArray, digest: str, context: Context) -> FloatArray:
    """What a network with a `map` contract says of the whole image: h x w, or h x w x classes.

    Args:
        card: of the network.
        pixels: The image.
        digest: Of the image; the last maps are kept by it.
        context: What the job may use.

    Raises:
        OperationError: The network does not keep to its contract.
    """
    from models.zoo.contracts import MapContract

    contract = card.contract
    assert isinstance(contract, MapContract)
    kept: dict[tuple[str, str], FloatArray] = context.cache.setdefault(MAPS, {})
    if (key := (card.name, digest)) not in kept:
        seen = to_unit(at_size(pixels, contract.fitted(*pixels.shape[:2])))
        answer = _run(card, contract.input, contract.tensor(seen), contract.output, context)
        found = _kept_to(card, lambda: contract.probability(answer))
        while len(kept) >= KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = found
    return kept[key]


def at_size(image: AnyArray, shape: tuple[int, int]) -> AnyArray:
    """The image (H x W [x C]) at a height and width: means over areas where it gets smaller, else linear."""
    height, width = (min(new, old) for new, old in zip(shape, image.shape[:2], strict=True))
    image = reduced(image, (width, height))
    enlarged = image.shape[:2] != shape
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR) if enlarged else image


def prompted_map(
    card: Card, pixels: AnyArray, digest: str, points: AnyArray, box: Box | None, context: Context
) -> FloatArray:
    """What a network with a `prompt` contract takes for the object meant: a map of the whole image.

    Args:
        card: of the network.
        pixels: The image.
        digest: Of the image, which is encoded once.
        points: N x 2 on the object, x and y in pixels of the image.
        box: Around the object, in the same pixels.
        context: What the job may use.

    Raises:
        OperationError: The network does not keep to its contract.
    """
    from models.zoo.contracts import PromptContract

    contract = card.contract
    assert isinstance(contract, PromptContract)
    encoder, decoder = _encoder_and_decoder(card, contract, context)
    height, width = contract.fitted(*pixels.shape[:2])
    kept: dict[tuple[str, str], Any] = context.cache.setdefault(EMBEDDINGS, {})
    if (key := (card.name, digest)) not in kept:
        seen = to_unit(at_size(pixels, (height, width)))
        kept.clear()
        kept[key] = encoder({contract.input: contract.tensor(seen)}, encoder.outputs)
    scale = np.array([width / pixels.shape[1], height / pixels.shape[0]], np.float32)
    corners = None
    if box is not None:
        left, top = np.array([box.x, box.y]) * scale
        right, bottom = np.array([box.x + box.width, box.y + box.height]) * scale
        corners = float(left), float(top), float(right), float(bottom)
    at = np.asarray(points, np.float32).reshape(-1, 2) * scale
    asked = contract.prompt(at, np.zeros((0, 2), np.float32), corners, (height, width))
    embedding = {name: value for name, value in kept[key].items() if name in decoder.inputs}
    answer = decoder({**embedding, **asked}, (contract.masks, contract.scores))
    return _kept_to(card, lambda: contract.probability(answer))


def _encoder_and_decoder(card: Card, contract: PromptContract, context: Context) -> tuple[Runnable, Runnable]:
    net = load_network(card.name, context).net
    if card.runtime == "torch":
        from models.zoo.runtimes import prompted

        return prompted.parts(net, contract, context.device)
    encoder, decoder = net
    return encoder, decoder


def instance_maps(card: Card, pixels: AnyArray, context: Context) -> list[FloatArray]:
    """The objects that a network with an `instances` contract finds, the surest first, each a map of the image as the
    network sees it; those it is rather sure of."""
    import torch

    contract = card.contract
    assert contract is not None
    seen = to_unit(at_size(pixels, contract.fitted(*pixels.shape[:2])))
    net = load_network(card.name, context).net
    with torch.inference_mode():
        (answer,) = net([torch.from_numpy(contract.tensor(seen)[0]).to(context.device)])
    sure = answer["scores"].cpu().numpy() >= SURE
    return [np.asarray(mask, np.float32) for mask in answer["masks"][:, 0].cpu().numpy()[sure]]


def filled(card: Card, visible: FloatArray, known: BoolArray, context: Context) -> FloatArray:
    """An image, h x w x 3 in 0..1, with the hole filled by a network with an `inpaint` contract.

    Args:
        card: of the network.
        visible: The image with the hole in it.
        known: h x w, where the hole is not.
        context: What the job may use.

    Raises:
        OperationError: The network does not keep to its contract.
    """
    from models.zoo.contracts import InpaintContract

    contract = card.contract
    assert isinstance(contract, InpaintContract)
    size = contract.fitted(*known.shape)
    image = at_size(visible, size)
    hole = at_size((~known).astype(np.float32), size) > 0
    (net,) = load_network(card.name, context).net
    answer = net(
        {contract.input: contract.tensor(image), contract.mask: contract.mask_tensor(hole)}, (contract.output,)
    )
    found = _kept_to(card, lambda: contract.image(next(iter(answer.values()))))
    return np.asarray(at_size(found, known.shape), np.float32)


def _run(card: Card, name: str, value: AnyArray, output: str, context: Context) -> AnyArray:
    """One output of a network of one input and one file."""
    net = load_network(card.name, context).net
    if card.runtime == "torch":
        return _through_torch(net, value, output, context)
    found: AnyArray = next(iter(net[0]({name: value}, (output,)).values()))
    return found


def _through_torch(net: Any, value: AnyArray, output: str, context: Context) -> AnyArray:
    import torch

    with torch.inference_mode():
        answer = net(torch.from_numpy(value).to(context.device))
    found: AnyArray = (answer[output] if output else answer).float().cpu().numpy()
    return found


def _kept_to(card: Card, read: Callable[[], FloatArray]) -> FloatArray:
    """What `read` gives. Raises OperationError, with the remedy, where the answer is not that of the contract."""
    from models.zoo.contracts import ContractError

    try:
        return read()
    except ContractError as error:
        raise OperationError(
            ErrorCode.INTERNAL,
            f"The network {card.name} does not answer as its card says: {error}.",
            f"Remove it: inlay models remove {card.name}",
        ) from None


def _add_note(sentence: str, context: Context) -> None:
    if sentence not in context.notes:
        context.notes.append(sentence)
