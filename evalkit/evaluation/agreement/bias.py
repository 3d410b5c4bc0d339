"""The biases of a judge that the labelled cases of an evaluation show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.errors import UsageError
from evalkit.evaluation.results.cells import cell_table
from evalkit.judging.bias import BiasEffect
from evalkit.judging.bias_measures import position_bias, self_preference_bias, verbosity_bias
from evalkit.scoring.reading import as_text

if TYPE_CHECKING:
    from evalkit.evaluation.agreement.figures import Setting
    from evalkit.evaluation.agreement.pairs import Pairs
    from evalkit.evaluation.results.estimates import Part
    from evalkit.evaluation.results.result import Result

_FEWEST: Final = 10
"""Labelled cases below which no bias is looked for."""


def biases_of(
    result: Result, part: Part, pairs: Pairs, setting: Setting, answering_model: str
) -> tuple[BiasEffect, ...]:
    """Return the effects that can be told: verbosity, self-preference, position."""
    found: list[BiasEffect] = []
    rows = np.flatnonzero(pairs.labelled & np.isfinite(pairs.judge))
    if len(rows) >= _FEWEST and pairs.kind != "nominal":
        groups = None if setting.groups is None else setting.groups[rows]
        said = pairs.judge[rows], pairs.human[rows]
        lengths = _words(result, rows)
        if lengths is not None:
            found.append(verbosity_bias(*said, lengths, groups=groups, level=setting.level))
        own = _own(result, part, rows, answering_model)
        if own is not None and not pairs.graded:
            found.append(self_preference_bias(*said, own, groups=groups, level=setting.level))
    position = _position(result, part, setting)
    return tuple(found if position is None else [*found, position])


def _words(result: Result, rows: Any) -> Any:
    """Return the words of each judged answer; ``None`` where answers are no texts."""
    if "outputs" in result.spool.fields:
        outputs = result.spool.values("outputs")
        texts: list[Any] | None = [outputs[row] for row in rows]
    else:
        texts = _answers(result, rows)
    if texts is None or not all(isinstance(text, str) for text in texts):
        return None
    lengths = np.array([len(text.split()) for text in texts], dtype=np.float64)
    return lengths if lengths.size and np.ptp(lengths) > 0 else None


def _answers(result: Result, rows: Any) -> list[Any] | None:
    """Return what a live target answered, of its first repeat."""
    table = cell_table(result)
    if "outputs" not in table.columns:
        return None
    outputs = table["outputs"].tolist()
    return [outputs[row * result.repeats] for row in rows]


def _own(result: Result, part: Part, rows: Any, tag: str) -> Any:
    """Return which answers come from the judge's own model; ``None`` where that is not known."""
    model = _model(result, part)
    if model is None:
        return None
    try:
        names = result.tag_values(tag)
    except UsageError:
        return None
    known = [names[row] for row in rows]
    if any(name is None for name in known):
        return None
    own = np.array([_plain(name or "") == _plain(model) for name in known])
    return own if own.any() and not own.all() else None


def _model(result: Result, part: Part) -> str | None:
    for spec in result.facts.plan.scorers:
        if spec["name"] == part.metric.scorer:
            identity: Mapping[str, Any] = spec.get("inner", spec).get("identity") or {}
            model: str | None = identity.get("model")
            return model
    return None


def _plain(model: str) -> str:
    """Return a model's name without its provider, in lower case."""
    return (as_text(model) or "").rpartition("/")[2].casefold()


def _position(result: Result, part: Part, setting: Setting) -> BiasEffect | None:
    """Return the position bias that a pairwise judge, asked in both orders, has shown."""
    key = f"{part.metric.scorer}.position_bias"
    column = next((metric.column for metric in result.metrics if metric.key == key), None)
    if column is None or result.repeats > 1:
        return None
    rows = np.flatnonzero(np.isfinite(column.values))
    if not len(rows):
        return None
    groups = None if setting.groups is None else setting.groups[rows]
    return position_bias(column.values[rows], groups=groups, level=setting.level)
