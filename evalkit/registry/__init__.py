"""What is kept under a name and numbered: models."""

from evalkit.registry import models

__all__ = ["models"]
