"""What new layers are called."""

import pytest

from plugin.client.actions import BY_NAME
from plugin.client.names import layer_name


@pytest.mark.parametrize(
    ("action", "output", "layers", "name"),
    [
        ("paste.subject", "Harmonized", {"source": "dog.jpg"}, "Dog, composited"),
        ("paste.subject", "Contact shadow", {"source": "dog.jpg"}, "Dog, contact shadow"),
        ("paste.harmonize", "Harmonized", {"source": "Dog, composited"}, "Dog, harmonized"),
        ("paste.clone", "Harmonized", {"source": "Élan.v2"}, "Élan, cloned"),
        ("paste.portrait", "Harmonized", {}, "Harmonized"),
        ("style.layer", "Style of a layer", {"style": "shipwreck.png"}, "In the style of Shipwreck"),
        ("fill.selection", "Fill 2 of 3", {"source": "mask"}, "Fill 2 of 3"),
        ("paste.subject", "Harmonized", {"source": ".png"}, "Layer, composited"),
    ],
)
def test_a_layer_is_named_after_what_it_comes_from(action: str, output: str, layers: dict[str, str], name: str) -> None:
    assert layer_name(BY_NAME[action], output, layers) == name
