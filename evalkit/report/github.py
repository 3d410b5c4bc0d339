"""What GitHub Actions shows of a job: annotations of lines, and the job's summary."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from evalkit.errors import UsageError

Level = Literal["notice", "warning", "error"]
"""How grave an annotation looks."""

SUMMARY_BYTES: Final = 1 << 20
"""Size above which GitHub refuses a step's summary."""


def annotation(
    title: str,
    message: str,
    *,
    file: str | None = None,
    line: int | None = None,
    level: Level = "error",
) -> str:
    r"""Return the workflow command that shows *message* beside a line of a file.

    Args:
        title: Heading of the annotation.
        message: Text; may have several lines.
        file: Path from the root of the repository.
        line: Number from 1; needs *file*.
        level: How grave it looks.

    Examples:
        >>> annotation("qa: q7", "50% off\nof it", file="tests/qa.jsonl", line=7)
        '::error file=tests/qa.jsonl,line=7,title=qa%3A q7::50%25 off%0Aof it'

    References:
        GitHub documentation, *Workflow commands for GitHub Actions*.
    """
    properties = {"file": file, "line": None if file is None else line, "title": title}
    written = ",".join(
        f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None
    )
    return f"::{level} {written}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(path: Path, markdown: str, *, first: bool = True) -> None:
    """Add *markdown* to the summary of the job's step, as long as GitHub takes it.

    Args:
        path: The file that GitHub named.
        markdown: What to add.
        first: Whether nothing of ours stands in it yet; later parts are set off.

    Raises:
        UsageError: If the file cannot be written.
    """
    added = markdown if first else f"\n{markdown}"
    try:
        room = SUMMARY_BYTES - (path.stat().st_size if path.exists() else 0)
        if len(added.encode("utf-8")) <= room:
            with path.open("a", encoding="utf-8") as file:
                file.write(added)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
