"""Exporters, and files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Report:
    """An exporter; its functions raise `OSError` where a file cannot be written."""

    name: str
    extensions: tuple[str, ...]
    write: Callable[[EvaluationResult, Path], object]
    write_comparison: Callable[[Comparison, Path], object] | None = None
    show: Callable[..., str] | None = None
    show_comparison: Callable[[Comparison], str] | None = None


def as_file(text: Callable[[Thing], str]) -> Callable[[Thing, Path], None]:
    """Return what writes the *text* of a thing to a path."""
    return lambda thing, path: write_text(path, text(thing))


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Give a path to write to, and put the file in its place when all went well.

    Missing folders are made.  What stood there before stays until the new file is complete.

    Raises:
        OSError: If the file or its folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8, line ends as they are; lone surrogates become question marks.

    Raises:
        OSError: If the file or its folder cannot be written.
    """
    with whole_file(path) as fresh:
        fresh.write_bytes(text.encode("utf-8", "replace"))
