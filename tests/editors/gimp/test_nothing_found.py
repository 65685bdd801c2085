"""Where there is no subject and nothing of a class, that is said in one wording, and the image stays as it is."""

from __future__ import annotations

import pytest

from .harness import Gimp, received

pytestmark = [pytest.mark.gimp, pytest.mark.photographs]

SELECTING = {"select-subject": "subject", "select-background": "subject", "select-class": "person"}
OTHERS = ["cutout-background", "cutout-subject", "style-subject", "background-blur", "background-gray"]

WHITE = """
image = new_image(96, 64)
layer = add_layer(image, 96, 64, alpha=False)
layer.fill(Gimp.FillType.WHITE)
{before}
image.clean_all()
outcome = call("inlay-{action}", image, [layer]{settings})
answer = outcome | {{"layers": len(image.get_layers()), "dirty": image.is_dirty(), "selection": sent(selection(image))}}
image.delete()
"""


@pytest.mark.parametrize("action", [*SELECTING, *OTHERS])
def test_nothing_found_is_said_and_changes_nothing(console: Gimp, action: str) -> None:
    before = "image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 12, 20, 16)" if action in SELECTING else ""
    settings = ", class_name='person'" if action == "select-class" else ""
    outcome = console.run(WHITE.format(action=action, before=before, settings=settings), wait=120)
    assert outcome["status"] == "execution-error"
    assert f"No {SELECTING.get(action, 'subject')} was found." in outcome["message"]
    assert (outcome["layers"], outcome["dirty"]) == (1, False)
    chosen = received(outcome["selection"], 64)
    assert (chosen > 0).sum() == (20 * 16 if before else 0)
    assert not before or chosen[12:28, 10:30].all()
