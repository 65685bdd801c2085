"""The image formats that are read and written, told by their content, never by their name alone.

The list is fixed: whatever else a library could open (PostScript through Ghostscript, say) is never handed to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HEAD = 4096
"""Bytes at the start of a file that tell its format."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read; `pillow` is the plugin's name where Pillow reads it."""

    name: str
    suffixes: tuple[str, ...]
    pillow: str = ""


PNG = Format("PNG", (".png", ".apng"))
JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "JPEG")
TIFF = Format("TIFF", (".tif", ".tiff"))
WEBP = Format("WebP", (".webp",), "WEBP")
GIF = Format("GIF", (".gif",), "GIF")
BMP = Format("BMP", (".bmp", ".dib"), "BMP")
AVIF = Format("AVIF", (".avif", ".avifs"), "AVIF")
HEIC = Format("HEIC", (".heic", ".heif", ".hif"), "HEIF")
JPEG2000 = Format("JPEG 2000", (".jp2", ".j2k", ".jpf", ".jpx"), "JPEG2000")
PNM = Format("PNM", (".ppm", ".pgm", ".pbm", ".pnm"), "PPM")
TGA = Format("TGA", (".tga",), "TGA")
READABLE = (PNG, JPEG, TIFF, WEBP, GIF, BMP, AVIF, HEIC, JPEG2000, PNM, TGA)
READABLE_SUFFIXES = {suffix for form in READABLE for suffix in form.suffixes}

CONVERT = "save it as PNG or TIFF in the program that made it"
DEVELOP = "develop it with a raw converter and save a TIFF"
FLATTEN = "export it as PNG or TIFF from its editor"

_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"%!", "PostScript", "convert it to PNG first"),
    (b"\xc5\xd0\xd3\xc6", "PostScript", "convert it to PNG first"),
    (b"%PDF", "PDF", "convert its page to PNG first"),
    (b"8BPS", "a Photoshop document", FLATTEN),
    (b"8BPB", "a Photoshop document", FLATTEN),
    (b"gimp xcf", "a GIMP document", FLATTEN),
    (b"\xff\x0a", "JPEG XL", CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL", CONVERT),
    (b"v/1\x01", "OpenEXR", CONVERT),
    (b"#?R", "Radiance HDR", CONVERT),
    (b"PF\n", "a PFM", CONVERT),
    (b"Pf\n", "a PFM", CONVERT),
    (b"P7\n", "a PAM", CONVERT),
    (b"qoif", "QOI", CONVERT),
    (b"DDS ", "DDS", CONVERT),
    (b"\x00\x00\x01\x00", "an icon file", CONVERT),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile", CONVERT),
    (b"II\xbc\x01", "JPEG XR", CONVERT),
    (b"IIRO", "a camera's raw file", DEVELOP),
    (b"IIRS", "a camera's raw file", DEVELOP),
    (b"IIU\0", "a camera's raw file", DEVELOP),
    (b"FUJIFILMCCD-RAW", "a camera's raw file", DEVELOP),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"<!DOCTYPE html", "a web page", "save the image itself"),
    (b"<html", "a web page", "save the image itself"),
)  # fmt: skip
"""How files begin that are known but not read, what they are, and what helps."""

RAW_SUFFIXES = {".nef", ".nrw", ".cr2", ".dng", ".arw", ".sr2", ".srw", ".pef", ".3fr", ".iiq", ".erf", ".kdc", ".dcr"}
"""Camera files that look like a TIFF and whose first image is only a thumbnail."""


def recognize(head: bytes, suffix: str = "") -> Format | None:
    """The format of a file that begins like this; None when it is none of those that are read.

    Args:
        head: the file's first HEAD bytes, or fewer.
        suffix: of its name; it counts for TGA alone, which has no signature, and for cameras' raw files.
    """
    suffix = suffix.lower()
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return None if suffix in RAW_SUFFIXES or head[8:10] == b"CR" else TIFF
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head.startswith(b"RIFF"):
        return WEBP if head[8:12] == b"WEBP" else None
    if head.startswith(b"BM") and len(head) > 18 and head[14] in (12, 40, 52, 56, 64, 108, 124):
        return BMP
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return PNM
    for signature, form in (
        (b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG), (b"GIF87a", GIF), (b"GIF89a", GIF),
        (b"\x00\x00\x00\x0cjP  ", JPEG2000), (b"\xff\x4f\xff\x51", JPEG2000),
    ):  # fmt: skip
        if head.startswith(signature):
            return form
    if suffix in TGA.suffixes and describe(head) == "" and _may_be_tga(head):
        return TGA
    return None


def describe(head: bytes, suffix: str = "") -> str:
    """What a file is that begins like this and is not read, with what helps; empty when that is not known."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, name, remedy in _OTHERS:
        if head.startswith(signature) or (signature[:1] in b"<%" and text.startswith(signature)):
            return f"{name}, which is not read: {remedy}"
    if head.startswith(b"PK\x03\x04"):
        name = next((n for mark, n in ((b"krita", "a Krita document"), (b"openraster", "an OpenRaster document"))
                     if mark in head[:200]), "")  # fmt: skip
        return f"{name}, which is not read: {FLATTEN}" if name else "a zip archive: unpack it first"
    if b"<svg" in head:
        return "an SVG drawing, which is not read: convert it to PNG first"
    if head[4:8] == b"ftyp":
        if head[8:11] == b"crx":
            return f"a camera's raw file, which is not read: {DEVELOP}"
        return "a video, or an image of a kind that is not read: save one frame as PNG"
    if suffix.lower() in RAW_SUFFIXES or (head.startswith(b"II*\0") and head[8:10] == b"CR"):
        return f"a camera's raw file, which is not read: {DEVELOP}"
    return ""


def names() -> str:
    """The readable formats, for messages."""
    return ", ".join(form.name for form in READABLE)


def is_candidate(path: Path, head: bytes) -> bool:
    """Whether a file found in a folder is meant as an image: by its name or by its content."""
    return path.suffix.lower() in READABLE_SUFFIXES or recognize(head, path.suffix) is not None


def _by_brand(head: bytes) -> Format | None:
    """The format of an ISO base media file: its brands say whether it is AVIF, HEIC or something else."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[i : i + 4] for i in (8, *range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return AVIF
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}:
        return HEIC
    return None


def _may_be_tga(head: bytes) -> bool:
    """Whether the header's fields have values that a TGA has (Truevision's specification, 2.0)."""
    return len(head) >= 18 and head[1] in (0, 1) and head[2] in (1, 2, 3, 9, 10, 11) and head[16] in (8, 15, 16, 24, 32)
