"""The bundled styles: short names of the paintings whose strokes the network `styles` has learned."""

from __future__ import annotations

from dataclasses import dataclass

PHOTOGRAPH = "photograph"
"""The style that leaves an image as it is: the other end of the strength slider."""


@dataclass(frozen=True)
class Preset:
    """A painting in the public domain: its file in the folder of paintings, and what it is."""

    file: str
    painting: str


PRESETS: dict[str, Preset] = {
    "wave": Preset("great_wave.jpg", "Hokusai, The Great Wave off Kanagawa, c. 1831"),
    "starry": Preset("starry_night.jpg", "Vincent van Gogh, The Starry Night, 1889"),
    "rhone": Preset("starry_night_rhone.jpg", "Vincent van Gogh, Starry Night Over the Rhone, 1888"),
    "wheat": Preset("wheat_field.jpg", "Vincent van Gogh, Wheat Field with Cypresses, 1889"),
    "olives": Preset("olive_trees.jpg", "Vincent van Gogh, Olive Trees, 1889"),
    "cafe": Preset("night_cafe.jpg", "Vincent van Gogh, The Night Cafe, 1888"),
    "scream": Preset("the_scream.jpg", "Edvard Munch, The Scream, 1893"),
    "lilies": Preset("water_lilies.jpg", "Claude Monet, Water Lilies, 1919"),
    "tahiti": Preset("gauguin_tahiti.jpg", "Paul Gauguin, Tahitian scene, 1890s"),
    "hat": Preset("woman_with_hat.jpg", "Henri Matisse, Woman with a Hat, 1905"),
    "mosaic": Preset("delaunay_metzinger.jpg", "Robert Delaunay, Portrait of Metzinger, 1906"),
    "composition": Preset("composition_vii.jpg", "Wassily Kandinsky, Composition VII, 1913"),
    "udnie": Preset("udnie.jpg", "Francis Picabia, Udnie, 1913"),
    "ballet": Preset("edtaonisl.jpg", "Francis Picabia, Edtaonisl, 1913"),
}
