"""Color profiles (ICC): which go with which pixels, pixels brought from one into another, and made from numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from plugin.client.image import Raster

from ..cli import CommandError, Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.imaging.arrays import AnyArray

RELATIVE, BLACK_POINT = 1, 0x2000
"""LittleCMS: relative colorimetry with black point compensation, as editors convert images."""

SPACES = {b"GRAY": "gray", b"RGB ": "rgb", b"CMYK": "cmyk", b"Lab ": "lab"}
"""Color spaces in a profile's header (ICC.1, 7.2.6), and their names in LittleCMS' wrapper."""

WHITE_D65 = (0.3127, 0.3290)
PRIMARIES = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060),  # BT.709, sRGB
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
"""Red, green and blue (x, y each) of the code points that still images use (ITU-T H.273, table 2)."""

HDR = {16: "PQ", 18: "HLG"}
"""Code points of transfer functions for HDR."""


def space(profile: bytes) -> str:
    """Of a profile: gray, rgb, cmyk, lab; empty for others and for what is no profile."""
    whole = profile[36:40] == b"acsp" and int.from_bytes(profile[:4], "big") <= len(profile)
    return SPACES.get(profile[16:20], "") if whole else ""


def fitting(profile: bytes, channels: int) -> bytes:
    """The profile where it is one for pixels of so many channels (alpha counted), else none, which means sRGB."""
    return profile if space(profile) == ("gray" if channels < 3 else "rgb") else b""


@cache
def srgb() -> bytes:
    """A profile of sRGB."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@cache
def lab() -> bytes:
    """A profile of CIE L*a*b* under D50, as TIFF and ICC have it."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def transformed(colors: AnyArray, source: bytes, target: bytes) -> AnyArray:
    """Colors from one profile's space into another's, without alpha.

    Args:
        colors: H x W x C; integers of the whole range, or floats: 0..1, for CMYK 0..100, for Lab L* 0..100 and a*, b*
            as they are.
        source: profile of these colors.
        target: an RGB or gray profile.

    Returns:
        H x W x 3 or H x W x 1: bytes for bytes, float32 for everything else; values beyond 0..1 are kept where both
        profiles are matrices.

    Raises:
        ValueError: when a profile is damaged or of another space.
    """
    import imagecodecs
    import numpy as np

    if colors.dtype != np.uint8:
        full = 1.0 if colors.dtype.kind == "f" else float(np.iinfo(colors.dtype).max)
        scale = 100.0 if space(source) == "cmyk" and full != 1.0 else 1.0
        colors = colors.astype(np.float32) * np.float32(scale / full)
    names = space(source), space(target)
    if "" in names:
        raise ValueError("a color profile is damaged, or of a kind that is not known")
    squeezed = colors[..., 0] if names[0] == "gray" else colors
    try:
        result = imagecodecs.cms_transform(
            np.ascontiguousarray(squeezed), source, target,
            colorspace=names[0], outcolorspace=names[1], intent=RELATIVE, flags=BLACK_POINT,
        )  # fmt: skip
    except (imagecodecs.CmsError, ValueError) as error:
        raise ValueError(f"a color profile cannot be used ({error})") from None
    found: AnyArray = result.reshape(*colors.shape[:2], -1)
    return found


def converted(image: Raster, profile: bytes) -> Raster:
    """An image with its colors brought from its own profile into another; none is sRGB.

    Gray goes to gray and RGB to RGB; gray with a profile of RGB's kind asked for becomes RGB. Depth, place and alpha
    stay as they are.

    Raises:
        CommandError: bad input: a profile is damaged.
    """
    import numpy as np

    from backend.io.rasters import as_depth, from_array, ordered

    gray = image.format.channels.startswith("Y")
    if image.profile == profile or (gray and not image.profile and space(profile) != "rgb"):
        return image
    pixels = ordered(image)
    colors, alpha = (pixels[..., :-1], pixels[..., -1:]) if image.format.has_alpha else (pixels, pixels[..., :0])
    if gray and not image.profile:
        colors = np.repeat(colors, 3, axis=2)
    try:
        changed = transformed(colors, image.profile or srgb(), profile or srgb())
    except ValueError as error:
        raise CommandError(f"the color profiles do not go together: {error}", Exit.BAD_INPUT) from None
    depth = image.format.depth
    result = from_array(np.dstack([as_depth(changed, depth), alpha]), profile)
    return replace(result, x=image.x, y=image.y)


def from_chromaticities(white: Sequence[float], primaries: Sequence[float], gamma: float) -> bytes:
    """A profile of RGB from white point (x, y), primaries (x, y of red, green, blue) and a power curve."""
    import imagecodecs

    points = [*primaries[:2], 1.0, *primaries[2:4], 1.0, *primaries[4:], 1.0]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[white[0], white[1], 1.0], primaries=points, gamma=gamma))


def gray_gamma(gamma: float) -> bytes:
    """A profile of gray with a power curve."""
    import imagecodecs

    return bytes(imagecodecs.cms_profile("gray", gamma=gamma))


def from_code_points(primaries: int, transfer: int) -> bytes | None:
    """The profile of code points (ITU-T H.273); empty for sRGB, None for those that are not known, or HDR."""
    import imagecodecs
    import numpy as np

    from backend.imaging.color.spaces import srgb_to_linear

    if primaries not in PRIMARIES:
        return None
    if (primaries, transfer) == (1, 13):
        return b""
    signal = np.linspace(0, 1, 4096, dtype=np.float32)
    bt709 = np.where(signal < 0.081, signal / 4.5, ((signal + 0.099) / 1.099) ** (1 / 0.45))
    curve = {1: bt709, 6: bt709, 14: bt709, 15: bt709, 8: signal, 4: signal**2.2, 5: signal**2.8}
    curve[13] = srgb_to_linear(signal)
    if transfer not in curve:
        return None
    first = PRIMARIES[primaries]
    points = [*first[:2], 1.0, *first[2:4], 1.0, *first[4:], 1.0]
    table = np.rint(curve[transfer] * 65535).astype(np.uint16)
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[*WHITE_D65, 1.0], primaries=points, transferfunction=table))


def of_signal(primaries: int, transfer: int, notes: list[str]) -> tuple[bytes, bytes] | None:
    """Of code points (ITU-T H.273): the profile; or, for HDR, what PNG's cICP chunk says of it, and a note. None for
    those that are not known."""
    if transfer in HDR and 0 < primaries < 256:
        notes.append(f"It is an HDR image ({HDR[transfer]}); it is worked on as it is encoded.")
        return b"", bytes([primaries, transfer, 0, 1])
    profile = from_code_points(primaries, transfer)
    return None if profile is None else (profile, b"")
