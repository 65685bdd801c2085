"""ICC profiles of matrix and curves, made by code."""

from __future__ import annotations

import struct

import numpy as np

SRGB = ((0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0971045), (0.1430804, 0.0606169, 0.7141733))
PROPHOTO = ((0.7976749, 0.2880402, 0.0), (0.1351917, 0.7118741, 0.0), (0.0313534, 0.0000857, 0.8252100))


def profile(colorants: tuple[tuple[float, float, float], ...] = SRGB, gamma: float = 1.0, table: bool = False) -> bytes:
    """A display profile (ICC.1, version 2.4) with these colorants, and a power or a table of one as its curves."""
    if table:
        values = np.rint(65535 * np.linspace(0, 1, 1024) ** 2.2).astype(">u2").tobytes()
        curve = b"curv" + bytes(4) + struct.pack(">I", 1024) + values
    else:
        curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78 + 3)
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none", b"wtpt": _xyz((0.9642, 1.0, 0.8249))}
    for name, colorant in zip((b"r", b"g", b"b"), colorants, strict=True):
        tags[name + b"XYZ"], tags[name + b"TRC"] = _xyz(colorant), curve
    body, table_of_tags, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table_of_tags += name + struct.pack(">II", start + len(body), len(data))
        body += padded
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIQI3i4s44x", start + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ", bytes(12),
        b"acsp", bytes(4), 0, 0, 0, 0, 1, *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)), bytes(4),
    )  # fmt: skip
    return head + struct.pack(">I", len(tags)) + table_of_tags + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


LINEAR, WIDE, GAMMA_18 = profile(), profile(PROPHOTO, 1.8), profile(gamma=1.8)
