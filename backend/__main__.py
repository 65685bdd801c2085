"""`python -m backend serve`, and every other command of `inlay`."""

from __future__ import annotations

import sys

from .cli.main import main

sys.exit(main())
