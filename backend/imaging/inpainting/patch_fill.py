"""Filling a hole with patches of its surroundings, at any resolution.

The coarse-to-fine, search-and-vote optimization of Wexler et al. 2007 with PatchMatch as its search and the texture
channels of Newson et al. 2014, without which the averaging of patches drifts to the smoothest of them. Large levels
look only near the positions that the smaller ones found, so the cost goes with the hole's size, not with the image's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.imaging.arrays import BoolArray, FloatArray

from .. import ON_CPU, Execution
from .config import InpaintingConfig
from .patchmatch import BLOCK, Descriptor, NearestNeighborField, Poll, Sources, cut
from .pyramid import Level, patch_means, pyramid
from .seams import remove_seams

OFTEN = 4.0  # uses of a source above which it becomes no dearer
LAYERS = 64  # of onion peel at most; a strip that is too narrow for coarser levels can be a hole of any length
LIBRARY, FEWEST = 4000, 500  # patches that are compared with each pixel then, fewer where there are very many pixels
TOUCHING = 512  # pixels around the hole that others are compared with


def inpaint(
    image: FloatArray,
    hole: BoolArray,
    source: BoolArray | None = None,
    guide: FloatArray | None = None,
    config: InpaintingConfig | None = None,
    seed: int = 0,
    execution: Execution = ON_CPU,
) -> FloatArray:
    """Fill `hole` with what is found in `source`.

    Args:
        image: H x W x 3, nominally 0..1.
        hole: H x W, true where pixels are missing.
        source: H x W, true where whole patches may be taken from; everything but the hole when left out.
        guide: H x W x 3, 0..1, what the hole should roughly look like (the surroundings as they are elsewhere).
        config: of the search.
        seed: another number gives another fill.
        execution: its preview is called after each level with the image at that level's size.

    Returns:
        H x W x 3; bit-identical to `image` outside the hole.

    Raises:
        ValueError: no whole patch of the source is free of the hole.
        Cancelled: `execution.cancelled()` returned True.
    """
    config = config or InpaintingConfig()
    device, poll = execution.device, execution.poll
    if not hole.any():
        return image.copy()
    rng = torch.Generator(device).manual_seed(seed)
    levels = pyramid(image, hole, ~hole if source is None else source & ~hole, guide, config, device)
    passed = math.ceil(math.log(_oversize(levels[0], config), 4))
    rounds = [config.rounds[min(i + passed, len(config.rounds) - 1)] for i in range(len(levels))]
    work = [count * float(level.missing.sum()) + 1 for count, level in zip(rounds, levels, strict=True)]
    field: NearestNeighborField | None = None
    current = levels[0].image
    done = 0.0

    for level, count, cost in zip(levels, rounds, work, strict=True):
        targets = _dilated(level.missing, config.patch // 2).flatten().nonzero()[:, 0]
        if field is None:
            current = _onion_peel(level, config, rng, poll)
            whole = level.usable.flatten().nonzero()[:, 0]
            start = whole[torch.randint(0, len(whole), (len(targets),), generator=rng, device=device)]
            field = NearestNeighborField(targets, start, level.size[1], level.size[0])
        else:
            field, current = _enlarged(field, current, level, targets, config, rng, poll)
        sources, describe = _sources(level, field, config, rng, poll)
        confidence = _confidence(level.missing)[targets]
        local = len(sources.pixels) > config.everywhere or not _covers(sources, level)
        radius = float(config.near) if local else float(max(level.size))
        sources.penalty = context_cost = sources.penalty if local else _context_cost(level, sources, config, rng)
        for number in range(count):
            wanted = describe(current, targets)
            coherence_weight = 0.0
            if number:
                sources.penalty = context_cost + _reuse_penalty(level, field, sources, config)
                coherence_weight = config.coherence * float(_spread(field.costs)) * number / (count - 1)
            field.search(sources, wanted, 1 if local else 3, radius, rng, poll, coherence_weight)
            if level is levels[0] and number == 0:  # it starts from chance
                field.search(sources, wanted, 3, radius, rng, poll)
            weight = torch.exp(-field.costs / (2 * _spread(field.costs))) * confidence
            gains = _gains(level, field, current, config)
            current = _vote(level, field, weight, config.patch, number == count - 1, current, poll, gains)
            done += cost / count
            execution.report(min(1.0, done / sum(work)))
        if execution.preview:
            execution.preview(current[..., :3].cpu().numpy())
    assert field is not None  # there is one level at least
    if config.seams:
        current = remove_seams(current[..., :3], field.map(), levels[-1].missing, config.seams, execution.cancelled)
    result = image.copy()
    result[hole] = current[..., :3].cpu().numpy()[hole]
    return result


def _oversize(coarsest: Level, config: InpaintingConfig) -> float:
    """How many times as large the coarsest level's hole is as it should be: 1, but for a strip that is too narrow for
    coarser levels. It is treated as the finer level that it is."""
    return max(1.0, float(coarsest.missing.sum()) / config.most)


def _covers(sources: Sources, level: Level) -> bool:
    return len(sources.pixels) == int(level.usable.sum())


def _dilated(mask: Tensor, radius: int) -> Tensor:
    square = np.ones((2 * radius + 1,) * 2, np.uint8)
    return torch.from_numpy(cv2.dilate(mask.cpu().numpy().view(np.uint8), square) > 0).to(mask.device)


def _confidence(missing: Tensor) -> Tensor:
    """How much a patch is trusted: falls with the distance from the known (Wexler et al. 2007, section 3.3)."""
    distance = cv2.distanceTransform(missing.cpu().numpy().astype(np.uint8), cv2.DIST_L2, 3)
    return torch.from_numpy(1.3 ** -np.minimum(distance, 40)).float().flatten().to(missing.device)


def _spread(costs: Tensor) -> Tensor:
    """The third quartile, as `torch.quantile` has it; that one asks for float64, which not every device has."""
    ordered = costs[:: max(1, len(costs) // 20000)].sort().values
    place = 0.75 * (len(ordered) - 1)
    below = int(place)
    quartile = torch.lerp(ordered[below], ordered[min(below + 1, len(ordered) - 1)], place - below)
    return quartile + 1e-6


def _replicated(image: Tensor, margin: int) -> Tensor:
    """H x W x C with its border repeated."""
    return F.pad(image.permute(2, 0, 1)[None], [margin] * 4, mode="replicate")[0].permute(1, 2, 0).contiguous()


def _onion_peel(level: Level, config: InpaintingConfig, rng: torch.Generator, poll: Poll) -> Tensor:
    """Onion-peel initialization of the coarsest level: layer by layer from the edge, each pixel is taken from the patch
    that fits best what is known around it already, and the guide."""
    (height, width), half = level.size, config.patch // 2
    current, unknown = level.image.clone(), level.missing.clone()
    centers = level.usable.flatten().nonzero()[:, 0]
    most = max(FEWEST, round(LIBRARY / math.sqrt(_oversize(level, config))))
    kept = max(1, min(most, round(0.7 * len(centers))))
    centers = centers[torch.randperm(len(centers), generator=rng, device=centers.device)[:kept]]
    library = cut(level.image, centers, config.patch)  # S x (5 p p)
    squares = library.square().T.contiguous()
    guide = None if level.guide is None else level.guide.flatten(0, 1) * (config.guide_weight * config.patch)
    depth = cv2.distanceTransform(unknown.cpu().numpy().astype(np.uint8), cv2.DIST_C, 3).max()
    thickness = max(1, math.ceil(depth / LAYERS))
    while unknown.any():
        poll()
        edge = (unknown & _dilated(~unknown, thickness)).flatten().nonzero()[:, 0]
        if not len(edge):  # nothing is known: the hole covers the level
            edge = unknown.flatten().nonzero()[:, 0]
        inner = (edge // width + half) * (width + 2 * half) + edge % width + half
        known = F.pad((~unknown).float(), [half] * 4)[..., None].expand(-1, -1, current.shape[2])
        mask = cut(known, inner, config.patch)
        wanted = cut(_replicated(current, half), inner, config.patch) * mask
        # |w - l|^2 over the known pixels only, without the term that is the same for every candidate
        far = mask @ squares - 2 * wanted @ library.T
        if guide is not None:
            far += torch.cdist(guide[edge], guide[centers]).square_()
        source_index = centers[far.argmin(1)]
        current.view(height * width, -1)[edge] = level.image.view(height * width, -1)[source_index]
        unknown.view(-1)[edge] = False
    return current


def _sources(
    level: Level, field: NearestNeighborField, config: InpaintingConfig, rng: torch.Generator, poll: Poll
) -> tuple[Sources, Callable[[Tensor, Tensor], Tensor]]:
    """Where this level's patches come from, and the function that describes pixels of an image of this level."""
    height, width = level.size
    pixels = level.usable.flatten().nonzero()[:, 0]
    if len(pixels) > config.everywhere:
        found = torch.zeros(height * width, dtype=torch.bool, device=pixels.device)
        found[field.source_indices] = True
        pixels = (_dilated(found.view(height, width), config.near) & level.usable).flatten().nonzero()[:, 0]
    sample = pixels[torch.randint(0, len(pixels), (4096,), generator=rng, device=pixels.device)]
    colors = level.image[..., :3].contiguous()
    descriptor = Descriptor(colors, sample, config.patch, config.components)
    half = config.patch // 2
    axes = (torch.arange(n, device=pixels.device) * (w / max(height, width)) for n, w in
            zip((height, width), config.place_weight, strict=True))  # fmt: skip
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"), 2)

    def context(image: Tensor, pixels: Tensor) -> Tensor:
        known = [image.flatten(0, 1).index_select(0, pixels)[:, 3:] * config.texture_weight]
        known.append(place.flatten(0, 1).index_select(0, pixels))
        if level.guide is not None:
            known.append(level.guide.flatten(0, 1).index_select(0, pixels) * config.guide_weight)
        return torch.cat(known, 1)

    def describe(image: Tensor, targets: Tensor) -> Tensor:
        y, x = targets // width, targets % width
        top, left = max(int(y.min()) - half, 0), max(int(x.min()) - half, 0)
        part = image[top : int(y.max()) + half + 1, left : int(x.max()) + half + 1, :3]
        padded = _replicated(part, half)  # what is cut at the window's own edge is far enough from the targets
        inner = (y - top + half) * padded.shape[1] + (x - left + half)
        blocks = [cut(padded, some, config.patch) @ descriptor.basis for some in torch.split(inner, BLOCK)]
        return torch.cat([torch.cat(blocks), context(image, targets) * config.patch], 1)

    rows = descriptor(colors, context(level.image, pixels), pixels, poll)
    return Sources.of(pixels, rows, height * width), describe


def _enlarged(
    coarse: NearestNeighborField,
    current: Tensor,
    level: Level,
    targets: Tensor,
    config: InpaintingConfig,
    rng: torch.Generator,
    poll: Poll,
) -> tuple[NearestNeighborField, Tensor]:
    """The field and the image of the next finer level: every pixel's patch moves as its coarse pixel's did, and the
    image is that layout with this level's detail."""
    height, width = level.size
    y, x = targets // width, targets % width
    coarse_y, coarse_x = (y // 2).clamp(max=coarse.height - 1), (x // 2).clamp(max=coarse.width - 1)
    number = coarse.neighbors(0, 0, coarse.table_indices(coarse_y * coarse.width + coarse_x))
    source_index = coarse.source_indices[number.clamp(min=0)]
    up_y = (source_index // coarse.width * 2 + y - 2 * coarse_y).clamp(max=height - 1)
    up_x = (source_index % coarse.width * 2 + x - 2 * coarse_x).clamp(max=width - 1)
    up = up_y * width + up_x
    good = (number >= 0) & level.usable.flatten()[up]
    usable = level.usable.flatten().nonzero()[:, 0]
    chance = usable[torch.randint(0, len(usable), (len(targets),), generator=rng, device=up.device)]
    field = NearestNeighborField(targets, torch.where(good, up, chance), width, height)
    blurred = F.interpolate(current.permute(2, 0, 1)[None], (height, width), mode="bilinear", align_corners=False)
    blurred = torch.where(level.missing[..., None], blurred[0].permute(1, 2, 0), level.image)
    gains = _gains(level, field, blurred, config)
    return field, _vote(level, field, good.float(), config.patch, True, blurred, poll, gains)


def _gains(level: Level, field: NearestNeighborField, current: Tensor, config: InpaintingConfig) -> Tensor:
    """What each target's patch is multiplied by to be as bright as what is there so far, N x 5, 1 for texture. What
    differs by much more than the configured gain is another thing, not another light."""
    y, x = field.targets // field.width, field.targets % field.width
    top, left = (max(int(n.min()) - config.patch // 2, 0) for n in (y, x))
    part = current[top : int(y.max()) + config.patch // 2 + 1, left : int(x.max()) + config.patch // 2 + 1]
    there = patch_means(part, config.patch)[(y - top) * part.shape[1] + (x - left)]
    ratio = (there / level.means[field.source_indices]).log_()
    difference = ratio.abs().amax(1, keepdim=True) / math.log(config.gain)
    return F.pad((ratio / (1 + difference.pow(4))).exp_(), [0, 2], value=1.0)


def _context_cost(level: Level, sources: Sources, config: InpaintingConfig, rng: torch.Generator) -> Tensor:
    """What each source costs because nothing that touches the hole has its mean color and texture: the hole hides more
    of what goes on behind it than of another thing beside it."""
    texture = level.image[..., 3:].flatten(0, 1) * config.texture_weight
    kinds = torch.cat([level.means, texture], 1)[sources.pixels] * config.patch
    touching = (_dilated(level.missing, config.patch).flatten()[sources.pixels]).nonzero()[:, 0]
    if not len(touching):
        return sources.penalty
    touching = touching[torch.randperm(len(touching), generator=rng, device=touching.device)[:TOUCHING]]
    rim = kinds[touching]
    nearest = [torch.cdist(part, rim).amin(1) for part in torch.split(kinds, BLOCK // 4)]
    return torch.cat(nearest).square_() * config.context_weight


def _reuse_penalty(level: Level, field: NearestNeighborField, sources: Sources, config: InpaintingConfig) -> Tensor:
    """What each source costs besides its distance: the more, the more often it is used. Else the smoothest patches,
    which are never far from the mean of others, would spread (Kaspar et al. 2015, section 3.2)."""
    uses = torch.bincount(field.source_indices, minlength=len(sources.row_of)).float().view(level.size)
    often = cv2.blur(uses.cpu().numpy(), (config.patch,) * 2, borderType=cv2.BORDER_CONSTANT)
    found = torch.from_numpy(often).to(uses.device).flatten()[sources.pixels].clamp(max=OFTEN)
    return found * (config.repetition * _spread(field.costs))


def _vote(
    level: Level,
    field: NearestNeighborField,
    weight: Tensor,
    patch: int,
    sharp: bool,
    background: Tensor,
    poll: Poll,
    gains: Tensor,
) -> Tensor:
    """Each missing pixel as the weighted mean of what the patches over it say (Wexler et al. 2007, equation 4).

    weight, gains: of the targets, N and N x C. `sharp` leans on the patches centered near the pixel, so that texture is
    kept. Where no patch has a weight the background stays.
    """
    height, width = level.size
    values = level.image.view(height * width, -1)
    holes = level.missing.flatten().nonzero()[:, 0]
    table_indices = field.table_indices(holes)
    weight = F.pad(weight, [0, 1])  # the last one's is that of no target
    total = torch.zeros(len(holes), values.shape[1], device=values.device)
    mass = torch.zeros(len(holes), 1, device=values.device)
    reach = min(2, patch // 2) if sharp else patch // 2
    for dy in range(-reach, reach + 1):
        poll()
        for dx in range(-reach, reach + 1):
            number = field.neighbors(dy, dx, table_indices)
            safe = number.clamp(min=0)
            nearness = float(np.exp(-(dy * dy + dx * dx) / (2 * 0.7**2))) if sharp else 1.0
            w = weight[number, None] * nearness
            # a pixel beside the center of a whole patch lies in the image
            values_there = values.index_select(0, field.source_indices[safe] - (dy * width + dx))
            total.addcmul_(w, values_there.mul_(gains.index_select(0, safe)))
            mass += w
    result = background.clone()
    pixels = result.view(height * width, -1)
    pixels[holes] = torch.where(mass > 1e-12, total / mass.clamp(min=1e-12), pixels[holes])
    return result
