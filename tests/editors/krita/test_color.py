"""Documents in other color spaces give what the same document in sRGB gives; deep cutouts keep their transparency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from skimage import data

from backend.cli.main import main
from tests.editors.krita.harness import Krita
from tests.editors.krita.user import finish
from tests.imaging.color.icc_profiles import PROPHOTO, SRGB, profile

pytestmark = [pytest.mark.parametrize("session", ["pyzmq"], indirect=True), pytest.mark.photographs]

SIDE = 256
SPACES = {"sRGB": (SRGB, 0.0), "linear": (SRGB, 1.0), "ProPhoto": (PROPHOTO, 1.8)}
"""Colorants as XYZ of D50, and the gamma; 0 is sRGB's own curve."""
ACTIONS: dict[str, tuple[str, dict[str, object]]] = {
    "style": ("style.preset", {"style": "wave"}),
    "fill": ("fill.selection", {}),
    "cutout": ("cutout.background", {"as": "layer"}),
}
Float64Array = NDArray[np.float64]


def written(path: Path, space: str) -> None:
    """The astronaut as a 16-bit TIFF in a color space."""
    colorants, gamma = SPACES[space]
    encoded: Float64Array = data.astronaut()[::2, ::2] / 255.0
    if gamma:
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        encoded = np.clip(linear @ np.array(SRGB) @ np.linalg.inv(np.array(colorants)), 0, 1) ** (1 / gamma)
    icc = profile(colorants, gamma).replace(b"test", space[:4].encode()) if gamma else None  # Krita goes by names
    tifffile.imwrite(path, np.round(encoded * 65535).astype(np.uint16), photometric="rgb", iccprofile=icc)


def as_srgb(pixels: NDArray[np.uint16], space: str) -> Float64Array:
    """Premultiplied sRGB of a document's pixels (blue first), H x W x 4, 0..255."""
    colorants, gamma = SPACES[space]
    color, alpha = pixels[..., 2::-1] / 65535.0, pixels[..., 3:] / 65535.0
    if gamma:
        linear = np.clip(color**gamma @ np.array(colorants) @ np.linalg.inv(np.array(SRGB)), 0, 1)
        color = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * np.concatenate([color * alpha, alpha], 2)


def open_tiff(krita: Krita, path: Path) -> None:
    krita.run("open_file(path)", path=str(path))
    krita.until("front().activeNode() is not None and K.activeWindow().activeView().document() == front()")
    krita.run("show()")


def shown(krita: Krita, folder: Path, action: str, space: str) -> Float64Array:
    """What is seen after an action in a 16-bit document of a color space."""
    path = folder / f"{space}.tif"
    written(path, space)
    open_tiff(krita, path)
    assert krita.get("front().colorDepth()") == "U16"
    if action == "fill":
        krita.run("select([20, 20, 40, 40])")
    name, values = ACTIONS[action]
    krita.run("extension().ask(actions.BY_NAME[name])", name=name)
    krita.until("dialog() is not None and runner().job is None", wait=120)  # the thumbnails of the styles are there
    krita.run("dialog().set_values({**dialog().values(), **values}); dialog().accept()", values=values)
    finish(krita)
    if action == "cutout":
        krita.run("node(names()[0]).setVisible(False)")
    krita.run("front().refreshProjection(); front().waitForDone()")
    flat = bytes.fromhex(krita.get("bytes(front().pixelData(0, 0, 256, 256)).hex()"))
    return as_srgb(np.frombuffer(flat, "<u2").reshape(SIDE, SIDE, 4), space)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_document_in_another_space_gives_the_same_to_the_eye(krita: Krita, tmp_path: Path, action: str) -> None:
    expected = shown(krita, tmp_path, action, "sRGB")
    for space in ("linear", "ProPhoto"):
        difference = np.abs(shown(krita, tmp_path, action, space) - expected)
        assert difference.mean() < 3, (space, difference.mean())


def test_a_deep_cutout_opens_with_its_transparency(krita: Krita, tmp_path: Path) -> None:
    deep, cutout = tmp_path / "deep.tif", tmp_path / "cutout.tif"
    written(deep, "sRGB")
    assert main(["cutout", str(deep), "-o", str(cutout), "--in-process"]) == 0
    alpha = tifffile.imread(cutout)[..., 3]
    open_tiff(krita, cutout)
    flat = krita.get("front().colorDepth() + bytes(front().activeNode().pixelData(0, 0, 256, 256)).hex()")
    assert flat.startswith("U16")
    seen = np.frombuffer(bytes.fromhex(flat[3:]), "<u2").reshape(SIDE, SIDE, 4)[..., 3]
    assert 0 < (alpha == 0).mean() < 0.9
    np.testing.assert_array_equal(seen, alpha)
