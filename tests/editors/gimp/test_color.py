"""Documents in other color spaces give what the same document in sRGB gives; deep cutouts keep their transparency."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from backend.cli.main import main
from tests.imaging.color.icc_profiles import LINEAR, WIDE

from .harness import Gimp, Tree, received

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

SIDE = 256
SHOWN = """
import base64
INTENT = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
image = open_image({path!r})
image.scale({side}, {side})
icc = base64.b64decode({icc!r})
if {linear}:
    image.convert_precision(Gimp.Precision.U16_LINEAR)
if icc:
    image.convert_color_profile(Gimp.ColorProfile.new_from_icc_profile(icc), INTENT, False)
layer = image.get_layers()[0]
if {box}:
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *{box})
outcome = call({procedure!r}, image, [layer]{arguments})
assert outcome["status"] == "success", outcome
for other in image.get_layers()[1:]:
    if {alone}:
        other.set_visible(False)
Gimp.Selection.none(image)
shown = image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
image.convert_precision(Gimp.Precision.U16_NON_LINEAR)
image.convert_color_profile(Gimp.ColorProfile.new_rgb_srgb(), INTENT, False)
rectangle = Gegl.Rectangle.new(-shown.get_offsets()[1], -shown.get_offsets()[2], {side}, {side})
answer = sent(shown.get_buffer().get(rectangle, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
image.delete()
"""
ACTIONS = {
    "style": ("inlay-style-preset", ", style='wave'", (), False),
    "fill": ("inlay-fill-selection", "", (20, 20, 40, 40), False),
    "cutout": ("inlay-cutout-subject", "", (), True),
}
SPACES = {"sRGB": (b"", False), "linear": (b"", True), "linear profile": (LINEAR, False), "ProPhoto": (WIDE, False)}


def shown(gimp: Gimp, path: str, action: str, space: str) -> NDArray[np.float32]:
    """What is seen after an action in a document of a color space: premultiplied sRGB, H x W x 4, 0..255."""
    (procedure, arguments, box, alone), (icc, linear) = ACTIONS[action], SPACES[space]
    code = SHOWN.format(
        path=path, side=SIDE, icc=base64.b64encode(icc).decode(), linear=linear, box=box, procedure=procedure,
        arguments=arguments, alone=alone,
    )  # fmt: skip
    pixels = received(gimp.run(code, wait=120), SIDE).reshape(SIDE, SIDE, 4).astype(np.float32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    return pixels


@pytest.mark.parametrize("action", ACTIONS)
def test_a_document_in_another_space_gives_the_same_to_the_eye(
    console: Gimp, photographs: dict[str, str], action: str
) -> None:
    expected = shown(console, photographs["astronaut"], action, "sRGB")
    for space in ("linear", "linear profile", "ProPhoto"):
        difference = np.abs(shown(console, photographs["astronaut"], action, space) - expected)
        assert difference.mean() < 2, (space, difference.mean())


def test_a_deep_cutout_opens_with_its_transparency(console: Gimp, tree: Tree, tmp_path: Path) -> None:
    from skimage import data

    deep = tmp_path / "deep.tif"
    tifffile.imwrite(deep, data.astronaut()[::2, ::2].astype(np.uint16) * 257, photometric="rgb")
    written = Path(tree.home) / "cutout.tif"
    assert main(["cutout", str(deep), "-o", str(written), "--in-process"]) == 0
    alpha = tifffile.imread(written)[..., 3]
    code = f"""
image = open_image({tree.inside(written)!r})
layer = image.get_layers()[0]
assert layer.has_alpha() and image.get_precision() == Gimp.Precision.U16_NON_LINEAR, image.get_precision()
answer = sent(layer.get_buffer().get(whole(layer), 1.0, "A u16", Gegl.AbyssPolicy.NONE))
image.delete()
"""
    seen = np.frombuffer(base64.b64decode(console.run(code)), "<u2").reshape(alpha.shape)
    assert 0 < (alpha == 0).mean() < 0.9
    np.testing.assert_array_equal(seen, alpha)
