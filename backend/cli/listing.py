"""What objects images hold, printed: `inlay select IMAGE --target objects --list`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from plugin.client.actions import BY_NAME
from plugin.client.image import Raster

from ..io import image_files
from ..io.sources import shown
from . import Exit, inputs
from .progress import ProgressBar
from .runner import runner

ACTION = BY_NAME["select.objects_found"]
OPAQUE = 0.575  # of a thumbnail: alpha from which a pixel is of the object


def print_objects(arguments: argparse.Namespace) -> int:
    """Print the objects of every image, a line each or, with --json, an image a line. Raises CommandError."""
    sources = inputs.find(arguments.images, arguments.recursive).sources
    with runner(arguments.in_process) as running, ProgressBar(len(sources)) as bar:
        for source in sources:
            image = image_files.read(source.path)
            result = running.run(ACTION.name, ACTION.check({}), {"image": image}, bar.report(source.path.name))
            found = [_described(output.name, output.raster, image) for output in result.outputs]
            if arguments.json:
                print(json.dumps({"input": str(source.path), "objects": found}), flush=True)
                continue
            print(f"{shown(source.path)}: {len(found)} found")
            for each in found:
                x, y, width, height = each["box"]
                share = f"{100 * each['share']:.1f} %"
                print(f"  {each['number']:>2}  {each['class']:<14}{share:>7}   {width} x {height} at {x},{y}")
    return Exit.DONE


def _described(name: str, preview: Raster, image: Raster) -> dict[str, Any]:
    """An object as its thumbnail tells of it; the box is exact to a pixel of the thumbnail."""
    from backend.imaging.masks.regions import bounding_box
    from backend.io.rasters import coverage

    number, _, rest = name.partition(": ")
    kind, _, share = rest.rpartition(", ")
    box = bounding_box(coverage(preview) > OPAQUE)
    x, y = image.width / preview.width, image.height / preview.height
    corners = (0, 0, 0, 0) if box is None else (box.x * x, box.y * y, box.width * x, box.height * y)
    return {
        "number": int(number),
        "class": kind,
        "share": round(float(share.split()[0]) / 100, 4),
        "box": [round(value) for value in corners],
    }
