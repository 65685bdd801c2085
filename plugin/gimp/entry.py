#!/usr/bin/env python3
"""What GIMP starts: installed as plug-ins/inlay/inlay.py, executable, beside `plugin` and (where it loads) `vendor`."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent / "vendor")]

from plugin.gimp.procedures import main

main()
