"""A network imported by its file from GIMP is used by the subject's actions until it is removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.editors.program import FILE, is_the_square, with_a_green_square

from .harness import Gimp, Tree, received

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

STEPS = """
from plugin.client.models import ModelsCommand

def models(*words):
    command, steps = ModelsCommand(words), []
    while not (steps and steps[-1].ended):
        steps += command.steps()
        time.sleep(0.05)
    assert not steps[-1].failure, steps[-1]

def select():
    outcome = call("inlay-select-subject", image, [layer])
    assert outcome["status"] == "success", outcome
    answer.append(sent(selection(image)))

image = open_image({path!r})
layer = image.get_layers()[0]
answer = []
select()
models("import", {file!r})
select()
Gimp.Selection.none(image)
outcome = call("inlay-cutout-background", image, [layer])
assert outcome["status"] == "success", outcome
cut = image.get_layers()[0]
answer.append(sent(cut.get_buffer().get(whole(cut), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)))
models("remove", "isnet")
select()
image.delete()
"""


def test_an_imported_network_is_used_until_it_is_removed(console: Gimp, tree: Tree) -> None:
    path = Path(tree.home) / "green.png"
    Image.fromarray(with_a_green_square()).save(path)
    file = tree.inside(tree.home / "program" / FILE)
    before, found, cut, after = console.run(STEPS.format(path=tree.inside(path), file=file), wait=240)
    first = received(before, 512)
    assert first.any() and not is_the_square(first)
    assert is_the_square(received(found, 512))
    assert is_the_square(received(cut, 512).reshape(512, 512, 4)[..., 3])
    np.testing.assert_array_equal(received(after, 512), first)
