"""What writes reports: the protocol of exporters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Exporter(Protocol):
    """Writes a result as a file of one kind, chosen by the file's extension.

    An exporter may also have ``write_comparison(comparison, path)``, for what `evalkit.compare`
    returns (an `evalkit.Comparison`).
    """

    @property
    def name(self) -> str:
        """Name in the catalog, such as ``html``."""
        ...

    @property
    def extensions(self) -> Sequence[str]:
        """Ends of file names, with their dot, such as ``.html``; the longest that fits decides."""
        ...

    def write(self, result: Any, path: Path, /) -> object:
        """Write *result*, an `evalkit.EvaluationResult`, to *path*; what it returns is not read.

        A result is finished: `estimates`, `verdict`, `table` and the like read it, and nothing is
        asked or computed anew.

        Raises:
            OSError: If the file cannot be written, which is told in one line.
        """
        ...
