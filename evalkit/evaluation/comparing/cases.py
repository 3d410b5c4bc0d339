"""The cases behind a comparison: what a system fixed, what it broke, and what has no pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.evaluation.comparing.row import Row

if TYPE_CHECKING:
    import pandas as pd


def changed_cases(
    row: Row, cases_a: pd.DataFrame, cases_b: pd.DataFrame, limit: int | None, *, better: bool
) -> pd.DataFrame:
    """Return the cases of *row* that got better (or worse), largest change first.

    Args:
        row: A metric of two systems.
        cases_a: ``inputs, expectations, outputs`` of each case of the baseline.
        cases_b: The same of the other system.
        limit: Most cases; ``None`` for all.
        better: Whether those are meant that got better.

    Returns:
        ``id, inputs, expectations, output_a, output_b, value_a, value_b, change``.
    """
    import pandas as pd

    order = row.changed(better=better)[:limit]
    places = [rows[order] for rows in row.pairs.rows]
    value_b, value_a = (values[order] for values in row.pairs.values)
    return pd.DataFrame(
        {
            "id": row.pairs.ids[order],
            "inputs": cases_b["inputs"].to_numpy()[places[0]],
            "expectations": cases_b["expectations"].to_numpy()[places[0]],
            "output_a": cases_a["outputs"].to_numpy()[places[1]],
            "output_b": cases_b["outputs"].to_numpy()[places[0]],
            "value_a": value_a,
            "value_b": value_b,
            "change": value_b - value_a,
        }
    )


def unmatched_cases(ids: Mapping[str, Any], cases: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the cases that only one of two systems has.

    Args:
        ids: Ids of the cases of each system, the baseline first.
        cases: Their ``inputs``.

    Returns:
        ``id, inputs, only_in``, those of the baseline first.
    """
    import pandas as pd

    columns = list(ids.values())
    parts: list[pd.DataFrame] = []
    for name, own, others in zip(ids, columns, columns[::-1], strict=True):
        alone = np.flatnonzero(~np.isin(own.astype(str), others.astype(str)))
        inputs = cases[name]["inputs"].to_numpy()
        parts.append(pd.DataFrame({"id": own[alone], "inputs": inputs[alone], "only_in": name}))
    return pd.concat(parts, ignore_index=True)
