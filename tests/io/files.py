"""Image files for tests, made by code: every kind of TIFF and PNG, metadata, profiles."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational
from skimage import data, transform

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SWAPPED = SRGB.replace(b"rXYZ", b"....", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"....", b"gXYZ", 1)
"""A profile whose red is sRGB's green and the other way round."""

KINDS = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}


def photograph(width: int = 60, height: int = 44) -> np.ndarray:
    """A cat, H x W x 3 floats in 0..1."""
    return transform.resize(data.chelsea(), (height, width), anti_aliasing=True).astype(np.float32)


def pixels(channels: int, depth: str, width: int = 60, height: int = 44) -> np.ndarray:
    """The cat as gray or RGB with or without alpha, H x W x C; its alpha is a ramp from opaque to clear."""
    image = photograph(width, height)
    color = image.mean(2, keepdims=True) if channels < 3 else image
    if channels in (2, 4):
        ramp = np.linspace(1, 0, width, dtype=np.float32)[None, :, None].repeat(height, 0)
        color = np.concatenate([color, ramp], axis=2)
    kind = np.dtype(KINDS[depth])
    return (color if kind.kind == "f" else np.rint(color * np.iinfo(kind).max)).astype(kind)


def write_tiff(path: Path, array: np.ndarray, **options: object) -> Path:
    """A TIFF of H x W x C by tifffile."""
    channels = array.shape[2]
    settings: dict[str, object] = {"photometric": "rgb" if channels >= 3 else "minisblack", "metadata": None}
    if channels in (2, 4):
        settings["extrasamples"] = ["unassalpha"]
    settings |= options
    if channels == 1:
        settings.pop("planarconfig", None)
    stored = np.moveaxis(array, 2, 0) if settings.get("planarconfig") == "separate" else array
    tifffile.imwrite(path, stored[..., 0] if channels == 1 else stored, **settings)
    return path


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(content: bytes, chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A PNG with further chunks after its header."""
    return content[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + content[33:]


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def camera_exif(orientation: int = 1) -> Image.Exif:
    """What a camera writes: date, maker, exposure, place."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Maker", "Camera", "2020:01:02 03:04:05"
    exif[0x0112], exif[0x8298] = orientation, "The photographer"
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0x829A: IFDRational(1, 250), 0xA002: 60, 0xA003: 44}
    exif[0x8825] = {1: "N", 2: (48.0, 30.0, 0.0)}
    return exif


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" tiff:Make="Maker"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def with_metadata(path: Path, orientation: int = 6) -> Path:
    """An image with EXIF, XMP, 300 pixels per inch and a profile, in the format of the path's suffix."""
    image = Image.fromarray(pixels(3, "u8"))
    exif = camera_exif(orientation)
    if path.suffix == ".png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        image.save(path, exif=exif, dpi=(300, 300), icc_profile=SWAPPED, pnginfo=info)
    elif path.suffix == ".tif":
        exif[700] = XMP
        image.save(path, exif=exif.tobytes(), dpi=(300, 300), icc_profile=SWAPPED)
    else:
        exif[0x011A], exif[0x011B], exif[0x0128] = 300.0, 300.0, 2
        options = {"dpi": (300, 300)} if path.suffix == ".jpg" else {}
        image.save(path, exif=exif, icc_profile=SWAPPED, xmp=XMP, **options)
    return path
