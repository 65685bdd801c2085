"""Color profiles: pictures brought from one into another, and profiles put into files that OpenCV writes."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from plugin.client.image import Raster

from ..cli import CommandError, Exit

if TYPE_CHECKING:
    from backend.imaging.arrays import AnyArray


STEP = 5  # of 255, between the colors at which a conversion of deeper pictures is asked for
PROFILE_TAG, UNDEFINED = 34675, 7
"""The tag of a profile in a TIFF and the type of its entry (ICC.1, annex B.4)."""


def converted(picture: Raster, profile: bytes) -> Raster:
    """A picture in RGB with its colors brought from its own profile into another; none is sRGB.

    Eight-bit samples go through LittleCMS, deeper ones through its table of every fifth level, interpolated, good to
    half a level of eight bits. Gray pictures come back as they are. Raises CommandError for a profile that is damaged
    or no RGB one.
    """
    if picture.profile == profile or picture.format.channels.startswith("Y"):
        return picture
    import numpy as np

    from backend.io.rasters import as_depth, from_array, ordered

    pixels = ordered(picture)
    colors = np.ascontiguousarray(pixels[..., :3])
    if colors.dtype == np.uint8:
        colors = _transformed(colors, picture.profile, profile)
    else:
        levels = np.arange(0, 256, STEP, dtype=np.uint8)
        grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1)
        table = _transformed(grid.reshape(len(levels), -1, 3), picture.profile, profile).reshape(grid.shape)
        colors = as_depth(_looked_up(table, colors), picture.format.depth)
    return replace(from_array(np.dstack([colors, pixels[..., 3:]]), profile), x=picture.x, y=picture.y)


def _transformed(colors: AnyArray, source: bytes, target: bytes) -> AnyArray:
    """H x W x 3 bytes by relative colorimetry with black point compensation, as editors convert pictures."""
    import numpy as np
    from PIL import Image, ImageCms

    try:
        before, after = (
            ImageCms.ImageCmsProfile(io.BytesIO(data) if data else ImageCms.createProfile("sRGB"))
            for data in (source, target)
        )
        image = ImageCms.profileToProfile(
            Image.fromarray(colors),
            before,
            after,
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise CommandError(
            f"the color profiles of the two pictures do not go together: {error}", Exit.BAD_INPUT
        ) from None
    return np.asarray(image)


def _looked_up(table: AnyArray, colors: AnyArray) -> AnyArray:
    """Colors H x W x 3 through a table L x L x L x 3 of bytes, trilinear; float32, 0..1."""
    import numpy as np
    from scipy.ndimage import map_coordinates

    from backend.imaging.color.spaces import to_unit

    places = np.moveaxis(np.clip(to_unit(colors), 0, 1) * np.float32(len(table) - 1), 2, 0)
    found = [map_coordinates(to_unit(table[..., k]), places, order=1, mode="nearest") for k in range(3)]
    return np.dstack(found)


def png_with_profile(png: bytes, profile: bytes) -> bytes:
    """A PNG with an iCCP chunk after its header (PNG specification, 11.3.2.3)."""
    body = b"iCCP" + b"ICC profile\0\0" + zlib.compress(profile)
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    header = 8 + 25  # signature and IHDR
    return png[:header] + chunk + png[header:]


def tiff_with_profile(tiff: bytes, profile: bytes) -> bytes:
    """A TIFF with the profile in its first directory, which is written anew at the end (TIFF 6.0, section 2)."""
    order = "<" if tiff.startswith(b"II") else ">"
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    entries = [tiff[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]
    following = tiff[start + 2 + 12 * count : start + 6 + 12 * count]
    data = tiff + bytes(len(tiff) % 2)
    entries.append(struct.pack(order + "HHII", PROFILE_TAG, UNDEFINED, len(profile), len(data)))
    entries.sort(key=lambda entry: int(struct.unpack(order + "H", entry[:2])[0]))
    data += profile + bytes(len(profile) % 2)
    directory = struct.pack(order + "H", count + 1) + b"".join(entries) + following
    return data[:4] + struct.pack(order + "I", len(data)) + data[8:] + directory
