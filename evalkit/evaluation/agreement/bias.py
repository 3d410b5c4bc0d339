"""The biases of a judge that the labelled cases of an evaluation show."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from evalkit.errors import UsageError
from evalkit.evaluation.agreement.labelled import LabelledCases
from evalkit.evaluation.results.cells import cell_table
from evalkit.evaluation.results.estimates import Part
from evalkit.evaluation.results.result import Result
from evalkit.judging.bias import BiasEffect
from evalkit.judging.bias_measures import position_bias, self_preference_bias, verbosity_bias
from evalkit.scoring.estimate import Design
from evalkit.scoring.reading import as_text

_FEWEST: Final = 10
"""Labelled cases below which no bias is looked for."""


def biases_of(
    result: Result, part: Part, cases: LabelledCases, design: Design, answering_model: str
) -> tuple[BiasEffect, ...]:
    """Return the effects that can be told: verbosity, self-preference, position."""
    effects: list[BiasEffect] = []
    rows = np.flatnonzero(cases.labelled & np.isfinite(cases.judge))
    if len(rows) >= _FEWEST and cases.kind != "nominal":
        groups = design.groups_of(rows)
        verdicts = cases.judge[rows], cases.human[rows]
        lengths = _words(result, rows)
        if lengths is not None:
            effects.append(verbosity_bias(*verdicts, lengths, groups=groups, level=design.level))
        own = _own(result, part, rows, answering_model)
        if own is not None and not cases.graded:
            effects.append(self_preference_bias(*verdicts, own, groups=groups, level=design.level))
    position = _position(result, part, design)
    return tuple(effects if position is None else [*effects, position])


def _words(result: Result, rows: Any) -> Any:
    """Count the words of each judged answer; ``None`` where answers are no texts."""
    if "outputs" in result.spool.fields:
        outputs, repeats = result.spool.values("outputs"), 1
    else:  # what a live target answered, in its first repeat
        table = cell_table(result)
        if "outputs" not in table.columns:
            return None
        outputs, repeats = table["outputs"].tolist(), result.repeats
    texts = [outputs[row * repeats] for row in rows]
    if not all(isinstance(text, str) for text in texts):
        return None
    lengths = np.array([len(text.split()) for text in texts], dtype=np.float64)
    return lengths if lengths.size and np.ptp(lengths) > 0 else None


def _own(result: Result, part: Part, rows: Any, tag: str) -> Any:
    """Say which answers are of the judge's own model; ``None`` where that tells nothing."""
    model = (result.facts.plan.scorer(part.metric.scorer).get("identity") or {}).get("model")
    try:
        names = result.tag_values(tag)
    except UsageError:
        return None
    models = [names[row] for row in rows]
    if model is None or None in models:
        return None
    own = np.array([_plain(name or "") == _plain(model) for name in models])
    return own if own.any() and not own.all() else None


def _plain(model: str) -> str:
    """Cut a model's provider off, in lower case."""
    return (as_text(model) or "").rpartition("/")[2].casefold()


def _position(result: Result, part: Part, design: Design) -> BiasEffect | None:
    """Measure the position bias of a pairwise judge that was asked in both orders."""
    key = f"{part.metric.scorer}.position_bias"
    column = next((metric.column for metric in result.metrics if metric.key == key), None)
    if column is None or result.repeats > 1:
        return None
    rows = np.flatnonzero(np.isfinite(column.values))
    if not len(rows):
        return None
    values = column.values[rows]
    return position_bias(values, groups=design.groups_of(rows), level=design.level)
