"""The bundled style network on images of any size: codes of styles, strokes of any size, bounded memory.

Images are H x W x 3 RGB, sRGB-encoded: u8, u16, or float32 in 0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np

from backend.imaging import stop_if
from backend.imaging.arrays import AnyArray
from backend.imaging.color.spaces import to_unit
from backend.imaging.downsample import reduced
from backend.io.rasters import as_depth, depth_of
from models.zoo.style_presets import PHOTOGRAPH
from plugin.client.actions import Value
from plugin.client.messages import ErrorCode

from .. import Context, OperationError
from ..networks import STYLES as NAME
from ..networks import load_network, precision

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from models.networks.transformer_net import TransformerNet

KEPT = 1 << 30  # bytes that may be kept in memory between layers; above, they are kept in files
REFERENCE = 1024  # longest side in pixels up to which strokes have the network's own size; larger images, larger ones
LARGEST = 1 << 27  # pixels to which an image is enlarged for finer strokes, at most


def network(context: Context) -> TransformerNet:
    """The bundled network on the context's device. Raises OperationError when its weights are missing or damaged."""
    found: TransformerNet = load_network(NAME, context).net
    return found


def mixture(style: str, strength: float, second: str = "none", mix: float = 0.0) -> dict[str, float]:
    """Weights of the styles' codes.

    Args:
        style: name of the first style.
        strength: from the photograph, 0, to the styles, 1.
        second: name of the second style, or "none".
        mix: from the first style, 0, to the second, 1.

    Returns:
        Weights by name, which add up to 1.
    """
    weights: dict[str, float] = {PHOTOGRAPH: 1 - strength}
    shares = [(style, 1.0)] if second == "none" else [(style, 1 - mix), (second, mix)]
    for name, share in shares:
        weights[name] = weights.get(name, 0.0) + strength * share
    return {name: weight for name, weight in weights.items() if weight}


def stroke_size(settings: Mapping[str, Value], image: AnyArray) -> float:
    """The size of strokes on an image's own pixels, 1 being that of the network: as set, in pixels or of the image."""
    size, longest = float(settings["stroke"]) / 100, max(image.shape[:2])
    return size * max(1.0, longest / REFERENCE) if settings["stroke_unit"] == "image" else size


def stylized(
    image: AnyArray,
    net: TransformerNet,
    weights: dict[str, float],
    stroke: float,
    context: Context,
    report: Callable[[float], None] = lambda fraction: None,
) -> AnyArray:
    """The image in a mixture of styles.

    Args:
        image: H x W x 3, integers or 0..1, sRGB-encoded.
        net: the style network.
        weights: of the styles, by name.
        stroke: size of the strokes, 1 being that of the network on the image's own pixels.
        context: of the job.
        report: called with the finished fraction.

    Returns:
        H x W x 3 of the image's type.

    Raises:
        Cancelled: the job was cancelled.
    """
    height, width = image.shape[:2]
    finest = (LARGEST / (height * width)) ** 0.5
    scale = min(1 / stroke, max(1.0, finest))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    code = _code(net, weights)
    if size == (width, height):
        return _painted(image, net, code, context, report)
    work = reduced(image, size) if scale < 1 else cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    painted = _painted(work, net, code, context, report)
    back: AnyArray = cv2.resize(
        painted, (width, height), interpolation=cv2.INTER_CUBIC if scale < 1 else cv2.INTER_AREA
    )
    return back


def _code(net: TransformerNet, weights: dict[str, float]) -> Tensor:
    import torch

    with torch.inference_mode():
        return net.code(weights)


def _painted(
    image: AnyArray, net: TransformerNet, code: Tensor, context: Context, report: Callable[[float], None]
) -> AnyArray:
    """At the network's own stroke size."""
    from models.networks.transformer_bands import BandedNet, kept_bytes
    from models.networks.transformer_net import SMALLEST, STRIDE
    from models.zoo.store import cache_folder

    height, width = image.shape[:2]
    bottom, right = (max(SMALLEST, -(-n // STRIDE) * STRIDE) - n for n in (height, width))
    if bottom or right:
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    out, (rows, columns) = np.empty_like(image), image.shape[:2]
    budget, folder = min(context.budget or KEPT, KEPT), None
    full, lean = (rows * columns * kept_bytes(net.config.width, lean) for lean in (False, True))
    if lean > budget:
        folder = cache_folder().parent
        folder.mkdir(parents=True, exist_ok=True)

    def step(fraction: float) -> None:
        stop_if(context.cancelled)
        report(fraction)

    banded = BandedNet(net, code, step, precision(str(code.device)), folder)
    try:
        banded.run(_reader(image, code.device), rows, columns, _writer(out), full > budget)
    except OSError as error:
        raise OperationError(
            ErrorCode.INTERNAL,
            f"A layer of this size needs {lean / 2**30:.1f} GiB on the disk while it is painted ({error.strerror}).",
            f"Make room for files in {folder}, or take a larger stroke size, which paints a smaller copy.",
        ) from error
    return out[:height, :width]


def _reader(image: AnyArray, device: torch.device) -> Callable[[int, int], Tensor]:
    import torch

    def read(top: int, bottom: int) -> Tensor:
        rows = torch.from_numpy(to_unit(image[top:bottom])).to(device)
        return rows.permute(2, 0, 1)[None].clamp(0, 1)

    return read


def _writer(out: AnyArray) -> Callable[[int, Tensor], None]:
    depth = depth_of(out)

    def write(top: int, rows: Tensor) -> None:
        out[top : top + rows.shape[2]] = as_depth(rows[0].permute(1, 2, 0).cpu().numpy(), depth)

    return write
