"""Try Inlay on the photographs that come along: select, cut out, paste. Writes the images and says where."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import backend
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster

from ..io import image_files
from . import Exit, cutout, select
from . import paste as pasting
from .action_options import add_running, add_writing
from .progress import ProgressBar, Report
from .runner import Runner, runner

PHOTOGRAPHS = Path(backend.__file__).parent / "demo"
Scene = tuple[str, str, Raster]  # file, what it shows, image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay demo`."""
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("inlay-demo"), metavar="DIR", help="folder (default inlay-demo)"
    )
    add_writing(parser)
    add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the demo's images."""
    lines = []
    with runner(arguments.in_process) as running, ProgressBar(1) as bar:
        report = bar.report("demo")
        for name, text, image in scenes(running, report):
            image_files.write(arguments.output / name, image, overwrite=arguments.overwrite)
            lines.append(f"  {name:<28}{text}")
    print(f"The demo's images are in {arguments.output.absolute()}:")
    print("\n".join(lines))
    return Exit.DONE


def scenes(running: Runner, report: Report) -> Iterator[Scene]:
    """The demo's images, one after the other."""
    astronaut, cat, coffee, rocket = (
        image_files.read(PHOTOGRAPHS / name) for name in ("astronaut.jpg", "chelsea.png", "coffee.png", "rocket.jpg")
    )
    yield (
        "chelsea-cutout.png",
        "the cat, found by the bundled network and cut out, fur and whiskers and all",
        _cut_out(running, report, cat, "select.subject", None),
    )
    yield (
        "rocket-cutout.png",
        "the rocket, meant by a box around it and cut out",
        _cut_out(running, report, rocket, "select.object", (296, 115, 54, 292)),
    )
    yield (
        "astronaut-patch.png",
        "the patch on her suit, selected with GrabCut from a box around it and cut out",
        _cut_out(running, report, astronaut, "select.object", (124, 336, 92, 116), method="grabcut"),
    )
    yield (
        "chelsea-third-eye.png",
        "the cat's eye pasted onto its forehead by Poisson blending",
        _blend(running, report, cat, (128, 78, 88, 72), (75, -62), 0.9),
    )
    yield (
        "coffee-for-two.png",
        "a small second cup pasted onto the same table by Poisson blending",
        _blend(running, report, coffee, (62, 4, 434, 392), (420, 262), 0.34),
    )


def _cut_out(
    running: Runner,
    report: Report,
    image: Raster,
    name: str,
    box: tuple[int, int, int, int] | None,
    **settings: Value,
) -> Raster:
    action = BY_NAME[name]
    mask = select.mask(running, action, action.check(dict(settings)), select.Place(box), image, report)
    return cutout.cut(running, image, mask, {}, report)


def _blend(
    running: Runner,
    report: Report,
    image: Raster,
    oval: tuple[int, int, int, int],
    at: tuple[int, int],
    scale: float,
) -> Raster:
    """The part of an image inside an oval (its bounding box), pasted into the same image elsewhere."""
    placed = pasting.place(image, _oval(image, oval), at, scale)
    parameters = BY_NAME["paste.harmonize"].check({"method": "poisson"})
    return pasting.paste(running, "paste.harmonize", parameters, image, placed, report)


def _oval(image: Raster, box: tuple[int, int, int, int]) -> Raster:
    import numpy as np

    from backend.io.rasters import from_array

    x, y, width, height = box
    rows, columns = np.ogrid[: image.height, : image.width]
    across, down = (columns + 0.5 - x) / width * 2 - 1, (rows + 0.5 - y) / height * 2 - 1
    return from_array((across**2 + down**2 <= 1).astype(np.uint8) * 255)
