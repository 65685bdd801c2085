#!/usr/bin/env python3
"""What GIMP starts: installed as plug-ins/inlay/inlay.py, executable, beside `plugin` and (where it loads) `vendor`."""

import sys
from pathlib import Path

folder = Path(__file__).resolve().parent
if not (folder / "plugin/client/actions").is_dir():
    # The first start of a new GIMP copies the plug-ins of the one before, without their deeper folders.
    profiles = folder.parents[2]
    folder = next((f for f in profiles.glob("3.*/plug-ins/inlay") if (f / "plugin/client/actions").is_dir()), folder)
sys.path[:0] = [str(folder)]
sys.path += [str(folder / "vendor")]

from plugin.gimp.procedures import main  # noqa: E402 - the path comes first

main()
