"""ICC profiles of matrix and curves, and of tables, made by code."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

Colorants = tuple[tuple[float, float, float], ...]
Curve = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]  # encode, decode

SRGB = ((0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0971045), (0.1430804, 0.0606169, 0.7141733))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
PROPHOTO = ((0.7976749, 0.2880402, 0.0), (0.1351917, 0.7118741, 0.0), (0.0313534, 0.0000857, 0.8252100))


def profile(colorants: Colorants = SRGB, gamma: float = 1.0, table: bool = False) -> bytes:
    """A display profile (ICC.1, version 2.4) with these colorants, and a power or a table of one as its curves."""
    if table:
        values = np.rint(65535 * np.linspace(0, 1, 1024) ** 2.2).astype(">u2").tobytes()
        curve = b"curv" + bytes(4) + struct.pack(">I", 1024) + values
    else:
        curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {}
    for name, colorant in zip((b"r", b"g", b"b"), colorants, strict=True):
        tags[name + b"XYZ"], tags[name + b"TRC"] = _xyz(colorant), curve
    return _assembled(b"mntr", b"XYZ ", tags)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


GRID = 33
D50 = np.array([0.9642, 1.0, 0.8249])


def lookup_profile(colorants: Colorants = SRGB, curve: float | Curve = 2.2, back: bool = True) -> bytes:
    """A printer's profile with tables alone (lut16Type, Lab as the connection space), as profilers write them.

    curve: a power, or light as it is encoded. back: with the table from Lab to RGB.
    """
    encode, decode = (lambda v: v ** (1 / curve), lambda v: v**curve) if isinstance(curve, float) else curve
    matrix = np.array(colorants).T
    steps = np.linspace(0, 1, GRID)
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    there = _encoded_lab(_lab(decode(rgb) @ matrix.T))
    lightness, chroma = steps * 65535 / 65280 * 100, steps * 65535 / 256 - 128
    lab = np.stack(np.meshgrid(lightness, chroma, chroma, indexing="ij"), axis=-1)
    light = np.clip(xyz_of_lab(lab) @ np.linalg.inv(matrix).T, 0, 1)
    tables = {b"A2B0": _lut16(there)}
    if back:
        tables[b"B2A0"] = _lut16(encode(light) * 65535)
    return _assembled(b"prtr", b"Lab ", tables)


def cmyk_profile() -> bytes:
    """A profile whose inks take light away: (1 - C) (1 - K) is left of sRGB's red in linear light, and so on."""
    steps = np.linspace(0, 1, 9)
    inks = np.stack(np.meshgrid(steps, steps, steps, steps, indexing="ij"), axis=-1)
    light = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    nodes = _encoded_lab(_lab(light @ np.array(SRGB)))
    return _assembled(b"prtr", b"Lab ", {b"A2B0": _lut16(nodes)}, b"CMYK")


def _lut16(nodes: np.ndarray) -> bytes:
    """N x N [x N ...] x 3 values of 16 bits, between tables that change nothing."""
    unit = struct.pack(">9i", *(65536 * v for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    inputs, straight = nodes.ndim - 1, np.array([0, 65535], ">u2").tobytes()
    body = np.rint(np.clip(nodes, 0, 65535)).astype(">u2").tobytes()
    head = b"mft2" + bytes(4) + bytes([inputs, 3, len(nodes), 0]) + unit + struct.pack(">2H", 2, 2)
    return head + inputs * straight + body + 3 * straight


def _lab(xyz: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D50."""
    t = xyz / D50
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def xyz_of_lab(lab: np.ndarray) -> np.ndarray:
    """XYZ under D50 of CIE L*a*b*, ... x 3."""
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    return np.where(f > 6 / 29, f**3, (116 * f - 16) / (24389 / 27)) * D50


def _encoded_lab(lab: np.ndarray) -> np.ndarray:
    """As lut16Type has it (ICC.1, 10.10)."""
    return np.stack([lab[..., 0] * 652.8, (lab[..., 1] + 128) * 256, (lab[..., 2] + 128) * 256], axis=-1)


def _assembled(kind: bytes, space: bytes, data: dict[bytes, bytes], colors: bytes = b"RGB ") -> bytes:
    """A whole profile with these tags and the usual ones."""
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78 + 3)
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none", b"wtpt": _xyz((0.9642, 1.0, 0.8249))} | data
    body, directory, start = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        directory += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIQI3i4s44x", start + len(body), b"lcms", 0x02400000, kind, colors, space, bytes(12),
        b"acsp", bytes(4), 0, 0, 0, 0, 1, *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)), bytes(4),
    )  # fmt: skip
    return head + struct.pack(">I", len(tags)) + directory + body


LINEAR, WIDE, GAMMA_18 = profile(), profile(PROPHOTO, 1.8), profile(gamma=1.8)
TABLES = lookup_profile(DISPLAY_P3, 1.8)
