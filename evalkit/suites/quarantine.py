"""Cases that may fail until a day: known trouble that must not be forgotten."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit._internal.clock import now_milliseconds
from evalkit.errors import SpecificationError, near_miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Until when one case may fail, and why."""

    until: dt.date
    """Last day on which it may."""

    reason: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the last day has passed, by the clock of UTC."""
        now = dt.datetime.fromtimestamp(now_milliseconds() / 1000, tz=dt.UTC)
        return now.date() > self.until


def read_quarantine(path: Path) -> Mapping[str, Mapping[str, Quarantine]]:
    r"""Return the quarantined cases of each suite, by case id.

    The file is TOML: a table for each suite, and in it ``"case id" = 2026-03-31`` or
    ``"case id" = { until = 2026-03-31, reason = "…" }``.

    Raises:
        SpecificationError: If the file cannot be read, or an entry has no date.

    Examples:
        >>> import datetime as dt, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "quarantine.toml"
        >>> _ = file.write_text('[qa]\nq7 = { until = 2024-12-31, reason = "slow tool" }')
        >>> entry = read_quarantine(file)["qa"]["q7"]
        >>> entry.reason, entry.is_over
        ('slow tool', True)
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecificationError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise SpecificationError(f"{path} is not TOML: {error}.") from error
    quarantines: dict[str, dict[str, Quarantine]] = {}
    for suite, entries in content.items():
        if not isinstance(entries, dict):
            raise SpecificationError(
                f"{path}: {suite!r} stands outside a suite; write it below a line [suite]."
            )
        quarantines[suite] = {
            case: _entry(path, suite, case, entry) for case, entry in entries.items()
        }
    return quarantines


def _entry(path: Path, suite: str, case: str, entry: Any) -> Quarantine:
    facts: Mapping[str, Any] = entry if isinstance(entry, dict) else {"until": entry}
    place = f"{path}: {suite}.{case}"
    for name in facts:
        if name not in {"until", "reason"}:
            hint = near_miss(name, ("until", "reason"))
            raise SpecificationError(f"{place} has no key {name!r}.{hint}")
    until = facts.get("until")
    if isinstance(until, dt.datetime) or not isinstance(until, dt.date):
        raise SpecificationError(
            f"{place} needs the last day on which it may fail, such as until = 2026-03-31."
        )
    return Quarantine(until=until, reason=str(facts.get("reason", "")))
