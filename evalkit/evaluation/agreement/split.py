"""Which labelled cases a prompt or a threshold may be tuned on, and which are held out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.evaluation.results.result import Result

DEVELOPMENT: Final = frozenset({"development", "dev", "train", "training", "validation", "val"})
"""Splits of the data whose cases are for development."""

HELD_OUT: Final = frozenset({"test", "testing", "held_out", "held-out", "heldout", "holdout"})
"""Splits of the data whose cases are held out."""


def development_cases(result: Result, *, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Return which cases are for development, shape ``(n,)``.

    A case whose ``split`` says so goes there.  The others are drawn by a hash of the seed and the
    case's group, or of its id: groups stay together, and a case stays on its side when more cases
    are labelled, so that what a prompt was tuned on never becomes held out.  *share*, in [0, 1), is
    for development.
    """
    spool = result.spool
    names: Any = spool.strings("split") if "split" in spool.fields else [None] * len(result)
    development = np.zeros(len(result), dtype=np.bool_)
    sides: dict[str, bool] = {}
    for row, (name, unit) in enumerate(zip(names, _units(result), strict=True)):
        word = None if name is None else str(name).casefold()
        if word in DEVELOPMENT or word in HELD_OUT:
            development[row] = word in DEVELOPMENT
            continue
        if unit not in sides:
            # A number in [0, 1) that unit and seed alone decide.
            chance = int(content_hash(canonical_json([seed, unit]), size=6), 16) / 2**48
            sides[unit] = chance < share
        development[row] = sides[unit]
    return development


def _units(result: Result) -> list[str]:
    spool = result.spool
    columns = [list(spool.strings(n)) for n in ("group", "session") if n in spool.fields]
    ids = [str(name) for name in result.case_ids]
    return [
        next((f"group {column[row]}" for column in columns if column[row] is not None), ids[row])
        for row in range(len(result))
    ]
