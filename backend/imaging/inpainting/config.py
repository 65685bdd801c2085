"""The settings of patch-based inpainting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InpaintingConfig:
    """Sizes in pixels of the level worked on."""

    patch: int = 7  # side of a patch, odd, 9 at most
    components: int = 16  # principal components in a descriptor
    coarsest: int = 8  # the pyramid ends when the hole's largest inscribed circle has this radius or less,
    most: int = 3000  # the hole this many pixels, and there are few enough sources to search all of them
    rounds: tuple[int, ...] = (40, 30, 15, 8, 4, 2)  # search-and-vote rounds from the coarsest level on; then the last
    everywhere: int = 100_000  # with more sources than this a level searches only near what the coarser one found:
    near: int = 8  # so far from it
    guide_weight: float = 0.35  # of the guide's color besides the patch itself
    repetition: float = 0.3  # price of using a source once more, of the patches' upper quartile of distances
    coherence: float = 0.3  # price of each neighbor whose patch comes from elsewhere, in a level's last round
    context_weight: float = 3.0  # of a source's context cost: its unlikeness to what touches the hole
    texture_weight: float = 2.0  # of the mean absolute gradients besides the colors
    place_weight: tuple[float, float] = (0.4, 0.15)  # of the distance down and across, of the image's longer side
    gain: float = 1.15  # by which a patch becomes brighter or darker where it is copied; half of it at this ratio
    seams: float = 0.06  # largest difference of color, of 0..1, that is taken for a seam and removed
