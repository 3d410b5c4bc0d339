"""The cases behind a comparison: what a system fixed, what it broke, and what has no pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation.comparing.comparison import Comparison, Row


def changed_cases(
    comparison: Comparison, row: Row, limit: int | None, *, better: bool
) -> pd.DataFrame:
    """Return the cases of *row* that got better (or worse), largest change first.

    Returns:
        ``id, inputs, expectations, output_a, output_b, value_a, value_b, change``.
    """
    import pandas as pd

    order = row.changed(better=better)[:limit]
    places = [rows[order] for rows in row.pairs.rows]
    value_b, value_a = (values[order] for values in row.pairs.values)
    first, second = comparison.cases(row.b), comparison.cases(row.a)
    return pd.DataFrame(
        {
            "id": row.pairs.ids[order],
            "inputs": first["inputs"].to_numpy()[places[0]],
            "expectations": first["expectations"].to_numpy()[places[0]],
            "output_a": second["outputs"].to_numpy()[places[1]],
            "output_b": first["outputs"].to_numpy()[places[0]],
            "value_a": value_a,
            "value_b": value_b,
            "change": value_b - value_a,
        }
    )


def unmatched_cases(comparison: Comparison, system: str) -> pd.DataFrame:
    """Return the cases that only one of *system* and the baseline has.

    Returns:
        ``id, inputs, only_in``, those of the baseline first.
    """
    import pandas as pd

    names = comparison.baseline, system
    ids = [comparison[name].case_ids for name in names]
    parts: list[pd.DataFrame] = []
    for name, own, others in zip(names, ids, ids[::-1], strict=True):
        alone = np.flatnonzero(~np.isin(own.astype(str), others.astype(str)))
        inputs = comparison.cases(name)["inputs"].to_numpy()
        parts.append(pd.DataFrame({"id": own[alone], "inputs": inputs[alone], "only_in": name}))
    return pd.concat(parts, ignore_index=True)
