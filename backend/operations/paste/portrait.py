"""A portrait in a painting: cut out and repainted side by side, placed where there is room, blended."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from backend.imaging.arrays import FloatArray
from backend.imaging.color.spaces import lab, to_unit
from backend.imaging.masks.empty_region import empty_place
from backend.io.rasters import as_depth, converted, coverage, raster
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job, Output

from .. import Context
from ..networks import find_network
from ..region import applied, run_concurrently
from ..selection.cutout import cut
from ..selection.perception import exposure_of, rgb_image
from ..style import arbitrary
from ..style.network import mixture, network, stylized
from ..style.stylize import opaque
from .composite import alpha_of_subject, borders, cropped, placed_object, sized, solid, standing, wanted_place

PAINTED = 800  # px, the least height at which a person is painted: strokes on fewer hide the face
STROKES = (0.25, 8.0)  # smallest and largest


def portrait_into_painting(job: Job, context: Context) -> list[Output]:
    """The person of another layer in this painting's style, where they hide the least or at x and y in percent.

    Raises OperationError when no subject is found.
    """
    source, target = job.inputs["source"], job.inputs["image"]
    painted, alpha = run_concurrently(
        lambda context: repainted(source, target, job, context),
        lambda context: alpha_of_subject(source, job, context),
        context,
    )
    person = cropped(painted if alpha is None else cut(painted, alpha, context))
    stands = "lower" in borders(person, source)
    person = sized(person, target, job)
    if job.parameters["place"] == "empty":
        box = solid(person)
        x, y = empty_place(rgb_image(target), box.width, box.height, at_bottom=stands)
        person = replace(person, x=target.x + x - box.x, y=target.y + y - box.y)
    else:
        person = standing(person, *wanted_place(target, job))
    person = in_colors_of(target, person, float(job.parameters["palette"]) / 100)
    return placed_object(person, job, context)


def repainted(source: Raster, painting: Raster, job: Job, context: Context) -> Raster:
    """A layer in the painting's style or a preset's.

    The strokes are as large as the painting's or, where those hide a face, finer.

    Args:
        source: the layer with the person.
        painting: that it goes into.
        job: with the settings of the style.
        context: of the job.

    Returns:
        The layer, painted, in its own size.
    """
    style = str(job.parameters["style"])
    if style == "colors":
        return source
    if style == "painting" and find_network(arbitrary.NAME, context) is None:
        context.notes.append("The network that takes any image as the style is missing: only the colors are taken.")
        return source
    if style == "painting":
        from models.networks.style_predictor import STYLE_IMAGE

        net, weights = arbitrary.painter(painting, context), mixture(STYLE_IMAGE, 1.0)
    else:
        net, weights = network(context), mixture(style, 1.0)
    enlarged = source.height / max(PAINTED, float(job.parameters["size"]) / 100 * painting.height)
    changed = stylized(
        opaque(source),
        net,
        weights,
        min(max(enlarged, STROKES[0]), STROKES[1]),
        context,
        lambda fraction: context.progress(0.4 * fraction, "Painting", None),
    )
    exposure = exposure_of(source)
    return applied(source, changed if exposure.neutral else exposure.undone(changed), None)


def in_colors_of(painting: Raster, person: Raster, share: float) -> Raster:
    """A layer with the painting's palette: means and deviations in L*a*b* brought towards it by `share`, 0..1.

    Reinhard et al. 2001, "Color Transfer between Images", in CIE L*a*b*.
    """
    if share <= 0:
        return person
    alpha = coverage(person)
    exposure = exposure_of(painting)
    own, wanted = lab(to_unit(rgb_image(person))), lab(to_unit(rgb_image(painting))).reshape(-1, 3)
    inside = own[alpha >= 0.5]
    ratio = np.clip(wanted.std(0) / np.maximum(inside.std(0), 1e-3), 0.4, 2.5)
    moved = (own - inside.mean(0)) * ratio + wanted.mean(0)
    mixed = (own + np.float32(share) * (moved - own)).astype(np.float32)
    rgb: FloatArray = np.clip(cv2.cvtColor(mixed * np.float32(100), cv2.COLOR_LAB2RGB), 0, 1)
    form = replace(person.format, channels="RGB")
    rgb = exposure.undone(rgb)
    pixels = np.dstack([converted(raster(rgb, PixelFormat("RGB", "f32")), form), as_depth(alpha, form.depth)])
    return raster(pixels, replace(form, channels="RGBA"), person.x, person.y, person.profile)
