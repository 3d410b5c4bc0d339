"""Estimates by key: plain metrics, functions of their cells, slices by tag."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.entities.estimate import Direction, Estimate
from evalkit.entities.score import Status
from evalkit.errors import GateSyntaxError, UnknownMetricError, UsageError
from evalkit.gates.key import Key, parse_key
from evalkit.gates.verdict import COVERAGE, WHERE
from evalkit.scoring.column import Metric, ScoreColumn
from evalkit.scoring.estimate import (
    Design,
    case_values,
    case_weights,
    cells_of_rows,
    estimate_corpus,
    estimate_mean,
)
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.reduce import UNDECIDABLE, Reducer

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.data.snapshot import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a key is about: the metric whose cells count, and how they become one number."""

    metric: Metric
    reducer: Reducer
    key: Key

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean of cells, over all cases or those that have the key's tags."""
        plain = self.key.function in {None, "mean", "rate"} and self.key.worst_by is None
        return plain and self.metric.source is None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the greatest value that there can be; ``None`` where none is known."""
        facts = self.metric.facts
        return (0.0, 1.0) if self.is_rate else (facts.low, facts.high)

    @property
    def is_rate(self) -> bool:
        """Whether each cell is yes or no."""
        return self.metric.column.binary or self.metric.facts.binary


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The slice of a tag's values where a metric is worst."""

    estimate: Estimate
    rows: npt.NDArray[np.int64]
    valueless: tuple[str, ...] = ()
    """Slices in which the metric has no value."""


MOST_LABELS: Final = 50
"""Labels of a metric whose rates are listed; that of any other is to be had by its key."""

LONGEST_KEY: Final = 250
"""Characters of a key that stores keep, MLflow's too."""

_RATE: Final = MetricFacts(direction="none", low=0.0, high=1.0, binary=True)
_SHARE: Final = MetricFacts(low=0.0, high=1.0)
"""Passes among a case's repeats, whatever the direction of the metric itself."""


class Estimates:
    """Computes an estimate for each key that is asked for, and remembers it."""

    def __init__(
        self,
        metrics: Sequence[Metric],
        design: Design,
        reducers: Sequence[Reducer],
        spool: Spool,
        known: Mapping[str, Estimate] | None = None,
    ) -> None:
        """Estimate *metrics* of the cases in *spool*; *known* ones were computed before."""
        self._metrics = {metric.key: metric for metric in metrics}
        self.design = design
        """How the cells are laid out."""
        self._reducers = reducers
        self._spool = spool
        self._computed = {(key, design.level): estimate for key, estimate in (known or {}).items()}
        self._of_label: dict[str, Metric] = {}
        self._tags: dict[str, list[str | None]] = {}
        self._worst: dict[tuple[str, float], Worst] = {}

    def plain(self) -> dict[str, Estimate]:
        """Return the estimate of every metric, label and reducer, in order."""
        return {key: self[key] for key in self.plain_keys()}

    def plain_keys(self) -> list[str]:
        """Return the keys of `plain`."""
        return list(self._plain)

    @functools.cached_property
    def _plain(self) -> dict[str, None]:
        keys: list[str] = []
        for key, metric in self._metrics.items():
            if np.isfinite(metric.column.values).any() or not metric.column.labels:
                keys.append(key)
            labels = listed_labels(metric)
            # Of yes and no the metric itself is the rate.
            if not metric.facts.binary or len(labels) > 2:  # noqa: PLR2004
                keys += [f"{key}={label}" for label in labels]
            # One number of all cells has nothing to reduce.
            if len(self._reducers) > 1 and metric.source is None:
                keys += [f"{key}.{reducer}" for reducer in self._reducers[1:]]
        return dict.fromkeys(keys)

    def __getitem__(self, key: str) -> Estimate:
        return self.at(key, self.design.level)

    def at(self, key: str, level: float) -> Estimate:
        """Return the estimate of *key* with an interval at *level*.

        Raises:
            UnknownMetricError: If there is no such metric.
        """
        if (key, level) not in self._computed:
            self._computed[key, level] = self._compute(key, level)
        return self._computed[key, level]

    def know(self, estimate: Estimate) -> None:
        """Remember *estimate* as that of its key at its level, in place of what was computed."""
        self._computed[estimate.key, estimate.level] = estimate

    def part(self, key: str | Key) -> Part:
        """Return what *key* is about.

        Raises:
            UnknownMetricError: If there is no such metric.
        """
        key = self._parsed(key) if isinstance(key, str) else key
        metric, reducer = self._metric(key.metric)
        if key.function == "rate":
            metric = _rate_metric(metric)
        elif key.function is not None:
            metric = dataclasses.replace(metric, source=None)
        reducer = reducer.of(metric.facts, binary=metric.column.binary or metric.facts.binary)
        if reducer.yields_share and metric.source is None:
            metric = dataclasses.replace(metric, facts=_SHARE)
        return Part(metric=metric, reducer=reducer, key=key)

    def _parsed(self, text: str) -> Key:
        # Names first: brackets in the name of a metric are no tags and no function.
        if text in self._metrics or text in self._plain:
            return Key(metric=text)
        try:
            return parse_key(text, names=[*self._metrics, *self._plain])
        except GateSyntaxError:
            raise UnknownMetricError(text, self.plain_keys()) from None

    def _compute(self, text: str, level: float) -> Estimate:
        key = self._parsed(text)
        design = dataclasses.replace(self.design, level=level)
        if key.worst_by is not None:
            return self.worst(text, level).estimate
        rows = self.rows_with(key.tags) if key.tags else None
        return self._estimate(text, key, design, rows)

    def rows_of(self, key: str) -> npt.NDArray[np.int64]:
        """Return the cases that the estimate of *key* is of; of ``worst(…)`` the worst value's.

        Raises:
            UsageError: If there is no such case.
        """
        parsed = self._parsed(key)
        if parsed.worst_by is None:
            return self.rows_with(parsed.tags)
        return self.worst(key, self.design.level).rows

    def parts_of(self, key: Key) -> dict[str, npt.NDArray[np.int64]]:
        """Return the cases that *key* is about, for each value of the tag after its ``by=``.

        Raises:
            UsageError: If there is no such case.
        """
        assert key.worst_by is not None  # noqa: S101  the caller looked
        among = self.rows_with(key.tags)
        slices = self.slices((key.worst_by,)).items()
        parts = {value: rows[np.isin(rows, among)] for (value,), rows in slices}
        if not any(map(len, parts.values())):
            wanted = ", ".join(f"{name}={value}" for name, value in key.tags)
            raise UsageError(f"No case with {wanted} has a tag {key.worst_by!r}.")
        return {value: rows for value, rows in parts.items() if len(rows)}

    def untagged(self, key: Key) -> npt.NDArray[np.int64]:
        """Return the cases that *key* is about and that lack the tag after its ``by=``."""
        if key.worst_by is None:
            return np.array([], dtype=np.int64)
        values, among = self.tag_values(key.worst_by), self.rows_with(key.tags)
        return np.array([row for row in among if values[row] is None], dtype=np.int64)

    def worst(self, text: str, level: float) -> Worst:
        """Return the worst slice of a key such as ``worst(m, by=language)``, and what it is."""
        if (text, level) not in self._worst:
            self._worst[text, level] = self._find_worst(text, level)
        return self._worst[text, level]

    def _find_worst(self, text: str, level: float) -> Worst:
        key, design = self._parsed(text), dataclasses.replace(self.design, level=level)
        parts = self.parts_of(key)
        of_slice = {
            v: _named(self._estimate(text, key, design, rows), f"{key.worst_by}={v}")
            for v, rows in parts.items()
        }
        valued = [value for value, estimate in of_slice.items() if estimate.value is not None]

        def badness(value: str) -> tuple[bool, float]:
            # A slice that failed is worse than any value; one where the metric does not apply is
            # not.
            estimate = of_slice[value]
            if estimate.coverage is not None and estimate.coverage < COVERAGE:
                return True, -estimate.coverage
            number = estimate.value or 0.0
            return False, number if estimate.direction == "lower" else -number

        lost = [value for value in of_slice if badness(value)[0]]
        value = max(lost or valued or of_slice, key=badness)
        return Worst(
            estimate=of_slice[value],
            rows=parts[value],
            valueless=tuple(f"{key.worst_by}={v}" for v in of_slice if v not in valued),
        )

    def _estimate(self, text: str, key: Key, design: Design, rows: Any) -> Estimate:
        part = self.part(key)
        metric, column = part.metric, part.metric.column
        if rows is not None:
            cells = cells_of_rows(rows, design.repeats)
            column, design = take_cells(column, cells), design.take(rows)
        if metric.source is not None:
            return estimate_corpus(text, column, metric.facts, design, metric.source)
        mean = estimate_mean(text, column, metric.facts, design, part.reducer)
        if part.reducer.vague:
            return dataclasses.replace(mean, note=UNDECIDABLE)
        if key.function in {None, "mean", "rate"} or mean.value is None:
            return mean
        return _order_statistic(mean, key, column, design, part.reducer)

    def _metric(self, name: str) -> tuple[Metric, Reducer]:
        if name in self._metrics:
            return self._metrics[name], self._reducers[0]
        for reducer in self._reducers:
            base = name.removesuffix(f".{reducer}")
            if base != name and base in self._metrics:
                if self._metrics[base].source is not None:
                    why = f"{base} is computed of all cells at once; {reducer} reduces nothing."
                    raise UnknownMetricError(name, self.plain_keys(), why)
                return self._metrics[base], reducer
        base, equals, label = name.partition("=")
        metric = self._metrics.get(base)
        if equals and metric is not None and metric.column.labels:
            if name not in self._of_label:
                self._of_label[name] = label_metric(metric, label)
            return self._of_label[name], self._reducers[0]
        raise UnknownMetricError(name, self.plain_keys())

    def rows_with(self, tags: Sequence[tuple[str, str]]) -> npt.NDArray[np.int64]:
        """Return the cases that have all of *tags*.

        Raises:
            UsageError: If no case has such a tag.
        """
        rows = np.arange(self._spool.n)
        for name, value in tags:
            values = self.tag_values(name)
            rows = rows[[values[row] == value for row in rows]]
        if not len(rows):
            wanted = ", ".join(f"{name}={value}" for name, value in tags)
            others = sorted({v for v in self.tag_values(tags[-1][0]) if v is not None})[:20]
            raise UsageError(f"No case has {wanted}; {tags[-1][0]!r} has: {', '.join(others)}.")
        return rows

    def tag_values(self, name: str) -> list[str | None]:
        """Return the value of tag *name* for each case as text, ``None`` where it has none.

        Raises:
            UsageError: If no case has the tag, or *name* is no text.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"A tag has a text for a name, not {name!r}; give several one by one.")
        if name in self._tags:
            return self._tags[name]
        if name in {"session", "group", "split"} and name in self._spool.fields:
            values = list(self._spool.strings(name))
        else:
            values = [tags.get(name) for tags in self._spool.values("tags")]
        if all(value is None for value in values):
            raise UsageError(
                f"No case has a tag {name!r}; map one: columns={{'tags': [{name!r}]}}."
            )
        self._tags[name] = [None if value is None else tag_text(value) for value in values]
        return self._tags[name]

    def slices(self, tags: Sequence[str]) -> dict[tuple[str, ...], npt.NDArray[np.int64]]:
        """Return the cases of each combination of tag values, sorted by value."""
        columns = [self.tag_values(name) for name in tags]
        rows: dict[tuple[str, ...], list[int]] = {}
        for row, values in enumerate(zip(*columns, strict=True)):
            present = tuple(value for value in values if value is not None)
            if len(present) == len(values):
                rows.setdefault(present, []).append(row)
        return {values: np.array(rows[values], dtype=np.int64) for values in sorted(rows)}

    def of_rows(
        self, key: str, rows: npt.NDArray[np.int64], level: float | None = None
    ) -> Estimate:
        """Return the estimate of *key* over the cases at *rows* only."""
        design = dataclasses.replace(self.design, level=level or self.design.level)
        return self._estimate(key, self._parsed(key), design, rows)


def listed_labels(metric: Metric) -> list[str]:
    """List the labels whose rates are estimates of their own: the most frequent, by name.

    A scorer that gives free texts as labels must not make a metric of each.
    """
    room = LONGEST_KEY - len(metric.key) - 1
    counts = Counter(label for label in metric.column.labels.values() if len(label) <= room)
    frequent = sorted(counts, key=lambda label: (-counts[label], label))[:MOST_LABELS]
    return sorted(frequent)


def tag_text(value: Any) -> str:
    """Return a tag's value as keys and gates write it."""
    return "yes" if value is True else "no" if value is False else str(value)


def take_cells(column: ScoreColumn, cells: npt.NDArray[np.int64]) -> ScoreColumn:
    """Return the column of some cells; labels, explanations and metadata are left behind."""
    taken = ScoreColumn(column.values[cells], column.status[cells], binary=column.binary)
    taken.weights = None if column.weights is None else column.weights[cells]
    taken.statistics = None if column.statistics is None else column.statistics.take(cells)
    return taken


def _rate_metric(metric: Metric) -> Metric:
    values, direction = metric.column.values, metric.facts.direction
    return _yes_or_no(metric, np.where(np.isfinite(values), values >= 1.0, np.nan), direction)


def _yes_or_no(metric: Metric, values: Any, direction: Direction) -> Metric:
    column = ScoreColumn(values, metric.column.status, binary=True, weights=metric.column.weights)
    facts = dataclasses.replace(_RATE, direction=direction)
    return dataclasses.replace(metric, column=column, facts=facts, source=None)


def label_metric(metric: Metric, label: str) -> Metric:
    """Return the rate at which cells have *label*, as a metric of its own."""
    column = metric.column
    values = np.where(column.status == Status.OK, 0.0, np.nan)
    values[[row for row, given in column.labels.items() if given == label]] = 1.0
    return _yes_or_no(metric, values, "none")


def _order_statistic(
    mean: Estimate, key: Key, column: ScoreColumn, design: Design, reducer: Reducer
) -> Estimate:
    """Return a quantile with its interval, or the extreme value, of what *mean* is the mean of."""
    # start-up: most keys are means
    from evalkit.stats.quantile import quantile_interval, weighted_quantile

    values, status = case_values(column, design, reducer)
    counted = dataclasses.replace(
        mean, value=None, low=None, high=None, method=None, standard_error=None
    )
    ok = (status == Status.OK) & np.isfinite(values)
    kept, weights = values[ok], case_weights(column, design, ok)
    if key.function in {"min", "max"}:
        extreme = float(kept.min() if key.function == "min" else kept.max())
        return dataclasses.replace(counted, value=extreme, note="an extreme has no interval")
    share = 0.5 if key.function == "median" else key.quantile or 0.5
    value = weighted_quantile(kept, share, weights)
    groups = None if design.groups is None else design.groups[ok]
    interval = quantile_interval(kept, share, level=design.level, weights=weights, groups=groups)
    if interval is None:
        return dataclasses.replace(counted, value=value, note="too few cases for an interval")
    return dataclasses.replace(
        counted,
        value=value,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        note=None,
    )


def _named(estimate: Estimate, slice_of: str) -> Estimate:
    """Return *estimate* with the slice that it is of; `evalkit.gates.verdict.describe` reads it."""
    note = f"{WHERE}{slice_of}" + (f"; {estimate.note}" if estimate.note else "")
    return dataclasses.replace(estimate, note=note)
