"""Where the modules of a user's own targets and scorers are looked for."""

from __future__ import annotations

import sys
from pathlib import Path


def find_own_modules() -> None:
    """Let modules of the current directory be imported, as ``python -m`` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
