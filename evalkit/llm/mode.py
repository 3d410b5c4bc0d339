"""The four modes in which model calls are answered and recorded."""

from typing import Final, Literal

Mode = Literal["auto", "replay", "live", "none"]

MODES: Final = ("auto", "replay", "live", "none")
"""What each does is told by ``Runtime.mode``."""
