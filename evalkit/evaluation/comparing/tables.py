"""What a comparison shows as frames: ranks, differences by tag, and the cases behind them."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.difference import difference, difference_of
from evalkit.evaluation.comparing.row import Row, adjusted
from evalkit.evaluation.results.cells import explanations_of
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Metric

if TYPE_CHECKING:
    import pandas as pd

_OF_SLICES = ("a", "b", "metric", "difference", "low", "high", "p_value", "n_pairs", "p_adjusted")


def rank_table(results: Mapping[str, Result], metric: str, *, anyway: bool = False) -> pd.DataFrame:
    """Return what `Comparison.ranks` does.

    Every two systems are compared, paired, and Holm's method allows for the number of pairs: one
    system ranks below another only where their difference is clear.

    References:
        Holm (1979); Chiang et al. (2024), arXiv 2403.04132, for ranks as intervals.
    """
    import pandas as pd

    names = list(results)
    estimates = {name: results[name][metric] for name in names}
    direction = estimates[names[0]].direction
    if direction == "none":
        raise UsageError(f"{metric} ranks nothing: neither more nor less of it is better.")
    sign = -1.0 if direction == "lower" else 1.0
    pairs = list(itertools.combinations(names, 2))
    differences = [difference(results[a], results[b], metric, anyway=anyway) for a, b in pairs]
    p_values = adjusted([each.p_value for each in differences], "holm")
    better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for (a, b), each, p_value in zip(pairs, differences, p_values, strict=True):
        if each.is_clear and p_value is not None and p_value < 1 - each.level:
            best, other = (a, b) if sign * each.difference > 0 else (b, a)
            worse[best] += 1
            better[other] += 1
    rows = [
        (name, each.value, each.low, each.high, 1 + better[name], len(names) - worse[name])
        for name, each in estimates.items()
    ]
    order = sorted(rows, key=lambda row: -sign * (row[1] if row[1] is not None else float("-inf")))
    columns = ["system", "value", "low", "high", "best_rank", "worst_rank"]
    return pd.DataFrame(order, columns=columns)


def differences_by(results: Mapping[str, Result], rows: Sequence[Row], tag: str) -> pd.DataFrame:
    """Return what `Comparison.by` does; p-values are adjusted over all rows of the table."""
    import pandas as pd

    # Tags are those of the system that is compared: a baseline file has none.
    values = {
        name: np.array(results[name].tag_values(tag), dtype=object)
        for name in dict.fromkeys(row.b for row in rows)
    }
    parts: list[tuple[Any, Row]] = []
    for row in rows:
        of_pairs = values[row.b][row.pairs.rows[0]]
        for value in sorted({value for value in of_pairs if value is not None}):
            pairs = row.pairs.take(np.flatnonzero(of_pairs == value))
            # No case of a slice may have a value in both.
            with contextlib.suppress(UsageError):
                paired = difference_of(results[row.b], results[row.a], pairs)
                parts.append((value, dataclasses.replace(row, difference=paired, pairs=pairs)))
    p_values = adjusted([part.difference.p_value for _, part in parts], "benjamini-hochberg")
    cells: list[dict[str, Any]] = []
    for (value, part), p_adjusted in zip(parts, p_values, strict=True):
        facts = part.facts(p_adjusted)
        cells.append({tag: value} | {name: facts[name] for name in (*_OF_SLICES, "outcome")})
    return pd.DataFrame(cells)


def changed_cases(
    row: Row, cases_a: pd.DataFrame, cases_b: pd.DataFrame, limit: int | None, *, better: bool
) -> pd.DataFrame:
    """Return what `Comparison.fixed` does, or `broke`, of the cases of both systems of *row*."""
    import pandas as pd

    order = row.changed(better=better)[:limit]
    places = [rows[order] for rows in row.pairs.rows]
    value_b, value_a = (values[order] for values in row.pairs.values)
    metrics = row.pairs.metric, row.pairs.other
    reason_b, reason_a = (
        _reasons(*side) for side in zip(metrics, (cases_b, cases_a), places, strict=True)
    )
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
            "reason_a": reason_a,
            "reason_b": reason_b,
        }
    )


def _reasons(metric: Metric, cases: pd.DataFrame, rows: Any) -> list[str | None]:
    """Return what the scorer says of each of *rows*, in the first repeat that it explains."""
    texts = explanations_of(metric)
    repeats = len(metric.column.status) // max(1, len(cases))
    cells = (range(row * repeats, (row + 1) * repeats) for row in rows.tolist())
    return [next((texts[cell] for cell in of_row if cell in texts), None) for of_row in cells]


def unmatched_cases(ids: Mapping[str, Any], cases: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what `Comparison.unmatched` does of two systems, the baseline first in *ids*."""
    import pandas as pd

    columns = list(ids.values())
    parts: list[pd.DataFrame] = []
    for name, own, others in zip(ids, columns, columns[::-1], strict=True):
        alone = np.flatnonzero(~np.isin(own.astype(str), others.astype(str)))
        inputs = cases[name]["inputs"].to_numpy()
        parts.append(pd.DataFrame({"id": own[alone], "inputs": inputs[alone], "only_in": name}))
    return pd.concat(parts, ignore_index=True)
